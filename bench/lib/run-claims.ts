import { parseArgs } from 'node:util';
import {
  type Claim,
  measurePair,
  type PairResult,
  resultOf,
  row,
  rowWithoutVerdict,
  type Samples,
} from './pair.ts';
import { type Sampler, startSampler } from './sampler.ts';
import { workerArgs } from './workers.ts';

/** How a benchmark script was called. */
export interface RunOptions {
  /** Shows only that everything runs: one short turn, no verdict, no file. */
  readonly quick: boolean;
  /** Times that all claims are gone through, each time in fresh processes. */
  readonly rounds: number;
  /** In each round. */
  readonly turns: number;
  readonly ms: number;
  /** Only benchmarks whose name contains this. */
  readonly only: string;
}

/** Reads `--quick`, `--rounds 3`, `--turns 5`, `--ms 50`, `--only get`. */
export function readOptions(): RunOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      turns: { type: 'string', default: '5' },
      ms: { type: 'string', default: '50' },
      only: { type: 'string', default: '' },
    },
  });
  const { quick, only } = values;
  return {
    quick,
    only,
    rounds: quick ? 1 : Number(values.rounds),
    turns: quick ? 1 : Number(values.turns),
    ms: quick ? 5 : Number(values.ms),
  };
}

/** A fresh process of ours. */
export function startOurs(): Sampler {
  return startSampler(process.execPath, workerArgs('main'));
}

/**
 * Measures every claim and shows it once it is through. All are gone through several times: neither a minute in which
 * the machine was busy nor what a process happened to get then makes the median.
 */
export async function runClaims(
  claims: readonly Claim[],
  startPeer: () => Sampler,
  options: RunOptions,
): Promise<readonly PairResult[]> {
  const wanted = claims.filter(({ bench }) => bench.includes(options.only));
  const measured = new Map<Claim, Samples[]>();
  const results: PairResult[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const claim of wanted) {
      await using peer = startPeer();
      await using ours = startOurs();
      const samples = await measurePair(claim, { peer, ours }, options);
      const all = [...(measured.get(claim) ?? []), samples];
      measured.set(claim, all);
      if (round < options.rounds) continue;
      const result = resultOf(claim, all);
      console.log(options.quick ? rowWithoutVerdict(result) : row(result));
      results.push(result);
    }
  }
  return results;
}

/** Ends the process with 1 when a claim was missed. */
export function settle(results: readonly PairResult[], { quick }: RunOptions): void {
  const missed = results.filter(({ ratio, claim }) => !(ratio >= claim.atLeast));
  if (quick || missed.length === 0) return;
  console.error(`${missed.length} of ${results.length} claims were missed`);
  process.exitCode = 1;
}
