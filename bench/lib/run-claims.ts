import { parseArgs } from 'node:util';
import { type Claim, measurePair, type PairResult, row, rowWithoutVerdict } from './pair.ts';
import { type Sampler, startSampler } from './sampler.ts';
import { workerArgs } from './workers.ts';

/** How a benchmark script was called. */
export interface RunOptions {
  /** Shows only that everything runs: one short turn, no verdict, no file. */
  readonly quick: boolean;
  readonly turns: number;
  readonly ms: number;
  /** Only benchmarks whose name contains this. */
  readonly only: string;
}

/** Reads `--quick`, `--turns 7`, `--ms 100`, `--only get`. */
export function readOptions(): RunOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      turns: { type: 'string', default: '7' },
      ms: { type: 'string', default: '100' },
      only: { type: 'string', default: '' },
    },
  });
  const { quick, only } = values;
  return {
    quick,
    only,
    turns: quick ? 1 : Number(values.turns),
    ms: quick ? 5 : Number(values.ms),
  };
}

/** A fresh process of ours. */
export function startOurs(): Sampler {
  return startSampler(process.execPath, workerArgs('main'));
}

/** Measures every claim with fresh processes on both sides and shows it as it comes. */
export async function runClaims(
  claims: readonly Claim[],
  startPeer: () => Sampler,
  options: RunOptions,
): Promise<readonly PairResult[]> {
  const results: PairResult[] = [];
  for (const claim of claims) {
    if (!claim.bench.includes(options.only)) continue;
    await using peer = startPeer();
    await using ours = startOurs();
    const result = await measurePair(claim, { peer, ours }, options);
    console.log(options.quick ? rowWithoutVerdict(result) : row(result));
    results.push(result);
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
