import { SimUsageError } from '../errors.ts';
import { type Cell, type CellOutcome, runCell } from '../sweep/cell.ts';
import { runOnWorkers, SimWorkerError } from './node-worker-pool.ts';

/** A run that came to its end. */
export interface CellResult {
  readonly cell: Cell;
  readonly outcome: CellOutcome;
}

/** How runs are made. */
export interface CellPoolOptions {
  /** Worker threads. With 1 the runs are made one after the other on the thread of the caller. */
  readonly workers: number;
  /** Ends the work: runs that are under way are dropped. */
  readonly signal?: AbortSignal | undefined;
  /** Is told now and then how far a run is, in virtual milliseconds. */
  readonly onProgress?: ((cell: Cell, nowMs: number) => void) | undefined;
  /** What the threads run. Default: the module beside this one; for tests, which bundle it from source. */
  readonly script?: URL | undefined;
}

/**
 * Makes the runs of a sweep and yields those that came to their end, in the order in which they did. Runs are independent
 * of each other, so the number of workers changes nothing but that order and the time it takes.
 * @throws {SimUsageError} when a scenario asks for something impossible
 */
export async function* runCells(
  cells: readonly Cell[],
  options: CellPoolOptions,
): AsyncGenerator<CellResult> {
  const { workers, signal, onProgress, script } = options;
  if (workers <= 1) {
    yield* runHere(cells, options);
    return;
  }
  yield* runOnWorkers(cells, {
    workers: Math.min(workers, cells.length),
    signal,
    script: script ?? new URL('./node-cell-worker.js', import.meta.url),
    name: ({ seed, set }) => `seed ${seed} with ${set.join(' ')}`,
    read: (cell, message) => readMessage(cell, message, onProgress),
  });
}

async function* runHere(
  cells: readonly Cell[],
  { signal, onProgress }: CellPoolOptions,
): AsyncGenerator<CellResult> {
  for (const cell of cells) {
    if (signal?.aborted === true) return;
    const outcome = await runCell(cell, {
      signal,
      ...(onProgress !== undefined && { onProgress: ({ nowMs }) => onProgress(cell, nowMs) }),
    });
    if (outcome !== undefined) yield { cell, outcome };
  }
}

function readMessage(
  cell: Cell,
  message: unknown,
  onProgress: CellPoolOptions['onProgress'],
): CellResult | undefined {
  if (typeof message === 'object' && message !== null) {
    if ('nowMs' in message && typeof message.nowMs === 'number') {
      onProgress?.(cell, message.nowMs);
      return undefined;
    }
    if ('error' in message) throw failureOf(cell, message);
    if ('outcome' in message && isOutcome(message.outcome)) {
      return { cell, outcome: message.outcome };
    }
  }
  throw new SimWorkerError(`seed ${cell.seed}`, { cause: 'its answer is not understood' });
}

function failureOf(cell: Cell, message: { error: unknown } & object): Error {
  const text = String(message.error);
  if ('usage' in message && message.usage === true) return new SimUsageError(text);
  return new SimWorkerError(`seed ${cell.seed} with ${cell.set.join(' ')}`, { cause: text });
}

function isOutcome(value: unknown): value is CellOutcome {
  return (
    typeof value === 'object' && value !== null && 'traceSha256' in value && 'verdicts' in value
  );
}
