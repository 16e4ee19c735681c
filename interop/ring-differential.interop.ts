import { randomInt } from 'node:crypto';

import { seededRandom } from '@ml/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary } from './harness/build.ts';
import { largeRing, type RandomRing, randomMerge, randomRing } from './harness/random-rings.ts';
import { RingComparison } from './harness/ring-comparison.ts';
import { RingOracle } from './harness/ring-oracle.ts';

/** A minute or two on two idle cores. */
const LIMIT_MS = 900_000;
/** `ML_DIFF_RINGS=5000` for a long run. */
const RINGS = Number(process.env['ML_DIFF_RINGS'] ?? 200);
const LARGE_RINGS = 10;
const MERGES = 500;
/** No more rings are tried after so many differences. */
const ENOUGH = 10;

/** `ML_DIFF_SEED` draws the same rings again, as old by the clock as they were then. */
const seed = Number(process.env['ML_DIFF_SEED'] ?? randomInt(2 ** 32));
const random = seededRandom(seed);
const summary: string[] = [];

beforeAll(async () => {
  await goBinary('ringdiff');
}, BUILD_LIMIT_MS);

afterAll(() => {
  process.stdout.write(`ML_DIFF_SEED=${seed}\n${summary.join('\n')}\n`);
});

/** Runs the cases against one process of the reference and expects it to agree. */
async function expectSame(
  name: string,
  count: number,
  compare: (comparison: RingComparison, number: number) => Promise<void>,
): Promise<void> {
  const startedMs = performance.now();
  await using oracle = await RingOracle.start();
  const comparison = new RingComparison(oracle);
  const { compared, differences, explained } = comparison;
  for (let i = 0; i < count && differences.length < ENOUGH; i++) {
    const before = differences.length;
    await compare(comparison, i);
    for (let at = before; at < differences.length; at++) {
      differences[at] = `${name} ${i} of seed ${seed}: ${differences[at]}`;
    }
  }
  const counts = [...compared].map(([kind, lines]) => `${lines} lines of ${kind}`);
  const onPurpose = [...explained].map(([fact, lines]) => `${lines} explained by ${fact}`);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  summary.push(`${count} × ${name}: ${[...counts, ...onPurpose].join(', ')}; ${seconds} s`);
  expect(differences.join('\n')).toBe('');
}

async function expectSameRings(
  name: string,
  count: number,
  draw: (number: number) => RandomRing,
): Promise<void> {
  await expectSame(name, count, async (comparison, number) => {
    await comparison.rings(draw(number));
  });
}

test('random rings answer every look-up, shard and count as the reference does', {
  timeout: LIMIT_MS,
}, async () => {
  await expectSameRings('random ring', RINGS, (i) =>
    randomRing(random.fork(`ring ${i}`), Date.now()),
  );
});

test('large rings answer every look-up, shard and count as the reference does', {
  timeout: LIMIT_MS,
}, async () => {
  await expectSameRings('large ring', LARGE_RINGS, (i) =>
    largeRing(random.fork(`large ring ${i}`), Date.now()),
  );
});

test('merges give the rings and the changes that the reference gives', async () => {
  await expectSame('merge', MERGES, async (comparison, number) => {
    const { mine, incoming } = randomMerge(random.fork(`merge ${number}`));
    await comparison.merge(mine, incoming);
  });
});
