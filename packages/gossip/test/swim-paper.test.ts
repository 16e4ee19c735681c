import { describe, expect, test, vi } from 'vitest';
import type { GossipConfig } from '../src/index.ts';
import { Cluster, type ClusterNode, seen, stateOf } from './cluster.ts';

// Long stretches of virtual time: seconds of work, more on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** What the paper describes: one probe a period, no shrinking timeouts, no health, no streams. */
const SWIM: Partial<GossipConfig> = {
  streamPing: false,
  lifeguard: { awareness: false, dynamicSuspicion: false, buddy: false, nacks: false },
};

function pick(nodes: readonly ClusterNode[], index: number): ClusterNode {
  const node = nodes.at(index);
  if (node === undefined) throw new RangeError(`no node ${index}`);
  return node;
}

/** Milliseconds from the crash of a node to the first suspicion of it, one figure a seed. */
async function detections(n: number, seeds: number): Promise<readonly number[]> {
  const figures: number[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    await using cluster = new Cluster({ seed, config: SWIM });
    await cluster.grow(n);
    await cluster.runFor(5000 + ((seed * 137) % 1000));
    const victim = pick(cluster.nodes, -1);
    const before = cluster.now;
    cluster.crash(victim);
    await cluster.until(() => cluster.nodes.some((node) => stateOf(node, victim.name) !== 'alive'));
    figures.push(cluster.now - before);
  }
  return figures;
}

function mean(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0) / figures.length;
}

describe('§3.1: failure detection', () => {
  test('takes a time that does not grow with the cluster: e/(e−1) periods at most until the first suspicion, and one to be sure', async () => {
    for (const n of [4, 8, 16]) {
      const periods = mean(await detections(n, 12)) / 1000;
      expect(periods).toBeGreaterThan(1);
      expect(periods).toBeLessThan(1.582 + 1.3);
    }
  });

  test('sends about two messages a member and period, whatever the size', async () => {
    for (const n of [5, 10, 20]) {
      await using cluster = new Cluster({ config: SWIM });
      await cluster.grow(n);
      await cluster.runFor(20_000);
      const before = cluster.network.totalTraffic().sentPackets;
      await cluster.runFor(100_000);
      const each = (cluster.network.totalTraffic().sentPackets - before) / n / 100;
      expect(each).toBeGreaterThan(1.5);
      expect(each).toBeLessThanOrEqual(2);
    }
  });

  test('asks others before it suspects: a lost path between two members harms nobody', async () => {
    await using cluster = new Cluster({ config: SWIM });
    const nodes = await cluster.grow(5);
    const [a, b] = [pick(nodes, 0), pick(nodes, 1)];
    using _there = cluster.network.block([a.host], [b.host]);
    using _back = cluster.network.block([b.host], [a.host]);
    await cluster.runFor(60_000);
    for (const node of nodes) expect(seen(node)).toHaveLength(5);
    expect(a.memberlist.localNode.incarnation).toBe(1);
  });

  test('without helpers (k = 0) the same lost path leads to suspicions, which are refuted', async () => {
    await using cluster = new Cluster({ config: { ...SWIM, indirectChecks: 0 } });
    const nodes = await cluster.grow(5);
    const [a, b] = [pick(nodes, 0), pick(nodes, 1)];
    using _there = cluster.network.block([a.host], [b.host]);
    using _back = cluster.network.block([b.host], [a.host]);
    await cluster.runFor(60_000);
    expect(a.memberlist.localNode.incarnation).toBeGreaterThan(1);
  });
});

test('§4.1: news rides on pings and acks alone, if need be', async () => {
  await using cluster = new Cluster({ config: { ...SWIM, gossipIntervalMs: 0 } });
  const first = await cluster.add('first');
  for (let i = 1; i < 6; i++) await cluster.join(await cluster.add(`node-${i}`), first);
  const app = await cluster.add('late');
  await cluster.join(app, first);
  await cluster.until(
    () => cluster.nodes.filter((node) => seen(node).includes('late')).length >= 4,
    60_000,
  );
  expect(seen(app)).toHaveLength(7);
});

describe('§4.2: suspicion', () => {
  test('a member that cannot be reached for less than the timeout is suspected, and lives', async () => {
    await using cluster = new Cluster({ config: SWIM });
    const nodes = await cluster.grow(6);
    const victim = pick(nodes, -1);
    const others = nodes.filter((node) => node !== victim);
    const pause = cluster.pause(victim);
    await cluster.until(() => others.some((node) => stateOf(node, victim.name) === 'suspect'));
    await cluster.runFor(1000);
    pause[Symbol.dispose]();
    // A full exchange reaches those whom gossip missed.
    await cluster.runFor(90_000);
    for (const node of others) expect(stateOf(node, victim.name)).toBe('alive');
    expect(victim.memberlist.localNode.incarnation).toBeGreaterThan(1);
  });

  test('only the member itself raises its incarnation', async () => {
    await using cluster = new Cluster({ config: SWIM });
    const nodes = await cluster.grow(6);
    const victim = pick(nodes, -1);
    cluster.crash(victim);
    await cluster.runFor(8000);
    for (const node of cluster.nodes) {
      expect(node.memberlist.member(victim.name)?.incarnation).toBe(1);
      expect(node.memberlist.localNode.incarnation).toBe(1);
    }
  });
});

test('§4.3: every member is probed within 2n − 1 periods, however the order falls', async () => {
  const n = 6;
  for (const time of await detections(n, 20)) {
    expect(time).toBeLessThanOrEqual((2 * n - 1) * 1000 + 1000);
  }
});
