import type { Canary, SwarmOutcome } from '../swarm.ts';
import { runOnWorkers } from './node-worker-pool.ts';

/** What a seed came to. A run that throws has failed, too: `error` is its stack. */
export type SeedResult =
  | { readonly type: 'ran'; readonly seed: number; readonly outcome: SwarmOutcome }
  | { readonly type: 'threw'; readonly seed: number; readonly error: string };

/** How seeds are run. */
export interface SeedPoolOptions {
  readonly workers: number;
  readonly canary?: Canary | undefined;
  /** What the threads run. Default: the module beside this one; for tests, which bundle it from source. */
  readonly script?: URL;
}

/**
 * Runs seeds on worker threads, each seed on one of them. Seeds are independent, so the number of workers changes nothing
 * but the time it takes, and the order of the results.
 * @throws {SimWorkerError} when a thread dies
 */
export async function* runSeeds(
  seeds: Iterable<number>,
  { workers, canary, script }: SeedPoolOptions,
): AsyncGenerator<SeedResult> {
  yield* runOnWorkers(jobsOf(seeds, canary), {
    workers,
    script: script ?? new URL('./node-seed-worker.js', import.meta.url),
    name: ({ seed }) => `seed ${seed}`,
    read: ({ seed }, message) => readResult(seed, message),
  });
}

interface SeedJob {
  readonly seed: number;
  readonly canary: Canary | undefined;
}

function* jobsOf(seeds: Iterable<number>, canary: Canary | undefined): Generator<SeedJob> {
  for (const seed of seeds) yield { seed, canary };
}

function readResult(seed: number, message: unknown): SeedResult {
  if (typeof message === 'object' && message !== null) {
    if ('error' in message) return { type: 'threw', seed, error: String(message.error) };
    if ('outcome' in message && isOutcome(message.outcome)) {
      return { type: 'ran', seed, outcome: message.outcome };
    }
  }
  return { type: 'threw', seed, error: 'the worker gave an answer that is not understood' };
}

function isOutcome(value: unknown): value is SwarmOutcome {
  return (
    typeof value === 'object' && value !== null && 'traceSha256' in value && 'virtualMs' in value
  );
}
