import type { Sampler } from './sampler.ts';

/** A claim: how many times faster ours must be than the peer, on one benchmark with one set of parameters. */
export interface Claim {
  readonly bench: string;
  readonly params: Readonly<Record<string, number | string | boolean>>;
  /** Peer's time divided by ours; the run fails below it. */
  readonly atLeast: number;
  /** The peer's benchmark, where ours answers the same question by another operation. */
  readonly peerBench?: string;
}

interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface PairResult {
  readonly claim: Claim;
  readonly peer: Spread;
  readonly ours: Spread;
  readonly ratio: number;
}

function spread(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return { median: at(sorted.length >> 1), low: at(0), high: at(sorted.length - 1) };
}

/** What one operation took on both sides, in nanoseconds. */
export interface Samples {
  readonly peer: readonly number[];
  readonly ours: readonly number[];
}

/** How much longer the turn is that warms up: compilers at run time need a while. */
const WARM_UP = 10;

/**
 * Measures both sides of a claim in turns, so that whatever else the machine does meets both. The first turn of
 * each warms up and is not counted.
 */
export async function measurePair(
  claim: Claim,
  sides: { readonly peer: Sampler; readonly ours: Sampler },
  options: { readonly turns: number; readonly ms: number },
): Promise<Samples> {
  const peer: number[] = [];
  const ours: number[] = [];
  for (let turn = 0; turn <= options.turns; turn += 1) {
    const ms = turn === 0 ? options.ms * WARM_UP : options.ms;
    const request = { params: claim.params, ms };
    const theirs = await sides.peer.sample({ bench: claim.peerBench ?? claim.bench, ...request });
    const own = await sides.ours.sample({ bench: claim.bench, ...request });
    if (turn === 0) continue;
    peer.push(theirs);
    ours.push(own);
  }
  return { peer, ours };
}

/** What came out of all that was measured for a claim. */
export function resultOf(claim: Claim, samples: readonly Samples[]): PairResult {
  const peer = spread(samples.flatMap((some) => some.peer));
  const ours = spread(samples.flatMap((some) => some.ours));
  return { claim, peer, ours, ratio: peer.median / ours.median };
}

function nanoseconds(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} ms`;
  if (value >= 1e3) return `${(value / 1e3).toPrecision(3)} µs`;
  return `${value.toPrecision(3)} ns`;
}

function cell({ median, low, high }: Spread): string {
  return `${nanoseconds(median)} (${nanoseconds(low)} – ${nanoseconds(high)})`;
}

/** One row of a Markdown table. */
export function row(result: PairResult): string {
  return `${rowWithoutVerdict(result)} ${result.ratio >= result.claim.atLeast ? 'holds' : 'MISSED'} |`;
}

/** {@link row} of a run that is too short to judge. */
export function rowWithoutVerdict({ claim, peer, ours, ratio }: PairResult): string {
  const params = Object.entries(claim.params)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  return `| ${claim.bench} | ${params} | ${cell(peer)} | ${cell(ours)} | ${ratio.toFixed(1)}× | ≥ ${claim.atLeast}× |`;
}

export const tableHead =
  '| benchmark | parameters | peer: median (low – high) | ours | ratio | claimed | |\n|---|---|---|---|---|---|---|';
