import { mean } from '../mean.ts';
import type { CellResult } from '../workers/node-cell-pool.ts';

/** What one combination of values came to, over its seeds. Times in milliseconds. */
export interface SweepRow {
  /** `path=value` for each that was varied. */
  readonly settings: readonly string[];
  readonly runs: readonly CellResult[];
  /** Runs in which every assertion held. */
  readonly held: number;
  /** Assertions that did not hold in some run, with what was found in the first such run. */
  readonly failed: readonly {
    readonly text: string;
    readonly found: string;
    readonly seed: number;
  }[];
  /** Means over seeds; `undefined` when the scenario has no workload. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** The oldest at any sample of any run. */
  readonly oldestHeartbeatMs: number;
  /** Means over seeds. */
  readonly bytesPerNodeS: number;
  /** Sums over seeds. */
  readonly deaths: number;
  readonly falseDeaths: number;
  /** The longest of all runs; `undefined` when some run never converged. */
  readonly convergedMs: number | undefined;
}

/** Sums up the runs of a combination. */
export function sweepRow(settings: readonly string[], runs: readonly CellResult[]): SweepRow {
  const outcomes = runs.map(({ outcome }) => outcome);
  const measured = outcomes.filter(({ propagation }) => propagation.count > 0);
  const converged = outcomes.flatMap(({ convergedMs }) => convergedMs ?? []);
  const failed = new Map<string, SweepRow['failed'][number]>();
  for (const { cell, outcome } of runs) {
    for (const { text, held, found } of outcome.verdicts) {
      if (!held && !failed.has(text)) failed.set(text, { text, found, seed: cell.seed });
    }
  }
  return {
    settings,
    runs,
    held: outcomes.filter(({ verdicts }) => verdicts.every(({ held }) => held)).length,
    failed: [...failed.values()],
    p50Ms: meanOfAny(measured.map(({ propagation }) => propagation.p50)),
    p99Ms: meanOfAny(measured.map(({ propagation }) => propagation.p99)),
    oldestHeartbeatMs: outcomes.reduce((most, each) => Math.max(most, each.oldestHeartbeatMs), 0),
    bytesPerNodeS: meanOfAny(outcomes.map(({ bytesPerNodeS }) => bytesPerNodeS)) ?? 0,
    deaths: outcomes.reduce((sum, { deaths }) => sum + deaths, 0),
    falseDeaths: outcomes.reduce((sum, { falseDeaths }) => sum + falseDeaths, 0),
    convergedMs:
      converged.length === outcomes.length
        ? converged.reduce((most, ms) => Math.max(most, ms), 0)
        : undefined,
  };
}

function meanOfAny(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : mean(values);
}
