import { expect, test } from 'vitest';
import { SimCluster } from '../src/index.ts';

const NODES = 50;

/** What fifty full nodes did from their start on: their trace is all that they sent, received and logged, with times. */
async function runOnce(seed: number): Promise<{
  readonly sha256: string;
  readonly records: number;
  readonly endMs: number;
}> {
  await using cluster = SimCluster.create({
    seed,
    nodes: NODES,
    config: { ring: { numTokens: 4, minReadyDurationMs: 1000 } },
  });
  cluster.start();
  await cluster.runUntil(() => cluster.live.length === NODES && cluster.converged(), {
    limitMs: 60_000,
    checkEveryMs: 500,
  });
  cluster.node('node-7').kill();
  await cluster.runFor(5000);
  cluster.restart('node-7', { address: 'new' });
  await cluster.runFor(8000);
  return {
    sha256: cluster.trace.sha256(),
    records: cluster.trace.records,
    endMs: cluster.now,
  };
}

test('fifty nodes send, receive and log the same in two runs from one seed', {
  timeout: 120_000,
}, async () => {
  const first = await runOnce(11);
  // The trace of a cluster that does nothing would be equal to itself, too.
  expect(first.records).toBeGreaterThan(NODES * 60);
  expect(await runOnce(11)).toEqual(first);
});
