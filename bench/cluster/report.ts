import type { ClusterFigures, Load, Pair, SingleFigures } from './measure.ts';

/** One line of the table: a figure of both sides, and what is claimed of it. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly go: Spread;
  readonly ours: Spread;
  /** Ours may be this many times Go's at most; undefined: no claim. */
  readonly atMost: number | undefined;
  /** Ours must be this many times Go's at least: the work that the sides are compared by. */
  readonly atLeast?: number;
}

/** The figure of all rounds together, and the smallest and largest of the rounds. */
interface Spread {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The general rule: nothing that a claim does not bound tighter is worse than this many times Go's. */
const GENERAL = 2;

/** With less of the work than this, lower figures of ours say nothing. */
const EQUAL_WORK = 0.98;

/** Rows of all rounds with clusters of one size. */
export function clusterRows(
  nodes: number,
  rounds: readonly Pair<ClusterFigures>[],
): readonly Row[] {
  const latency = (percent: number, samples: (of: ClusterFigures) => readonly number[]) =>
    pooled(rounds, samples, percent / 100);
  const load = (window: 'idle' | 'heartbeats', figure: keyof Load) =>
    middle(rounds, (of) => of[window][figure]);
  const row = (what: string, unit: string, pair: Pair<Spread>, atMost?: number): Row => ({
    what: `${nodes} nodes: ${what}`,
    unit,
    ...pair,
    atMost,
  });
  const all = (of: ClusterFigures) => of.allMs;
  const each = (of: ClusterFigures) => of.nodeMs;
  return [
    row('heartbeat seen by all nodes, p50', 'ms', latency(50, all), 1.05),
    row('heartbeat seen by all nodes, p99', 'ms', latency(99, all), 1.05),
    row('heartbeat seen by one node, p50', 'ms', latency(50, each), 1.05),
    row('heartbeat seen by one node, p99', 'ms', latency(99, each), 1.05),
    row(
      'nodes that gossip missed, per round',
      'nodes',
      middle(rounds, (of) => of.missed),
    ),
    row('bytes on the wire, idle', 'B/s per node', load('idle', 'bytesPerSecond'), 1),
    row(
      'bytes on the wire, 15 s heartbeats',
      'B/s per node',
      load('heartbeats', 'bytesPerSecond'),
      1,
    ),
    row('CPU, idle', 's per node-minute', load('idle', 'cpuSecondsPerMinute'), GENERAL),
    row(
      'CPU, 15 s heartbeats',
      's per node-minute',
      load('heartbeats', 'cpuSecondsPerMinute'),
      1.2,
    ),
    row('packets sent, idle', '1/s per node', load('idle', 'packetsPerSecond'), GENERAL),
    row(
      'packets sent, 15 s heartbeats',
      '1/s per node',
      load('heartbeats', 'packetsPerSecond'),
      GENERAL,
    ),
    {
      ...row('heartbeats given', '1/min per node', load('heartbeats', 'beatsPerMinute')),
      atLeast: EQUAL_WORK,
    },
    row('packets dropped, 15 s heartbeats', 'packets', load('heartbeats', 'dropped')),
  ];
}

/** Rows of all rounds with one node in a process. */
export function singleRows(nodes: number, rounds: readonly Pair<SingleFigures>[]): readonly Row[] {
  const mebibytes = (figure: (of: SingleFigures) => number) =>
    middle(rounds, (of) => figure(of) / (1 << 20));
  const row = (what: string, unit: string, pair: Pair<Spread>, atMost?: number): Row => ({
    what: `one process of ${nodes}: ${what}`,
    unit,
    ...pair,
    atMost,
  });
  return [
    row(
      'CPU, idle',
      's per minute',
      middle(rounds, (of) => of.cpuSecondsPerMinute),
      GENERAL,
    ),
    row(
      'memory',
      'MiB',
      mebibytes((of) => of.residentBytes),
    ),
    row(
      'memory of an empty process',
      'MiB',
      mebibytes((of) => of.bareBytes),
    ),
    row(
      'memory beyond that',
      'MiB',
      mebibytes((of) => of.residentBytes - of.bareBytes),
    ),
  ];
}

/** Whether what is claimed of the figure is so. */
export function holds({ go, ours, atMost, atLeast }: Row): boolean {
  if (atMost !== undefined && !(ours.value <= go.value * atMost)) return false;
  return atLeast === undefined || ours.value >= go.value * atLeast;
}

/** The rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const head =
    '| figure | unit | dskit: median (low – high) | ours | ours / dskit | claimed | |\n|---|---|---|---|---|---|---|';
  return [head, ...rows.map(line)].join('\n');
}

function line(row: Row): string {
  const { what, unit, go, ours } = row;
  const ratio = go.value === 0 ? '' : `${(ours.value / go.value).toFixed(2)}×`;
  const claimed = claim(row);
  const verdict = holds(row) ? 'holds' : 'MISSED';
  return `| ${what} | ${unit} | ${cell(go)} | ${cell(ours)} | ${ratio} | ${claimed} | ${claimed && verdict} |`;
}

function claim({ atMost, atLeast }: Row): string {
  if (atMost !== undefined) return `≤ ${atMost}×`;
  return atLeast === undefined ? '' : `≥ ${atLeast}×`;
}

function cell({ value, low, high }: Spread): string {
  return `${figure(value)} (${figure(low)} – ${figure(high)})`;
}

function figure(value: number): string {
  return value >= 100
    ? Math.round(value).toLocaleString('en')
    : String(Number(value.toPrecision(3)));
}

/** The median round of both sides. */
function middle<T>(rounds: readonly Pair<T>[], figureOf: (of: T) => number): Pair<Spread> {
  const side = (name: 'go' | 'ours'): Spread => {
    const values = rounds.map((round) => figureOf(round[name]));
    return { value: percentile(values, 0.5), ...range(values) };
  };
  return { go: side('go'), ours: side('ours') };
}

/** A percentile of the samples of all rounds, and its range over the rounds. */
function pooled<T>(
  rounds: readonly Pair<T>[],
  samples: (of: T) => readonly number[],
  fraction: number,
): Pair<Spread> {
  const side = (name: 'go' | 'ours'): Spread => ({
    value: percentile(
      rounds.flatMap((round) => samples(round[name])),
      fraction,
    ),
    ...range(rounds.map((round) => percentile(samples(round[name]), fraction))),
  });
  return { go: side('go'), ours: side('ours') };
}

function range(values: readonly number[]): { readonly low: number; readonly high: number } {
  return { low: Math.min(...values), high: Math.max(...values) };
}

/** The smallest value that this fraction of the values does not exceed. */
function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.ceil(fraction * sorted.length) - 1;
  return sorted[Math.max(0, at)] ?? Number.NaN;
}
