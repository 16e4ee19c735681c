import { seconds } from '../assertion.ts';
import { LATE_MS } from '../sweep/heartbeat-watch.ts';
import { areDefault } from './knobs.ts';
import type { Measured } from './measure.ts';
import { paretoFront } from './pareto.ts';

/** What must hold of a setting. */
export interface Limits {
  /** Bytes per second that a node may put on the wire; `undefined`: any number. */
  readonly bytesS: number | undefined;
  readonly heartbeatPeriodMs: number;
}

/** What to do. */
export type Advice =
  /** The defaults satisfy the limits, and nothing within them is much better. */
  | { readonly type: 'keep'; readonly defaults: Measured; readonly best: Measured }
  | { readonly type: 'change'; readonly to: Measured; readonly defaults: Measured }
  /** No setting satisfies the limits: `least` comes closest, `failing` says where it fails. */
  | { readonly type: 'none'; readonly least: Measured; readonly failing: readonly string[] };

/** The defaults stay unless p99 propagation becomes shorter by more than this share. */
export const WORTH_A_CHANGE = 0.2;
/** Of settings whose p99 is within this share of the best, the cheapest is taken: runs do not tell them apart. */
const SAME_P99 = 0.1;

/** The rows that a table shows: what no other row beats in propagation, age, bytes and processor time; and the defaults. */
export function shownRows(rows: readonly Measured[]): readonly Measured[] {
  const front = new Set(paretoFront(rows, objectives));
  return rows.filter((row) => front.has(row) || areDefault(row.settings));
}

/** What a row is judged by, smaller is better. Ages are compared in whole seconds, as heartbeats have them. */
export function objectives({ p99Ms, oldestMs, bytesS, cpu }: Measured): readonly number[] {
  return [p99Ms, Math.round(oldestMs / 1000), bytesS, cpu];
}

/** Where a row breaks the limits, a text each; empty: nowhere. */
export function failures(row: Measured, limits: Limits): readonly string[] {
  const found: string[] = [];
  if (limits.bytesS !== undefined && row.bytesS > limits.bytesS) {
    const over = Math.ceil((row.bytesS / limits.bytesS - 1) * 100);
    found.push(
      `bandwidth: ${kilobytes(row.bytesS)} per node is ${over} % over the ${kilobytes(limits.bytesS)} of the budget`,
    );
  }
  const oldest = oldestAllowedMs(limits);
  if (row.oldestMs > oldest) {
    found.push(
      `heartbeat age: ${seconds(row.oldestMs)} is more than ${seconds(oldest)}, so a node missed two heartbeats in a row`,
    );
  }
  if (row.falseDeaths > 0) {
    found.push(`false deaths: ${row.falseDeaths} healthy members were held for dead`);
  }
  return found;
}

/** A node may miss one heartbeat of an instance, which now and then happens with every setting, but not two in a row. */
export function oldestAllowedMs({ heartbeatPeriodMs }: Limits): number {
  return 2 * heartbeatPeriodMs + LATE_MS;
}

/** Chooses among settings that were measured, the defaults among them. */
export function choose(rows: readonly Measured[], limits: Limits): Advice | undefined {
  const defaults = rows.find(({ settings }) => areDefault(settings));
  if (defaults === undefined) return undefined;
  const good = rows.filter((row) => failures(row, limits).length === 0);
  if (good.length === 0) {
    const least = leastFailing(rows, limits, defaults);
    return { type: 'none', least, failing: failures(least, limits) };
  }
  const bestP99 = good.reduce((least, { p99Ms }) => Math.min(least, p99Ms), Number.MAX_VALUE);
  const best = good
    .filter(({ p99Ms }) => p99Ms <= bestP99 * (1 + SAME_P99))
    .reduce((a, b) => (costOf(b) < costOf(a) ? b : a));
  const gain = 1 - best.p99Ms / Math.max(defaults.p99Ms, Number.MIN_VALUE);
  if (good.includes(defaults) && gain <= WORTH_A_CHANGE) return { type: 'keep', defaults, best };
  return { type: 'change', to: best, defaults };
}

/** The row that the advice is about. */
export function recommendedOf(advice: Advice): Measured {
  if (advice.type === 'keep') return advice.defaults;
  return advice.type === 'change' ? advice.to : advice.least;
}

/** Bytes first; processor time decides between equals. */
function costOf({ bytesS, cpu }: Measured): number {
  return Math.round(bytesS) + cpu;
}

function leastFailing(rows: readonly Measured[], limits: Limits, first: Measured): Measured {
  return rows.reduce((a, b) => {
    const [ofA, ofB] = [failures(a, limits).length, failures(b, limits).length];
    if (ofA !== ofB) return ofB < ofA ? b : a;
    return b.bytesS < a.bytesS ? b : a;
  }, first);
}

/** Bytes per second as people read them. */
export function kilobytes(bytesS: number): string {
  return `${(bytesS / 1000).toFixed(1)} kB/s`;
}
