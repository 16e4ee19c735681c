import { Worker } from 'node:worker_threads';
import { MlError } from '@ml/runtime';
import type { Canary, SwarmOutcome } from '../swarm.ts';

/** What a seed came to. A run that throws has failed, too: `error` is its stack. */
export type SeedResult =
  | { readonly type: 'ran'; readonly seed: number; readonly outcome: SwarmOutcome }
  | { readonly type: 'threw'; readonly seed: number; readonly error: string };

/** What a {@link SeedPool} is made of. */
export interface SeedPoolOptions {
  readonly workers: number;
  readonly canary?: Canary | undefined;
  /** What the threads run. Default: the module beside this one; for tests, which bundle it from source. */
  readonly script?: URL;
}

/** A worker thread died. */
export class SeedWorkerError extends MlError<'ML_SIM_WORKER'> {
  constructor(seed: number | undefined, options: ErrorOptions) {
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const at = seed === undefined ? '' : ` at seed ${seed}`;
    super('ML_SIM_WORKER', `a worker thread ended${at}: ${reason}`, options);
  }
}

/**
 * Runs seeds on worker threads, each seed on one of them. Seeds are independent, so the number of workers changes nothing
 * but the time it takes, and the order of the results.
 */
export async function* runSeeds(
  seeds: Iterable<number>,
  options: SeedPoolOptions,
): AsyncGenerator<SeedResult> {
  const queue = seeds[Symbol.iterator]();
  const results: SeedResult[] = [];
  const waiting: (() => void)[] = [];
  let failure: SeedWorkerError | undefined;
  let busy = 0;
  const wake = (): void => {
    for (const run of waiting.splice(0)) run();
  };
  const workers = Array.from({ length: options.workers }, () => startWorker(options));
  const feed = (worker: Worker): void => {
    const next = queue.next();
    if (next.done === true) return;
    const seed = next.value;
    busy += 1;
    const failed = (cause: unknown): void => {
      failure ??= new SeedWorkerError(seed, { cause });
      wake();
    };
    worker.once('error', failed);
    worker.once('message', (message: unknown) => {
      worker.off('error', failed);
      busy -= 1;
      results.push(readResult(seed, message));
      feed(worker);
      wake();
    });
    worker.postMessage({ seed, canary: options.canary });
  };
  try {
    for (const worker of workers) feed(worker);
    for (;;) {
      if (failure !== undefined) throw failure;
      const result = results.shift();
      if (result !== undefined) yield result;
      else if (busy === 0) return;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function startWorker({ script }: SeedPoolOptions): Worker {
  return new Worker(script ?? new URL('./node-seed-worker.js', import.meta.url));
}

function readResult(seed: number, message: unknown): SeedResult {
  if (typeof message === 'object' && message !== null) {
    if ('error' in message) return { type: 'threw', seed, error: String(message.error) };
    if ('outcome' in message && isOutcome(message.outcome)) {
      return { type: 'ran', seed, outcome: message.outcome };
    }
  }
  return { type: 'threw', seed, error: 'the worker gave an answer that is not understood' };
}

function isOutcome(value: unknown): value is SwarmOutcome {
  return (
    typeof value === 'object' && value !== null && 'traceSha256' in value && 'virtualMs' in value
  );
}
