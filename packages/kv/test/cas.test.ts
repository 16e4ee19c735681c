import { afterEach, describe, expect, test } from 'vitest';
import {
  type AnyMergeable,
  CasConflictError,
  CasMergeError,
  CasNoChangeError,
  type Codec,
  CodecMismatchError,
  CodecNotRegisteredError,
  InvalidKeyError,
  jsonLww,
  LwwMap,
  StoreFullError,
} from '../src/index.ts';
import { emptyMap, mapCodec, put, TestCluster } from './support/cluster.ts';

let cluster = new TestCluster();
const fresh = (): TestCluster => {
  cluster = new TestCluster();
  return cluster;
};
afterEach(() => cluster.close());

const other = jsonLww('other');
const codecs = [mapCodec, other];

describe('a CAS', () => {
  test('creates a key, changes it, and leaves tombstones that readers do not see', async () => {
    const c = fresh();
    const node = await c.start();
    await put(c, node, 'k', 'a', 1);
    await put(c, node, 'k', 'b', 2);
    await node.client.cas('k', (map) => map?.delete('a'));
    expect((await node.client.get('k'))?.entries()).toEqual([['b', 2]]);
    expect(node.kv.entry('k')).toMatchObject({ version: 3, codecId: 'map', deleted: false });
    expect(node.kv.entry('k')?.value.mergeContent()).toEqual(['a', 'b']);
    expect(node.metrics.value('memberlist_client_kv_store_value_tombstones', { key: 'k' })).toBe(1);
  });

  test('gets undefined for an absent key, and writes nothing when it returns undefined', async () => {
    const c = fresh();
    const node = await c.start();
    const seen: unknown[] = [];
    await node.client.cas('k', (map) => {
      seen.push(map);
      return undefined;
    });
    expect(seen).toEqual([undefined]);
    expect(await node.client.list('')).toEqual([]);
    const counts = ['attempt', 'success', 'failure'].map((name) =>
      node.metrics.value(`memberlist_client_cas_${name}_total`),
    );
    expect(counts).toEqual([1, 0, 0]);
  });

  test('ends with what its update throws, after one call', async () => {
    const c = fresh();
    const node = await c.start();
    const failure = new RangeError('mine');
    let calls = 0;
    await expect(
      node.client.cas('k', () => {
        calls += 1;
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(calls).toBe(1);
    expect(node.metrics.value('memberlist_client_cas_failure_total')).toBe(1);
  });

  test('that changes nothing is tried ten times, a second apart', async () => {
    const c = fresh();
    const node = await c.start();
    await put(c, node, 'k', 'a', 1);
    const startedAt = c.runtime.now;
    let calls = 0;
    const same = node.client.cas('k', (map) => {
      calls += 1;
      return map;
    });
    await expect(c.settle(same)).rejects.toBeInstanceOf(CasNoChangeError);
    expect(calls).toBe(10);
    expect(c.runtime.now - startedAt).toBe(9000);
    expect(node.metrics.value('memberlist_client_cas_failure_total')).toBe(1);
  });

  test('that changes nothing stops waiting when its signal fires', async () => {
    const c = fresh();
    const node = await c.start();
    await put(c, node, 'k', 'a', 1);
    const abort = new AbortController();
    let calls = 0;
    const same = node.client.cas(
      'k',
      (map) => {
        calls += 1;
        return map;
      },
      { signal: abort.signal },
    );
    const reason = new RangeError('late');
    c.runtime.timers.after(500, () => abort.abort(reason));
    await expect(c.settle(same)).rejects.toBe(reason);
    expect(calls).toBe(1);
  });

  test('that changes nothing at first succeeds when something changes meanwhile', async () => {
    const c = fresh();
    const node = await c.start();
    await put(c, node, 'k', 'a', 1);
    let calls = 0;
    const later = node.client.cas('k', (map) => {
      calls += 1;
      return calls === 1 ? map : map?.set('a', 2, c.runtime.clock.unixMs());
    });
    await c.settle(later);
    expect((await node.client.get('k'))?.get('a')).toBe(2);
  });

  test('defeated ten times by a faster writer ends as a conflict', async () => {
    const c = fresh();
    const node = await c.start();
    await put(c, node, 'k', 'a', 1);
    let calls = 0;
    const outer = node.client.cas('k', (map) => {
      calls += 1;
      void put(c, node, 'k', `inner ${calls}`, calls);
      return map?.set('outer', 1, c.runtime.clock.unixMs());
    });
    await expect(outer).rejects.toBeInstanceOf(CasConflictError);
    expect(calls).toBe(10);
    const map = await node.client.get('k');
    expect([map?.get('outer'), map?.get('inner 10')]).toEqual([undefined, 10]);
  });

  test('of ten writers at one time all succeed', async () => {
    const c = fresh();
    const node = await c.start();
    await Promise.all(Array.from({ length: 10 }, (_, i) => put(c, node, 'k', `name ${i}`, i)));
    expect((await node.client.get('k'))?.entries()).toHaveLength(10);
  });

  test('that merges nothing into a new key is tried again, as one that changes nothing', async () => {
    const c = fresh();
    const node = await c.start();
    const nothing = node.client.cas('k', () => emptyMap());
    await expect(c.settle(nothing)).rejects.toBeInstanceOf(CasNoChangeError);
    expect(await node.client.list('')).toEqual([]);
  });

  test('with a value of a foreign type stores nothing, into a new key and an old one', async () => {
    const c = fresh();
    const node = await c.start();
    const foreign = node.client.cas('new', () => {
      // @ts-expect-error: the types forbid it, plain JavaScript does not.
      const value: LwwMap<unknown> = { merge: 1 };
      return value;
    });
    await expect(foreign).rejects.toBeInstanceOf(CasMergeError);
    await put(c, node, 'old', 'a', 1);
    const again = node.client.cas('old', () => {
      // @ts-expect-error: as above.
      const value: LwwMap<unknown> = 'text';
      return value;
    });
    await expect(again).rejects.toMatchObject({ code: 'ML_KV_CAS_MERGE' });
    expect(await node.client.list('')).toEqual(['old']);
  });

  test('leaves what it was given and what it returned as they were, whatever is merged later', async () => {
    const c = fresh();
    const node = await c.start();
    const now = c.runtime.clock.unixMs();
    const first = emptyMap().set('a', 1, now);
    await node.client.cas('k', () => first);
    const given = await node.client.get('k');
    await put(c, node, 'k', 'b', 2);
    expect([first.entries(), given?.entries()]).toEqual([[['a', 1]], [['a', 1]]]);
  });

  test('of a key that holds another codec is refused, reading too', async () => {
    const c = fresh();
    const node = await c.start({ codecs });
    const client = node.kv.client(other);
    await put(c, node, 'k', 'a', 1);
    await expect(client.cas('k', () => new LwwMap())).rejects.toBeInstanceOf(CodecMismatchError);
    await expect(client.get('k')).rejects.toBeInstanceOf(CodecMismatchError);
  });

  test.each(['', '\udc00x', 'x'.repeat(4097)])('of a bad key is refused', async (key) => {
    const node = await fresh().start();
    await expect(node.client.cas(key, () => undefined)).rejects.toBeInstanceOf(InvalidKeyError);
  });

  test('of a new key in a full store is refused', async () => {
    const c = fresh();
    const node = await c.start({ more: { limits: { maxKeys: 1 } } });
    await put(c, node, 'one', 'a', 1);
    await expect(put(c, node, 'two', 'a', 1)).rejects.toBeInstanceOf(StoreFullError);
  });

  test('sends only what it changed', async () => {
    const c = fresh();
    const node = await c.start({ config: { messageHistoryBufferBytes: 10_000 } });
    await put(c, node, 'k', 'a', 1);
    await put(c, node, 'k', 'b', 2);
    const sent = node.kv.status().sentMessages;
    expect(sent.map(({ changes, version }) => [changes, version])).toEqual([
      [['a'], 1],
      [['b'], 2],
    ]);
    expect(
      node.kv
        .message(sent[1]?.id ?? 0)
        ?.decode()
        .mergeContent(),
    ).toEqual(['b']);
  });

  test('is shown as it was sent, whatever a codec takes from the value that is stored', async () => {
    const c = fresh();
    const sparing: Codec<AnyMergeable> = {
      ...mapCodec,
      decode: (bytes, known) => known ?? mapCodec.decode(bytes),
    };
    const config = { messageHistoryBufferBytes: 10_000 };
    const node = await c.start({ config, codecs: [sparing] });
    await put(c, node, 'k', 'a', 1);
    await put(c, node, 'k', 'b', 2);
    const [, second] = node.kv.status().sentMessages;
    const shown = node.kv.message(second?.id ?? 0)?.decode();
    expect(shown?.mergeContent()).toEqual(['b']);
  });
});

describe('a client', () => {
  test('cannot be had for a codec that the store does not know', async () => {
    const node = await fresh().start();
    expect(() => node.kv.client(other)).toThrow(CodecNotRegisteredError);
  });

  test('lists keys by prefix', async () => {
    const c = fresh();
    const node = await c.start();
    for (const key of ['a/1', 'a/2', 'b']) await put(c, node, key, 'x', 1);
    expect(await node.client.list('a/')).toEqual(['a/1', 'a/2']);
  });
});
