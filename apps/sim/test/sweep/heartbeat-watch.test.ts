import { expect, test } from 'vitest';
import { SimCluster } from '../../src/index.ts';
import { HeartbeatWatch } from '../../src/sweep/heartbeat-watch.ts';

const CONFIG = {
  ring: { numTokens: 2, heartbeatPeriodMs: 5000, minReadyDurationMs: 1000 },
} as const;

test('counts a heartbeat once for each other node, and its age until the next one', async () => {
  await using cluster = SimCluster.create({ seed: 1, nodes: 4, config: CONFIG });
  using watch = new HeartbeatWatch(cluster, { fromMs: 10_000, untilMs: 30_000 });
  cluster.start();
  await cluster.runFor(35_000);
  const { heartbeats, propagation, missing, late, oldestMs, rates } = watch.finish();
  expect(heartbeats).toBe(4 * 4);
  expect(propagation.count).toBe(heartbeats * 3);
  expect([missing, late]).toEqual([0, 0]);
  expect(propagation.max).toBeLessThan(1000);
  expect(oldestMs).toBeGreaterThanOrEqual(5000);
  expect(oldestMs).toBeLessThan(6000);
  expect(rates.sentPacketsS).toBeGreaterThan(0);
  // Nothing is lost, so that what is sent arrives.
  expect(rates.receivedPacketsS / rates.sentPacketsS).toBeCloseTo(1, 1);
});

test('counts heartbeats that did not arrive with the time that they were under way', async () => {
  await using cluster = SimCluster.create({ seed: 1, nodes: 4, config: CONFIG });
  using watch = new HeartbeatWatch(cluster, { fromMs: 10_000, untilMs: 30_000 });
  cluster.start();
  await cluster.runFor(20_000);
  cluster.partition(['node-0'], ['node-1', 'node-2', 'node-3']);
  await cluster.runFor(15_000);
  const { heartbeats, propagation, missing, late, oldestMs } = watch.finish();
  expect(propagation.count).toBe(heartbeats * 3);
  // Two heartbeats of each node cannot cross: three go out to one node, one to three.
  expect(missing).toBe(2 * 6);
  expect(late).toBe(missing);
  expect(propagation.max).toBeGreaterThan(10_000);
  expect(oldestMs).toBeGreaterThan(15_000);
});
