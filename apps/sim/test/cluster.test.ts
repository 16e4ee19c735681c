import { gossipPresets } from '@ml/gossip';
import { describe, expect, test } from 'vitest';
import { SimCluster, type SimEvent } from '../src/index.ts';

const MEMBERSHIP = { mode: 'membership', gossip: gossipPresets.lan } as const;
const CONFIG = { ring: { minReadyDurationMs: 1000, numTokens: 16 } } as const;

async function converge(cluster: SimCluster): Promise<void> {
  await cluster.runUntil(() => cluster.live.length === cluster.nodes.length, { limitMs: 60_000 });
  await cluster.runUntil(() => cluster.converged(), { limitMs: 60_000, checkEveryMs: 100 });
}

async function hashOf(seed: number): Promise<string> {
  await using cluster = SimCluster.create({ seed, nodes: 5, config: CONFIG });
  cluster.start();
  await cluster.runFor(10_000);
  cluster.node('node-3').kill();
  await cluster.runFor(10_000);
  cluster.restart('node-3', { address: 'new' });
  await cluster.runFor(10_000);
  return cluster.trace.sha256();
}

describe('a run', () => {
  test('has the same trace for the same seed, and another for another', async () => {
    const first = await hashOf(7);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await hashOf(7)).toBe(first);
    expect(await hashOf(8)).not.toBe(first);
  });
});

describe('full nodes', () => {
  test('leave no promise continuation behind in events that are registered as plain', async () => {
    await using cluster = SimCluster.create({
      seed: 1,
      nodes: 3,
      config: CONFIG,
      checkPlain: true,
    });
    cluster.start();
    await converge(cluster);
    await cluster.runFor(5000);
    expect(cluster.runtime.executedEvents).toBeGreaterThan(100);
  });

  test('find each other through the DNS and form a ring with their zones', async () => {
    await using cluster = SimCluster.create({
      seed: 1,
      nodes: [{ name: 'a', zone: 'z1' }, { name: 'b', zone: 'z2' }, { name: 'c' }],
      config: CONFIG,
    });
    cluster.start();
    await converge(cluster);
    await cluster.runFor(5000);
    for (const { ring } of cluster.nodes) {
      expect(ring?.desc.instances.map(({ id, state, zone }) => [id, state, zone])).toEqual([
        ['a', 'ACTIVE', 'z1'],
        ['b', 'ACTIVE', 'z2'],
        ['c', 'ACTIVE', ''],
      ]);
    }
  });

  test('stop in good order, and the others know', async () => {
    await using cluster = SimCluster.create({ seed: 1, nodes: 3, config: CONFIG });
    const left: SimEvent[] = [];
    cluster.observe((event) => {
      if (event.type === 'left') left.push(event);
    });
    cluster.start();
    await converge(cluster);
    await cluster.stop('node-2');
    await cluster.runFor(3000);
    expect(cluster.node('node-2').state).toBe('down');
    expect(cluster.converged()).toBe(true);
    expect(left.length).toBeGreaterThanOrEqual(2);
    expect(cluster.node('node-0').ring?.desc.has('node-2')).toBe(false);
  });

  test('that are killed while they leave are gone at once', async () => {
    await using cluster = SimCluster.create({ seed: 1, nodes: 3, config: CONFIG });
    cluster.start();
    await converge(cluster);
    const node = cluster.node('node-2');
    const stopped = node.stop();
    expect(node.state).toBe('leaving');
    node.kill();
    await cluster.settle(stopped, 0);
    expect(node.state).toBe('down');
  });

  test('that share an address one after the other stay two clusters, thanks to their labels', async () => {
    const labelled = (clusterLabel: string) => ({ memberlist: { kv: { clusterLabel } } });
    await using cluster = SimCluster.create({
      seed: 3,
      config: CONFIG,
      nodes: [
        ...['a0', 'a1', 'a2'].map((name) => ({ name, cluster: 'a', config: labelled('a') })),
        ...['b0', 'b1'].map((name) => ({ name, cluster: 'b', config: labelled('b') })),
      ],
    });
    cluster.start();
    await converge(cluster);
    cluster.node('a2').kill();
    cluster.add({ name: 'b2', cluster: 'b', ip: cluster.node('a2').ip, config: labelled('b') });
    cluster.node('b2').start();
    await cluster.runFor(180_000);
    expect(cluster.views().map(({ node, members }) => [node.name, members.length])).toEqual([
      ['a0', 2],
      ['a1', 2],
      ['b0', 3],
      ['b1', 3],
      ['b2', 3],
    ]);
  });

  test('wait while the DNS answers nothing, and join when it is healed', async () => {
    await using cluster = SimCluster.create({ seed: 1, nodes: 3, config: CONFIG });
    cluster.setDnsFault('outage');
    cluster.start();
    await cluster.runFor(10_000);
    expect(cluster.converged()).toBe(false);
    cluster.setDnsFault(undefined);
    await cluster.runUntil(() => cluster.converged(), { limitMs: 120_000 });
  });
});

describe('membership-only nodes', () => {
  test('join through seeds and find a crash and its rumours', async () => {
    await using cluster = SimCluster.create({
      seed: 1,
      nodes: 20,
      ...MEMBERSHIP,
      checkPlain: true,
    });
    const seen = new Set<string>();
    cluster.observe((event) => seen.add(event.type));
    cluster.start();
    await converge(cluster);
    cluster.node('node-7').kill();
    await cluster.runUntil(() => cluster.converged(), { limitMs: 60_000, checkEveryMs: 100 });
    expect(seen).toEqual(new Set(['node', 'suspect', 'confirmed', 'dead']));
  });

  test('take a paused member for suspect or dead, and take it back when it goes on', async () => {
    await using cluster = SimCluster.create({ seed: 1, nodes: 10, ...MEMBERSHIP });
    const seen = new Set<string>();
    cluster.observe((event) => seen.add(event.type));
    cluster.start();
    await converge(cluster);
    const node = cluster.node('node-4');
    node.pause();
    expect(node.reachableSinceMs).toBe(Number.POSITIVE_INFINITY);
    await cluster.runFor(3000);
    node.resume();
    await cluster.runFor(5000);
    expect(cluster.converged()).toBe(true);
    expect(seen).toContain('refuted');
  });

  test('are falsely suspected when their processor is too slow', async () => {
    await using cluster = SimCluster.create({ seed: 1, nodes: 10, ...MEMBERSHIP });
    const suspects = new Set<string>();
    cluster.observe((event) => {
      if (event.type === 'suspect') suspects.add(event.member);
    });
    cluster.start();
    await converge(cluster);
    cluster.node('node-4').setTurnMs(400);
    await cluster.runFor(30_000);
    expect(suspects).toContain('node-4');
  });

  test('split along a partition and come together again', async () => {
    await using cluster = SimCluster.create({ seed: 1, nodes: 6, ...MEMBERSHIP });
    cluster.start();
    await converge(cluster);
    const cut = cluster.partition(['node-0', 'node-1'], ['node-2', 'node-3', 'node-4', 'node-5']);
    await cluster.runFor(60_000);
    expect(cluster.views().map(({ members }) => members.length)).toEqual([2, 2, 4, 4, 4, 4]);
    cut[Symbol.dispose]();
    // The dead are forgotten by now: only a join brings the halves together.
    const [first, , third] = cluster.nodes;
    await cluster.settle(Promise.resolve(first?.memberlist?.join([third?.ip ?? ''])));
    await cluster.runUntil(() => cluster.converged(), { limitMs: 60_000, checkEveryMs: 100 });
  });
});
