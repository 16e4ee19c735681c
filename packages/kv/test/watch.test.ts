import { afterEach, describe, expect, test } from 'vitest';
import { jsonLww, type LwwMap } from '../src/index.ts';
import { emptyMap, mapCodec, put, TestCluster, type TestNode } from './support/cluster.ts';

let cluster = new TestCluster();
const fresh = (): TestCluster => {
  cluster = new TestCluster();
  return cluster;
};
afterEach(() => cluster.close());

/** What a watch has yielded so far: the values under `name`. */
function record(
  source: AsyncIterable<LwwMap<unknown> | undefined>,
  name: string,
): { readonly seen: unknown[]; readonly done: Promise<void> } {
  const seen: unknown[] = [];
  const done = (async () => {
    for await (const value of source) seen.push(value?.get(name));
  })();
  return { seen, done };
}

async function write(c: TestCluster, node: TestNode, value: number): Promise<void> {
  await put(c, node, 'k', 'a', value);
}

describe('a watch of a key', () => {
  test('begins with the value now and goes on with each change', async () => {
    const c = fresh();
    const node = await c.start();
    const { seen, done } = record(node.client.watchKey('k'), 'a');
    await c.runtime.runFor(1);
    for (const value of [1, 2]) {
      await write(c, node, value);
      await c.runtime.runFor(1);
    }
    expect(seen).toEqual([undefined, 1, 2]);
    await node.kv.close();
    await done;
  });

  test('gives a slow reader the newest value only', async () => {
    const c = fresh();
    const node = await c.start();
    const watch = node.client.watchKey('k')[Symbol.asyncIterator]();
    await watch.next();
    for (const value of [1, 2, 3]) await write(c, node, value);
    expect((await watch.next()).value?.get('a')).toBe(3);
    await watch.return?.();
  });

  test('gives the same object again when nothing of it changed', async () => {
    const c = fresh();
    const node = await c.start();
    await write(c, node, 1);
    expect(await node.client.get('k')).toBe(await node.client.get('k'));
  });

  test('is told once of all changes within a notify interval, and of none without any', async () => {
    const c = fresh();
    const node = await c.start({ config: { notifyIntervalMs: 1000 } });
    const { seen } = record(node.client.watchKey('k'), 'a');
    await c.runtime.runFor(10);
    for (const value of [1, 2, 3]) await write(c, node, value);
    await c.runtime.runFor(989);
    expect(seen).toEqual([undefined]);
    await c.runtime.runFor(3000);
    expect(seen).toEqual([undefined, 3]);
    await write(c, node, 4);
    await c.runtime.runFor(1000);
    expect(seen).toEqual([undefined, 3, 4]);
    expect(node.metrics.value('memberlist_client_pending_key_notifications')).toBe(1);
  });

  test('of one key does not hear of another', async () => {
    const c = fresh();
    const node = await c.start();
    const { seen } = record(node.client.watchKey('k'), 'a');
    await c.runtime.runFor(1);
    await put(c, node, 'other', 'a', 1);
    await c.runtime.runFor(1);
    expect(seen).toEqual([undefined]);
  });

  test.each([0, 100])(
    'works while the startup join still goes on (notify interval %i)',
    async (notifyIntervalMs) => {
      const c = fresh();
      c.setSeeds();
      const node = await c.start({
        config: { joinMembers: ['dns+seeds:7946'], maxJoinRetries: 0, notifyIntervalMs },
      });
      const { seen } = record(node.client.watchKey('k'), 'a');
      await c.runtime.runFor(1);
      await write(c, node, 1);
      await c.runtime.runFor(100);
      expect(seen).toEqual([undefined, 1]);
      expect(node.kv.state.type).toBe('running');
    },
  );

  test('ends when the store closes, and with the reason of its signal before', async () => {
    const c = fresh();
    const node = await c.start();
    const abort = new AbortController();
    const ends = record(node.client.watchKey('k'), 'a');
    const aborts = record(node.client.watchKey('k', { signal: abort.signal }), 'a');
    await c.runtime.runFor(1);
    const reason = new RangeError('enough');
    abort.abort(reason);
    await expect(aborts.done).rejects.toBe(reason);
    await node.kv.close();
    await ends.done;
    expect(ends.seen).toEqual([undefined]);
  });
});

describe('a watch of a prefix', () => {
  test('sees each change, also of one key twice', async () => {
    const c = fresh();
    const node = await c.start();
    const told: unknown[] = [];
    void (async () => {
      for await (const { key, value } of node.client.watchPrefix('a/')) {
        told.push([key, value?.get('x')]);
      }
    })();
    await c.runtime.runFor(1);
    await put(c, node, 'a/1', 'x', 1);
    await put(c, node, 'b', 'x', 2);
    await put(c, node, 'a/2', 'x', 3);
    await c.runtime.runFor(1);
    await put(c, node, 'a/1', 'x', 4);
    await c.runtime.runFor(1);
    expect(told).toEqual([
      ['a/1', 1],
      ['a/2', 3],
      ['a/1', 4],
    ]);
  });

  test('drops and counts what its reader leaves lying beyond the buffer', async () => {
    const c = fresh();
    const node = await c.start({ config: { watchPrefixBufferSize: 2 } });
    const watch = node.client.watchPrefix('a/')[Symbol.asyncIterator]();
    const first = watch.next();
    await c.runtime.runFor(1);
    await put(c, node, 'a/0', 'x', 0);
    await first;
    for (const i of [1, 2, 3, 4]) await put(c, node, `a/${i}`, 'x', i);
    const dropped = 'memberlist_client_watch_prefix_dropped_notifications';
    expect(node.metrics.value(dropped, { prefix: 'a/' })).toBe(2);
    expect((await watch.next()).value?.key).toBe('a/1');
    await watch.return?.();
  });

  test('passes over keys of other codecs', async () => {
    const c = fresh();
    const other = jsonLww('other');
    const node = await c.start({ codecs: [mapCodec, other] });
    const watch = node.client.watchPrefix('')[Symbol.asyncIterator]();
    const first = watch.next();
    await c.runtime.runFor(1);
    await node.kv.client(other).cas('a', () => emptyMap().set('x', 1, 1e12));
    await put(c, node, 'b', 'x', 1);
    expect((await first).value?.key).toBe('b');
    await watch.return?.();
  });
});
