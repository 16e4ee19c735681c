import type { Cell } from '../sweep/cell.ts';
import { type SweepOptions, sweep } from '../sweep/sweep.ts';
import { type Conditions, clusterScenario } from './conditions.ts';
import { overridesOf, type Settings } from './knobs.ts';
import { type Measured, measuredOf } from './measure.ts';

/** What is measured: settings, each with every seed from 1. */
export interface Series {
  readonly conditions: Conditions;
  readonly settings: readonly Settings[];
  readonly seeds: number;
  /** Heartbeat periods that count in each run. */
  readonly periods: number;
}

/** What {@link measureSettings} found. */
export interface SeriesResult {
  /** In the order of the settings; those whose runs did not all come to their end are left out. */
  readonly rows: readonly Measured[];
  readonly complete: boolean;
}

/** Measures a cluster with each of several settings; every setting meets the same seeds, so that they can be compared. */
export async function measureSettings(
  { conditions, settings, seeds, periods }: Series,
  options: Omit<SweepOptions, 'runMs'>,
): Promise<SeriesResult> {
  const { yaml, window, durationMs } = clusterScenario(conditions, periods);
  const cells = settings.flatMap((each, row) =>
    Array.from(
      { length: seeds },
      (_, index): Cell => ({
        row,
        seed: index + 1,
        source: 'the cluster',
        yaml,
        set: overridesOf(each),
        heartbeats: window,
      }),
    ),
  );
  const found = await sweep(cells, { ...options, runMs: durationMs });
  const rows = settings.flatMap((each, row) => measuredOf(each, found.get(row) ?? []) ?? []);
  return { rows, complete: rows.length === settings.length };
}
