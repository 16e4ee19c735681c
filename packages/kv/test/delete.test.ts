import { afterEach, describe, expect, test } from 'vitest';
import { put, seen, TestCluster } from './support/cluster.ts';
import { RawPeer } from './support/raw-peer.ts';

let cluster = new TestCluster();
const fresh = (): TestCluster => {
  cluster = new TestCluster();
  return cluster;
};
afterEach(() => cluster.close());

const config = { obsoleteEntriesTimeoutMs: 30_000 };

describe('a deleted key', () => {
  test('can be read until it is purged, between one and two timeouts later', async () => {
    const c = fresh();
    const node = await c.start({ config });
    await put(c, node, 'k', 'a', 1);
    await node.client.delete('k');
    await node.client.delete('k');
    await node.client.delete('absent');
    expect(node.kv.status().store).toMatchObject([{ key: 'k', deleted: true, version: 2 }]);
    await c.runtime.runFor(30_000);
    expect((await node.client.get('k'))?.get('a')).toBe(1);
    await c.runtime.runFor(30_000);
    expect(await node.client.list('')).toEqual([]);
    expect(node.metrics.series('memberlist_client_kv_store_value_tombstones')).toEqual([]);
  });

  test('vanishes on every node', async () => {
    const c = fresh();
    const nodes = await c.startMany(3, { config });
    const [first, , last] = nodes;
    if (first === undefined || last === undefined) return expect.unreachable();
    await put(c, first, 'k', 'a', 1);
    await c.runtime.runUntil(() => seen(last, 'k', 'a') === 1, { limitMs: 5000 });
    await last.client.delete('k');
    await c.runtime.runFor(65_000);
    expect(nodes.map((node) => node.kv.status().store)).toEqual([[], [], []]);
    const dropped = 'memberlist_client_messages_to_broadcast_dropped_total';
    expect(nodes.map((node) => node.metrics.value(dropped))).toEqual([0, 0, 0]);
  });

  test('is taken along by what is written before the purge, and made anew by what is written after', async () => {
    const c = fresh();
    const node = await c.start({ config });
    await put(c, node, 'k', 'a', 1);
    await node.client.delete('k');
    await put(c, node, 'k', 'b', 2);
    expect(node.kv.entry('k')).toMatchObject({ deleted: true, version: 3 });
    await c.runtime.runFor(60_001);
    await put(c, node, 'k', 'c', 3);
    expect(node.kv.entry('k')).toMatchObject({ deleted: false, version: 1 });
    expect((await node.client.get('k'))?.entries()).toEqual([['c', 3]]);
  });

  test('stays for ever when the timeout is 0', async () => {
    const c = fresh();
    const node = await c.start({ config: { obsoleteEntriesTimeoutMs: 0 } });
    await put(c, node, 'k', 'a', 1);
    await node.client.delete('k');
    await c.runtime.runFor(3_600_000);
    expect(await node.client.list('')).toEqual(['k']);
  });

  test('reaches a watcher of its prefix with its value, and the purge reaches nobody', async () => {
    const c = fresh();
    const node = await c.start({ config });
    const abort = new AbortController();
    const told: unknown[] = [];
    const watch = (async () => {
      for await (const { key, value } of node.client.watchPrefix('', { signal: abort.signal })) {
        told.push([key, value?.get('a')]);
      }
    })();
    await c.runtime.runFor(1);
    await put(c, node, 'k', 'a', 1);
    await c.runtime.runFor(1);
    await node.client.delete('k');
    await c.runtime.runFor(70_000);
    abort.abort(new RangeError('enough'));
    await expect(watch).rejects.toThrow('enough');
    expect(told).toEqual([
      ['k', 1],
      ['k', 1],
    ]);
  });

  test('that is purged before a debounced notice goes out reaches no prefix watcher', async () => {
    const c = fresh();
    const node = await c.start({
      config: { obsoleteEntriesTimeoutMs: 1000, notifyIntervalMs: 60_000 },
    });
    const watch = node.client.watchPrefix('')[Symbol.asyncIterator]();
    const first = watch.next();
    await c.runtime.runFor(1);
    await put(c, node, 'gone', 'a', 1);
    await node.client.delete('gone');
    await c.runtime.runFor(58_000);
    await put(c, node, 'kept', 'a', 1);
    await c.runtime.runFor(5000);
    expect((await first).value).toMatchObject({ key: 'kept' });
    await watch.return?.();
  });

  test('is asked for by a peer with a time far ahead of ours, and still goes', async () => {
    const c = fresh();
    const node = await c.start({ config });
    const peer = await RawPeer.create(c);
    await put(c, node, 'k', 'a', 1);
    const value = new TextEncoder().encode('{}');
    await peer.pair(node, {
      key: 'k',
      codec: 'map',
      value,
      deleted: true,
      updateTimeMillis: Number.MAX_SAFE_INTEGER,
    });
    expect(node.kv.entry('k')?.deleted).toBe(true);
    await c.runtime.runFor(61_000);
    expect(node.kv.entry('k')).toBeUndefined();
  });
});
