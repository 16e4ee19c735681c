import type { Transport } from '@ml/transport';
import { describe, expect, test, vi } from 'vitest';
import { gossipPresets } from '../src/index.ts';
import { Cluster, type ClusterNode, seen, stateOf } from './cluster.ts';

// Long stretches of virtual time: seconds of work, more on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

function first(nodes: readonly ClusterNode[]): ClusterNode {
  const [node] = nodes;
  if (node === undefined) throw new RangeError('no node');
  return node;
}

describe('a crash', () => {
  test.each([2, 3, 5, 10])(
    'among %i nodes is found by all within the worst case of the configuration',
    async (n) => {
      await using cluster = new Cluster({ seed: n });
      const victim = (await cluster.grow(n)).at(-1);
      if (victim === undefined) throw new RangeError('no node');
      await cluster.runFor(3000);
      const before = cluster.now;
      cluster.crash(victim);
      await cluster.until(() =>
        cluster.nodes.every((node) => stateOf(node, victim.name) === 'dead'),
      );
      // Everybody may be probed once, and two probes go amiss, before the suspicion runs its shortest course.
      const worstMs = 2 * n * 1000 + 1000 + 4000;
      expect(cluster.now - before).toBeLessThan(worstMs + 7000);
      expect(cluster.now - before).toBeGreaterThan(4000);
    },
  );

  test('is forgotten after a while, and nobody else is harmed', async () => {
    await using cluster = new Cluster();
    const victim = first((await cluster.grow(5)).slice(-1));
    cluster.crash(victim);
    await cluster.runFor(60_000);
    for (const node of cluster.nodes) {
      expect(seen(node)).toHaveLength(4);
      expect(node.memberlist.member(victim.name)).toBeUndefined();
    }
  });
});

test('a healthy cluster over lossy links suspects nobody to death', async () => {
  await using cluster = new Cluster({ link: { latencyMs: [0.2, 2], loss: 0.02 } });
  await cluster.grow(12);
  await cluster.runFor(300_000);
  for (const node of cluster.nodes) {
    expect(node.memberlist.members({ all: true }).map((member) => member.state)).not.toContain(
      'dead',
    );
    expect(seen(node)).toHaveLength(12);
  }
});

test('a node that comes back under its name and address is accepted again', async () => {
  await using cluster = new Cluster();
  const nodes = await cluster.grow(4);
  const seed = first(nodes);
  const victim = first(nodes.slice(-1));
  cluster.crash(victim);
  await cluster.until(() => cluster.nodes.every((node) => stateOf(node, victim.name) === 'dead'));
  const again = await cluster.add(victim.name, { host: victim.host });
  await cluster.join(again, seed);
  await cluster.until(() => cluster.nodes.every((node) => seen(node).length === 4), 5000);
  expect(again.memberlist.localNode.incarnation).toBeGreaterThan(1);
});

test('a node that left may come back from another address under its name', async () => {
  await using cluster = new Cluster();
  const nodes = await cluster.grow(3);
  const seed = first(nodes);
  const leaver = first(nodes.slice(-1));
  await cluster.settled(leaver.memberlist.leave({ timeoutMs: 5000 }));
  cluster.crash(leaver);
  const again = await cluster.add(leaver.name, { host: '10.0.9.9' });
  await cluster.join(again, seed);
  await cluster.until(
    () =>
      cluster.nodes.every(
        (node) => node.memberlist.member(leaver.name)?.address.host === '10.0.9.9',
      ),
    5000,
  );
});

test('a node stopped for a while is dead to the others, and alive again a moment after it goes on', async () => {
  await using cluster = new Cluster();
  const nodes = await cluster.grow(5);
  const victim = first(nodes.slice(-1));
  const others = nodes.filter((node) => node !== victim);
  const pause = cluster.pause(victim);
  await cluster.until(() => others.every((node) => stateOf(node, victim.name) === 'dead'));
  await cluster.runFor(5000);
  pause[Symbol.dispose]();
  const before = cluster.now;
  await cluster.until(() => others.every((node) => seen(node).length === 5), 20_000);
  expect(cluster.now - before).toBeLessThan(5000);
  await cluster.runFor(20_000);
  for (const node of cluster.nodes) expect(seen(node)).toHaveLength(5);
});

test('a short partition heals by itself: both sides refute what was said of them', async () => {
  await using cluster = new Cluster();
  const nodes = await cluster.grow(6);
  const hosts = nodes.map((node) => node.host);
  const partition = cluster.network.partition(hosts.slice(0, 3), hosts.slice(3));
  await cluster.until(() => nodes.every((node) => seen(node).length === 3));
  partition[Symbol.dispose]();
  await cluster.until(() => nodes.every((node) => seen(node).length === 6), 30_000);
});

test('after a partition that outlasted the memory of the dead, one join heals', async () => {
  await using cluster = new Cluster();
  const nodes = await cluster.grow(6);
  const hosts = nodes.map((node) => node.host);
  const partition = cluster.network.partition(hosts.slice(0, 3), hosts.slice(3));
  await cluster.runFor(120_000);
  partition[Symbol.dispose]();
  await cluster.runFor(60_000);
  expect(seen(first(nodes))).toHaveLength(3);
  await cluster.join(first(nodes), first(nodes.slice(3)));
  // Gossip alone may miss somebody in so small a cluster; the next full exchanges do not.
  await cluster.until(() => nodes.every((node) => seen(node).length === 6), 120_000);
});

test('a link cut in one direction, or between two nodes, kills nobody: others vouch for them', async () => {
  await using cluster = new Cluster();
  const nodes = await cluster.grow(6);
  const [a, b] = nodes;
  if (a === undefined || b === undefined) throw new RangeError('no nodes');
  const block = cluster.network.block([a.host], [b.host]);
  await cluster.runFor(120_000);
  for (const node of nodes) expect(seen(node)).toHaveLength(6);
  block[Symbol.dispose]();
});

test('where packets get lost but streams get through, stream pings keep the members alive', async () => {
  async function survivors(streamPing: boolean): Promise<number> {
    await using cluster = new Cluster({ config: { streamPing } });
    for (let i = 0; i < 3; i++) {
      const host = `10.7.0.${i + 1}`;
      const inner = cluster.network.transport({ host, port: 7000 });
      const transport: Transport = {
        advertised: inner.advertised,
        advertisedIp: inner.advertisedIp,
        maxPacketBytes: inner.maxPacketBytes,
        listen: (handler) => inner.listen(handler),
        sendPacket: () => {},
        dial: (to, options) => inner.dial(to, options),
        [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
      };
      const node = await cluster.add(`node-${i}`, { host, options: { transport } });
      const [seed] = cluster.nodes;
      if (seed === undefined || seed === node) continue;
      await cluster.settled(node.memberlist.join([`${seed.host}:7000`]));
    }
    await cluster.runFor(20_000);
    return seen(first(cluster.nodes)).length;
  }
  expect(await survivors(true)).toBe(3);
  expect(await survivors(false)).toBe(1);
});

describe('a cluster that shrank a moment ago', () => {
  async function timeToDeath(suspicionCountsOnlyAlive: boolean): Promise<number> {
    const config = { ...gossipPresets.dskit, compression: false, suspicionCountsOnlyAlive };
    await using cluster = new Cluster({ config, seed: 4 });
    const nodes = await cluster.grow(5);
    const [, , victim, d, e] = nodes;
    if (victim === undefined || d === undefined || e === undefined) throw new RangeError('none');
    for (const node of [d, e]) await cluster.settled(node.memberlist.leave({ timeoutMs: 5000 }));
    for (const node of [d, e]) cluster.crash(node);
    let suspectedAt = 0;
    using _pause = cluster.pause(victim);
    const others = cluster.nodes.filter((node) => node !== victim);
    await cluster.until(() => others.some((node) => stateOf(node, victim.name) === 'suspect'));
    suspectedAt = cluster.now;
    await cluster.until(() => others.every((node) => stateOf(node, victim.name) === 'dead'));
    return cluster.now - suspectedAt;
  }

  test('still waits for confirmations that the gone cannot give, as the reference does', async () => {
    expect(await timeToDeath(false)).toBeGreaterThan(56_000);
  });

  test('does not when only living members count', async () => {
    expect(await timeToDeath(true)).toBeLessThan(21_000);
  });
});

test('the same seed gives the same history, to the byte', async () => {
  async function history(): Promise<string> {
    await using cluster = new Cluster({ link: { latencyMs: [0.2, 5], loss: 0.05 } });
    const nodes = await cluster.grow(8);
    const victim = first(nodes.slice(-1));
    await cluster.runFor(10_000);
    cluster.crash(victim);
    await cluster.runFor(30_000);
    const traffic = cluster.nodes.map((node) => cluster.network.hostTraffic(node.host));
    return JSON.stringify([traffic, cluster.nodes.map((node) => node.memberlist.members())]);
  }
  expect(await history()).toBe(await history());
});
