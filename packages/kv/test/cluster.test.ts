import { afterEach, describe, expect, test } from 'vitest';
import { LwwMap } from '../src/index.ts';
import { PORT, put, seen, TestCluster, type TestNode } from './support/cluster.ts';

let cluster = new TestCluster();
const fresh = (seed?: number): TestCluster => {
  cluster = new TestCluster(seed);
  return cluster;
};
afterEach(() => cluster.close());

const seeds = { joinMembers: [`dns+seeds:${PORT}`] };
const memberCounts = (nodes: readonly TestNode[]) =>
  nodes.map(({ kv }) => kv.status().members.length);

function allSee(nodes: readonly TestNode[], value: unknown): () => boolean {
  return () => nodes.every((node) => seen(node, 'k', 'a') === value);
}

describe('a cluster of stores', () => {
  test.each([1, 2, 3])(
    'shows a write of one node on all ten within five seconds (seed %i)',
    async (seed) => {
      const c = fresh(seed);
      const nodes = await c.startMany(10);
      const complete = () => memberCounts(nodes).every((count) => count === 10);
      await c.runtime.runUntil(complete, { limitMs: 10_000 });
      await put(c, nodes[3] ?? expect.unreachable(), 'k', 'a', 1);
      await expect(
        c.runtime.runUntil(allSee(nodes, 1), { limitMs: 5000 }),
      ).resolves.toBeUndefined();
    },
  );

  test('brings writes of all nodes together everywhere, removals too', async () => {
    const c = fresh();
    const nodes = await c.startMany(5);
    for (const node of nodes) await put(c, node, 'k', node.name, 1);
    await nodes[2]?.client.cas('k', (map) => map?.delete('node-3'));
    await c.runtime.runFor(120_000);
    const wanted = nodes.map(({ name }) => name).filter((name) => name !== 'node-3');
    for (const node of nodes) {
      const entries = (await node.client.get('k'))?.entries() ?? [];
      expect(new Set(entries.map(([name]) => name))).toEqual(new Set(wanted));
    }
  });

  test('gives a joining node what is known before its start is done', async () => {
    const c = fresh();
    const [first] = await c.startMany(3);
    await put(c, first ?? expect.unreachable(), 'k', 'a', 1);
    const late = c.prepare({ config: { joinMembers: [`10.0.0.1:${PORT}`] } });
    const value = late.client.get('k');
    await c.settle(late.kv.start());
    expect((await value)?.get('a')).toBe(1);
  });

  test('hands changes on by full exchanges and probes when gossip is off', async () => {
    const c = fresh();
    const nodes = await c.startMany(3, {
      config: { gossipIntervalMs: 0, pushPullIntervalMs: 1000 },
    });
    await put(c, nodes[0] ?? expect.unreachable(), 'k', 'a', 1);
    await c.runtime.runUntil(allSee(nodes, 1), { limitMs: 30_000 });
    const pushes = (node: TestNode) => node.metrics.sum('memberlist_client_state_pushes_total');
    expect(Math.max(...nodes.map(pushes))).toBeGreaterThan(0);
  });

  test('hands changes on by gossip alone when full exchanges are off', async () => {
    const c = fresh();
    const nodes = await c.startMany(3, { config: { pushPullIntervalMs: 0 } });
    const pushes = () =>
      nodes.map((node) => node.metrics.value('memberlist_client_state_pushes_total'));
    await c.runtime.runFor(2000);
    const before = pushes();
    await put(c, nodes[0] ?? expect.unreachable(), 'k', 'a', 1);
    await c.runtime.runUntil(allSee(nodes, 1), { limitMs: 5000 });
    expect(pushes()).toEqual(before);
  });

  test('leaves a change that no packet can hold to the full exchange', async () => {
    const c = fresh();
    const nodes = await c.startMany(2, { config: { pushPullIntervalMs: 5000 } });
    const [first, second] = nodes;
    if (first === undefined || second === undefined) return expect.unreachable();
    const large = 'x'.repeat(11 * 1024 * 1024);
    await put(c, first, 'k', 'a', large);
    expect(first.metrics.value('memberlist_client_messages_to_broadcast_dropped_total')).toBe(1);
    expect(first.kv.status().queued).toEqual({ local: 0, gossip: 0, bytes: 0 });
    await c.runtime.runUntil(() => second.kv.entry('k') !== undefined, { limitMs: 30_000 });
    expect(seen(second, 'k', 'a')).toBe(large);
  });

  test('counts what it queues, members and health', async () => {
    const c = fresh();
    const nodes = await c.startMany(2);
    const [first] = nodes;
    if (first === undefined) return expect.unreachable();
    await put(c, first, 'k', 'a', 1);
    const { metrics } = first;
    const queue = 'memberlist_client_messages_in_broadcast_queue';
    expect(metrics.value(queue, { queue: 'local' })).toBe(1);
    expect(metrics.value(queue, { queue: 'gossip' })).toBe(0);
    expect(metrics.value(`${queue}_bytes`)).toBeGreaterThan(10);
    expect(metrics.value('memberlist_client_kv_store_count')).toBe(1);
    expect(metrics.value('memberlist_client_cluster_members_count')).toBe(2);
    expect(metrics.value('memberlist_client_cluster_node_health_score')).toBe(0);
    await c.runtime.runFor(3000);
    expect(metrics.value(queue, { queue: 'local' })).toBe(0);
  });
});

describe('cluster labels', () => {
  const start = async (c: TestCluster, label: string, more: object = {}) =>
    await c.start({ config: { ...seeds, clusterLabel: label, ...more } });

  test('keep nodes of different labels apart for good', async () => {
    const c = fresh();
    c.setSeeds('10.0.0.1', '10.0.0.2', '10.0.0.3');
    const a = await start(c, 'one', { rejoinIntervalMs: 10_000 });
    const b = await start(c, 'two', { rejoinIntervalMs: 10_000 });
    const none = await start(c, '', { rejoinIntervalMs: 10_000 });
    await put(c, a, 'k', 'a', 1);
    await c.runtime.runFor(120_000);
    expect(memberCounts([a, b, none])).toEqual([1, 1, 1]);
    expect([seen(b, 'k', 'a'), seen(none, 'k', 'a')]).toEqual([undefined, undefined]);
  });

  test('of one name bring nodes together', async () => {
    const c = fresh();
    c.setSeeds('10.0.0.1');
    const nodes = [await start(c, 'one'), await start(c, 'one')];
    await c.runtime.runFor(2000);
    expect(memberCounts(nodes)).toEqual([2, 2]);
  });

  test('do not matter where they are not checked', async () => {
    const c = fresh();
    c.setSeeds('10.0.0.1');
    const off = { clusterLabelVerificationDisabled: true };
    const nodes = [await start(c, 'one', off), await start(c, '', off), await start(c, 'two', off)];
    await c.runtime.runFor(5000);
    expect(memberCounts(nodes)).toEqual([3, 3, 3]);
  });
});

describe('joining', () => {
  test('goes on until a late seed is there', async () => {
    const c = fresh();
    const config = {
      joinMembers: [`10.0.0.9:${PORT}`],
      minJoinBackoffMs: 1000,
      maxJoinBackoffMs: 5000,
    };
    const early = await c.start({ config });
    expect(early.kv.status().isolated).toBe(true);
    await c.runtime.runFor(4000);
    const seed = await c.start({}, '10.0.0.9');
    expect(await c.settle(early.kv.joined())).toBe(1);
    await c.runtime.runFor(1000);
    expect(memberCounts([early, seed])).toEqual([2, 2]);
    expect(early.kv.status().isolated).toBe(false);
  });

  test('goes on until a late name is there', async () => {
    const c = fresh();
    c.setSeeds();
    const early = await c.start({ config: seeds });
    const seed = await c.start();
    await c.runtime.runFor(3000);
    c.setSeeds(seed.ip);
    expect(await c.settle(early.kv.joined())).toBe(1);
    expect(memberCounts([early])).toEqual([2]);
  });

  test('is given up after the last attempt, and the node works alone', async () => {
    const c = fresh();
    const config = { joinMembers: [`10.0.0.99:${PORT}`], maxJoinRetries: 3, minJoinBackoffMs: 100 };
    const node = await c.start({ config });
    await expect(c.settle(node.kv.joined())).rejects.toMatchObject({ code: 'ML_KV_JOIN' });
    await put(c, node, 'k', 'a', 1);
    expect(node.kv.state.type).toBe('running');
  });

  test('that is given up ends the store if it is told to', async () => {
    const c = fresh();
    const config = {
      joinMembers: [`10.0.0.99:${PORT}`],
      maxJoinRetries: 2,
      minJoinBackoffMs: 100,
      abortIfJoinFails: true,
    };
    const node = await c.start({ config });
    const last = await c.settle(node.kv.ended());
    expect(last).toMatchObject({ type: 'failed', error: { code: 'ML_KV_JOIN' } });
    await expect(node.client.get('k')).rejects.toMatchObject({
      code: 'ML_KV_CLOSED',
      cause: { code: 'ML_KV_JOIN' },
    });
  });

  test('at startup fails the start if it is told to, and frees the address', async () => {
    const c = fresh();
    const config = { joinMembers: [`10.0.0.99:${PORT}`], abortIfFastJoinFails: true };
    const node = c.prepare({ config });
    const waiting = node.client.get('k');
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'ML_KV_CLOSED' });
    await expect(c.settle(node.kv.start())).rejects.toMatchObject({ code: 'ML_KV_FAST_JOIN' });
    await outcome;
    expect(node.kv.state).toMatchObject({ type: 'failed', error: { code: 'ML_KV_FAST_JOIN' } });
    await c.start({}, node.ip);
  });

  test('of itself alone counts as joined, as in the reference', async () => {
    const c = fresh();
    const node = await c.start({
      config: {
        joinMembers: [`10.0.0.1:${PORT}`],
        abortIfFastJoinFails: true,
        abortIfJoinFails: true,
      },
    });
    expect(await c.settle(node.kv.joined())).toBe(1);
    expect(node.kv.status()).toMatchObject({ isolated: true, state: { type: 'running' } });
  });

  test('of nobody is done at once', async () => {
    const c = fresh();
    const node = await c.start();
    expect(await node.kv.joined()).toBe(0);
    expect(node.kv.status().isolated).toBe(false);
  });
});

describe('rejoining', () => {
  const cutForLong = async (c: TestCluster, nodes: readonly TestNode[]): Promise<void> => {
    const cut = c.network.partition(['10.0.0.1'], ['10.0.0.2', '10.0.0.3']);
    await c.runtime.runFor(300_000);
    expect(memberCounts(nodes)).toEqual([1, 2, 2]);
    cut[Symbol.dispose]();
  };

  test('heals a cluster that was split longer than the dead are remembered', async () => {
    const c = fresh();
    const nodes = await c.startMany(3, { config: { rejoinIntervalMs: 30_000 } });
    await c.runtime.runFor(5000);
    await cutForLong(c, nodes);
    await put(c, nodes[2] ?? expect.unreachable(), 'k', 'a', 1);
    await c.runtime.runFor(60_000);
    expect(memberCounts(nodes)).toEqual([3, 3, 3]);
    expect(allSee(nodes, 1)()).toBe(true);
  });

  test('does not happen by itself, as in the reference', async () => {
    const c = fresh();
    const nodes = await c.startMany(3);
    await c.runtime.runFor(5000);
    await cutForLong(c, nodes);
    await c.runtime.runFor(600_000);
    expect(memberCounts(nodes)).toEqual([1, 2, 2]);
  });

  test('with those that are absent heals too, and dials nobody while all are there', async () => {
    const c = fresh();
    c.setSeeds('10.0.0.1', '10.0.0.2', '10.0.0.3');
    const options = { config: seeds, more: { clusterRejoin: { intervalMs: 60_000 } } };
    const nodes = [await c.start(options), await c.start(options), await c.start(options)];
    await c.runtime.runFor(5000);
    await cutForLong(c, nodes);
    await c.runtime.runFor(120_000);
    expect(memberCounts(nodes)).toEqual([3, 3, 3]);
    const said = () =>
      c.log.lines.filter(({ message }) => message.includes('that were no members'));
    const before = said().length;
    expect(before).toBeGreaterThan(0);
    await c.runtime.runFor(600_000);
    expect(said().length).toBe(before);
  });

  test('finds a seed that came back under its address', async () => {
    const c = fresh();
    const [seed, other] = await c.startMany(2, { config: { rejoinIntervalMs: 10_000 } });
    if (seed === undefined || other === undefined) return expect.unreachable();
    await put(c, other, 'k', 'a', 1);
    await seed.kv.close();
    await c.runtime.runFor(120_000);
    expect(memberCounts([other])).toEqual([1]);
    const again = await c.start({}, seed.ip);
    await c.runtime.runFor(20_000);
    expect(memberCounts([again, other])).toEqual([2, 2]);
    expect(seen(again, 'k', 'a')).toBe(1);
  });
});

describe('leaving', () => {
  test('sends own changes first, then makes the others forget the node at once', async () => {
    const c = fresh();
    const nodes = await c.startMany(3);
    const [, second, third] = nodes;
    if (second === undefined || third === undefined) return expect.unreachable();
    await c.runtime.runFor(5000);
    await put(c, third, 'k', 'a', 1);
    await c.settle(third.kv.leave());
    await third.kv.close();
    await c.runtime.runFor(500);
    expect(memberCounts([second])).toEqual([2]);
    expect(seen(second, 'k', 'a')).toBe(1);
    expect(third.kv.state.type).toBe('terminated');
  });

  test('keeps changes made meanwhile to itself, but spreads deletions', async () => {
    const c = fresh();
    const nodes = await c.startMany(2, { config: { pushPullIntervalMs: 0 } });
    const [first, second] = nodes;
    if (first === undefined || second === undefined) return expect.unreachable();
    await put(c, first, 'k', 'a', 1);
    await c.runtime.runFor(5000);
    const left = first.kv.leave();
    await put(c, first, 'k', 'a', 2);
    await first.client.delete('k');
    await c.settle(left);
    await c.runtime.runFor(1000);
    expect(second.kv.entry('k')?.deleted).toBe(true);
    const warned = c.log.lines.filter(({ message }) => message.includes('is leaving'));
    expect(warned).toHaveLength(1);
  });

  test('gives up sending own changes after its limit', async () => {
    const c = fresh();
    const config = { gossipIntervalMs: 60_000, leaveTimeoutMs: 1000 };
    const nodes = await c.startMany(2, { config });
    const [first] = nodes;
    if (first === undefined) return expect.unreachable();
    await c.runtime.runFor(1000);
    await put(c, first, 'k', 'a', 1);
    const startedAt = c.runtime.now;
    await c.settle(first.kv.leave());
    expect(c.runtime.now - startedAt).toBeGreaterThanOrEqual(10_000);
    expect(c.runtime.now - startedAt).toBeLessThan(12_000);
  });

  test('alone is done at once, twice is once, and closing ends everything', async () => {
    const c = fresh();
    const node = await c.start();
    await put(c, node, 'k', 'a', 1);
    const startedAt = c.runtime.now;
    await c.settle(Promise.all([node.kv.leave(), node.kv.leave()]));
    expect(c.runtime.now).toBe(startedAt);
    await Promise.all([node.kv.close(), node.kv.close()]);
    expect(await node.kv.ended()).toEqual({ type: 'terminated' });
    await expect(node.client.get('k')).rejects.toMatchObject({ code: 'ML_KV_CLOSED' });
    await expect(node.client.cas('k', () => new LwwMap())).rejects.toMatchObject({
      code: 'ML_KV_CLOSED',
    });
  });
});

describe('a store that was prepared', () => {
  test('does nothing until it is started, and may be closed instead', async () => {
    const c = fresh();
    const node = c.prepare();
    const waiting = expect(node.client.get('k')).rejects.toMatchObject({ code: 'ML_KV_CLOSED' });
    expect(node.kv.state.type).toBe('new');
    expect(node.kv.memberlist).toBeUndefined();
    await node.kv.close();
    await waiting;
    await expect(node.kv.start()).rejects.toMatchObject({ code: 'ML_KV_OPTIONS' });
  });

  test('can be closed while it starts', async () => {
    const c = fresh();
    const node = c.prepare({ config: { joinMembers: [`10.0.0.99:${PORT}`] } });
    const started = expect(node.kv.start()).rejects.toBeDefined();
    await c.settle(node.kv.close());
    await started;
    await c.start({}, node.ip);
  });

  test('has a random suffix of eight hex digits in its name unless told otherwise', async () => {
    const c = fresh();
    const names = [c.prepare(), c.prepare()].map(({ kv }) => kv.name);
    expect(names[0]).toMatch(/^node-1-[0-9a-f]{8}$/);
    expect(names[1]?.slice(-8)).not.toBe(names[0]?.slice(-8));
    expect(c.prepare({ config: { randomizeNodeName: false } }).kv.name).toBe('node-3');
  });

  test('stops waiting for its start when the signal of an operation fires', async () => {
    const c = fresh();
    const node = c.prepare();
    const abort = new AbortController();
    const waiting = expect(
      node.client.cas('k', () => undefined, { signal: abort.signal }),
    ).rejects.toThrow('enough');
    abort.abort(new RangeError('enough'));
    await waiting;
  });
});
