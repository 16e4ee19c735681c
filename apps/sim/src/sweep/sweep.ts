import { SweepProgress } from '../report/sweep-progress.ts';
import { type CellResult, runCells } from '../workers/node-cell-pool.ts';
import type { Cell } from './cell.ts';

/** How the runs of a sweep are made. */
export interface SweepOptions {
  readonly workers: number;
  readonly signal: AbortSignal;
  /** Virtual milliseconds of one run, for the progress bar. */
  readonly runMs: number;
  /** Shows progress by writing here; `undefined`: not at all. */
  readonly progress?: ((text: string) => void) | undefined;
}

/** Runs of each row of a sweep, in the order of rows and seeds. Rows whose runs did not all come to their end are left out. */
export async function sweep(
  cells: readonly Cell[],
  { workers, signal, runMs, progress }: SweepOptions,
): Promise<ReadonlyMap<number, readonly CellResult[]>> {
  const bar = progress && new SweepProgress(progress, cells.length, cells.length * runMs);
  const found = new Map<number, CellResult[]>();
  const wanted = new Map<number, number>();
  for (const { row } of cells) wanted.set(row, (wanted.get(row) ?? 0) + 1);
  try {
    const onProgress = bar && ((cell: Cell, nowMs: number): void => bar.at(cell, nowMs));
    for await (const result of runCells(cells, { workers, signal, onProgress })) {
      const { row } = result.cell;
      found.set(row, [...(found.get(row) ?? []), result]);
      bar?.done(result.cell, result.outcome.endMs);
    }
  } finally {
    bar?.clear();
  }
  const complete = [...found].filter(([row, results]) => results.length === wanted.get(row));
  return new Map(
    complete
      .sort(([a], [b]) => a - b)
      .map(([row, results]) => [row, results.toSorted((a, b) => a.cell.seed - b.cell.seed)]),
  );
}
