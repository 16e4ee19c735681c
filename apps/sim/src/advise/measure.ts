import { mean } from '../mean.ts';
import type { CellResult } from '../workers/node-cell-pool.ts';
import { cpuShare, wireBytesS } from './cpu-model.ts';
import type { Settings } from './knobs.ts';

/** What a setting came to: means over seeds, and the worst of them for ages. Times in milliseconds. */
export interface Measured {
  readonly settings: Settings;
  readonly seeds: number;
  readonly heartbeats: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The oldest that any instance's heartbeat became in any node's ring. */
  readonly oldestMs: number;
  /** Share of pairs of a heartbeat and a node that gossip missed, see {@link HeartbeatFigures.late}. */
  readonly missed: number;
  /** Bytes per second that a node puts on the wire, see {@link wireBytesS}. */
  readonly bytesS: number;
  /** Share of a core that a node takes, see {@link cpuShare}. */
  readonly cpu: number;
  readonly falseDeaths: number;
  /** p99 of each seed, ascending by seed, for comparing runs in pairs. */
  readonly p99BySeed: readonly number[];
}

/** Sums up the runs of one setting; `undefined` when none measured anything. */
export function measuredOf(
  settings: Settings,
  results: readonly CellResult[],
): Measured | undefined {
  const outcomes = [...results]
    .sort((a, b) => a.cell.seed - b.cell.seed)
    .map(({ outcome }) => outcome);
  const figures = outcomes.flatMap(({ heartbeats }) => heartbeats ?? []);
  if (figures.length === 0) return undefined;
  const pairs = figures.reduce((sum, { propagation }) => sum + propagation.count, 0);
  const late = figures.reduce((sum, each) => sum + each.late, 0);
  return {
    settings,
    seeds: figures.length,
    heartbeats: figures.reduce((sum, each) => sum + each.heartbeats, 0),
    p50Ms: mean(figures.map(({ propagation }) => propagation.p50)),
    p99Ms: mean(figures.map(({ propagation }) => propagation.p99)),
    oldestMs: figures.reduce((most, each) => Math.max(most, each.oldestMs), 0),
    missed: pairs === 0 ? 0 : late / pairs,
    bytesS: mean(figures.map(({ rates }) => wireBytesS(rates))),
    cpu: mean(figures.map(({ rates }) => cpuShare(rates))),
    falseDeaths: outcomes.reduce((sum, each) => sum + each.falseDeaths, 0),
    p99BySeed: figures.map(({ propagation }) => propagation.p99),
  };
}

/** Share of deliveries that gossip missed, as text: few are, so that it takes three digits to tell. */
export function missedText({ missed }: Measured): string {
  return `${(missed * 100).toFixed(3)} %`;
}
