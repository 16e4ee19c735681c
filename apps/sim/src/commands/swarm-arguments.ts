import { parseArgs } from 'node:util';
import { SimUsageError } from '../errors.ts';
import { CANARIES, type Canary } from '../swarm.ts';

/** What `ml-sim swarm` was asked for. */
export interface SwarmArguments {
  /** This shard's seeds, ascending. */
  readonly seeds: readonly number[];
  readonly workers: number;
  readonly canary: Canary | undefined;
  /** Directory for plans that failed; `undefined`: none is kept. */
  readonly out: string | undefined;
}

const MAX_SEEDS = 10_000_000;

/** Reads the arguments of `swarm`. @throws {SimUsageError} */
export function swarmArguments(argv: readonly string[]): SwarmArguments {
  const values = parsed(argv);
  const count = wholeNumber('--seeds', values.seeds ?? '20', 1, MAX_SEEDS);
  const first = wholeNumber('--first-seed', values['first-seed'] ?? '0', 0);
  const [index, of] = shardOf(values.shard ?? '0/1');
  const seeds = Array.from({ length: count }, (_, offset) => first + offset);
  return {
    seeds: seeds.filter((seed) => seed % of === index),
    workers: wholeNumber('--workers', values.workers ?? '1', 1, 256),
    canary: canaryOf(values.canary),
    out: values.out,
  };
}

/** The canary of that name. @throws {SimUsageError} when there is none */
export function canaryOf(name: string | undefined): Canary | undefined {
  if (name === undefined) return undefined;
  const found = CANARIES.find((each) => each === name);
  if (found !== undefined) return found;
  throw new SimUsageError(
    `there is no canary ${JSON.stringify(name)}: write ${CANARIES.join(' or ')}`,
  );
}

/** A whole number within bounds. @throws {SimUsageError} */
export function wholeNumber(
  flag: string,
  text: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new SimUsageError(
    `${flag} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`,
  );
}

function parsed(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        seeds: { type: 'string' },
        'first-seed': { type: 'string' },
        shard: { type: 'string' },
        workers: { type: 'string' },
        canary: { type: 'string' },
        out: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(reason, { cause: error });
  }
}

/** `i/n` counts from 0, as the completion index of an Indexed Job does. */
function shardOf(text: string): readonly [index: number, of: number] {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const index = Number(match?.[1]);
  const of = Number(match?.[2]);
  if (match !== null && of >= 1 && index < of) return [index, of];
  throw new SimUsageError(
    `--shard takes i/n with i from 0 to n−1, as in 0/8, not ${JSON.stringify(text)}`,
  );
}
