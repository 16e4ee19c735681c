import { type Random, seededRandom } from '@ml/runtime';

import type { Distribution, Interval } from './distribution.ts';
import { type Measured, measure } from './measured.ts';
import { propagationScenario, type RealScenario, realScenario } from './scenario.ts';
import { simulate } from './simulated.ts';

/** How far a simulated quantile may be from the measured one, as a share of the measured one. */
export const ALLOWED_DEVIATION = 0.2;

/** How much is run for one comparison. */
export interface ComparisonSize {
  readonly nodes: number;
  /** Runs of the simulator. */
  readonly seeds: number;
  /** Real clusters, one after the other. */
  readonly rounds: number;
}

/** One quantile on both sides, in milliseconds. */
export interface QuantileRow {
  readonly name: 'p50' | 'p99';
  readonly simulated: number;
  readonly simulatedInterval: Interval;
  readonly measured: number;
  readonly measuredInterval: Interval;
  /** The quantile of the round in which it was smallest, and largest. */
  readonly rounds: Interval;
  /** Of simulated from measured, as a share of measured. */
  readonly deviation: number;
}

/** Simulated beside measured propagation. */
export interface Comparison extends ComparisonSize {
  readonly scenario: RealScenario;
  readonly simulated: Distribution;
  readonly measured: Measured;
  readonly rows: readonly QuantileRow[];
  /** Whether no quantile deviates by more than is allowed. */
  readonly agrees: boolean;
}

/** Runs the scenario both ways, first in the simulator. @throws {HarnessError} when either cannot be run. */
export async function compare(size: ComparisonSize): Promise<Comparison> {
  const scenario = realScenario(await propagationScenario(size.nodes, 1));
  const simulated = await simulate(scenario, size.seeds);
  const measured = await measure(scenario, size.rounds);
  const random = seededRandom(1);
  const rows = (['p50', 'p99'] as const).map((name) =>
    rowOf(name, { simulated, measured }, random),
  );
  const agrees = rows.every(({ deviation }) => Math.abs(deviation) <= ALLOWED_DEVIATION);
  return { ...size, scenario, simulated, measured, rows, agrees };
}

function rowOf(
  name: QuantileRow['name'],
  sides: Pick<Comparison, 'simulated' | 'measured'>,
  random: Random,
): QuantileRow {
  const q = name === 'p50' ? 0.5 : 0.99;
  const { propagation, rounds } = sides.measured;
  const simulated = sides.simulated.quantile(q);
  const measured = propagation.quantile(q);
  const byRound = rounds.map((round) => round.quantile(q));
  return {
    name,
    simulated,
    simulatedInterval: sides.simulated.interval(q, random),
    measured,
    measuredInterval: propagation.interval(q, random),
    rounds: { low: Math.min(...byRound), high: Math.max(...byRound) },
    deviation: simulated / measured - 1,
  };
}

/** The quantiles of some comparisons as a Markdown table. */
export function comparisonTable(comparisons: readonly Comparison[]): string {
  const rows = comparisons.flatMap(({ nodes, rows, simulated, measured }) =>
    rows.map((row) => {
      const cells = [
        nodes,
        row.name,
        `${milliseconds(row.simulated)} (${range(row.simulatedInterval)})`,
        `${milliseconds(row.measured)} (${range(row.measuredInterval)})`,
        range(row.rounds),
        percent(row.deviation),
        simulated.count.toLocaleString('en'),
        measured.propagation.count.toLocaleString('en'),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  );
  return [
    '| nodes | quantile | simulated, ms | measured, ms | lowest – highest round | simulated to measured | values simulated | measured |',
    '|---:|---|---:|---:|---:|---:|---:|---:|',
    ...rows,
  ].join('\n');
}

/** What says how far the machine was able to measure. */
export function conditionsText({ nodes, measured }: Comparison): string {
  const { unseen, lateness, realTime } = measured;
  const late = `p50 ${lateness.quantile(0.5).toFixed(1)} ms, p99 ${lateness.quantile(0.99).toFixed(1)} ms`;
  return `${nodes} nodes: lateness of the writes ${late}; pairs of write and node that did not meet in time: ${unseen}; scheduled before other work: ${realTime ? 'yes' : 'no'}`;
}

function range({ low, high }: Interval): string {
  return `${milliseconds(low)} – ${milliseconds(high)}`;
}

function milliseconds(value: number): string {
  return Number.isFinite(value) ? value.toFixed(0) : 'never';
}

function percent(share: number): string {
  return `${share >= 0 ? '+' : '−'}${Math.abs(share * 100).toFixed(1)} %`;
}
