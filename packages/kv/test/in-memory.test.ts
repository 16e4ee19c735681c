import { describe, expect, test } from 'vitest';
import { stringCodec } from '../src/codecs/string.ts';
import {
  CasConflictError,
  type Codec,
  InMemoryStore,
  InvalidKeyError,
  inMemoryKv,
} from '../src/index.ts';

async function take<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of source) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

/** Lets every promise that can settle do so. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('an in-memory client', () => {
  test('gives undefined for a key that was never written', async () => {
    expect(await inMemoryKv(stringCodec).get('k')).toBeUndefined();
  });

  test('gives back what a CAS wrote, and the next CAS sees it', async () => {
    const kv = inMemoryKv(stringCodec);
    await kv.cas('k', (now) => `${now ?? 'nothing'}+1`);
    await kv.cas('k', (now) => `${now ?? 'nothing'}+1`);
    expect(await kv.get('k')).toBe('nothing+1+1');
  });

  test('writes nothing when the update returns undefined', async () => {
    const kv = inMemoryKv(stringCodec);
    await kv.cas('k', () => undefined);
    expect(await kv.list('')).toEqual([]);
  });

  test('passes on what the update throws, and leaves the key as it was', async () => {
    const kv = inMemoryKv(stringCodec);
    const failure = new RangeError('no');
    await expect(
      kv.cas('k', () => {
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(await kv.get('k')).toBeUndefined();
  });

  test('gives up after ten attempts when a faster writer defeats each', async () => {
    const kv = inMemoryKv(stringCodec);
    let calls = 0;
    const outer = kv.cas('k', () => {
      calls += 1;
      void kv.cas('k', () => `inner ${calls}`);
      return 'outer';
    });
    await expect(outer).rejects.toBeInstanceOf(CasConflictError);
    expect(calls).toBe(10);
    expect(await kv.get('k')).toBe('inner 10');
  });

  test('refuses the empty key and half a surrogate pair', async () => {
    const kv = inMemoryKv(stringCodec);
    await expect(kv.cas('', () => 'x')).rejects.toBeInstanceOf(InvalidKeyError);
    await expect(kv.cas('\ud800', () => 'x')).rejects.toBeInstanceOf(InvalidKeyError);
  });

  test('lists keys by prefix', async () => {
    const kv = inMemoryKv(stringCodec);
    for (const key of ['a/1', 'a/2', 'b/1']) await kv.cas(key, () => 'x');
    expect(new Set(await kv.list('a/'))).toEqual(new Set(['a/1', 'a/2']));
  });

  test('shares its data with clients of other codecs over the same store', async () => {
    const upper: Codec<string> = {
      id: 'upper',
      encode: stringCodec.encode,
      decode: (bytes) => stringCodec.decode(bytes).toUpperCase(),
    };
    const store = new InMemoryStore();
    await inMemoryKv(stringCodec, { store }).cas('k', () => 'text');
    expect(await inMemoryKv(upper, { store }).get('k')).toBe('TEXT');
  });

  test('watches a key from the value it has now to the newest, skipping what came between', async () => {
    const kv = inMemoryKv(stringCodec);
    await kv.cas('k', () => 'first');
    const seen: (string | undefined)[] = [];
    for await (const value of kv.watchKey('k')) {
      seen.push(value);
      if (value === 'first') {
        await kv.cas('k', () => 'skipped');
        await kv.cas('k', () => 'newest');
      } else if (value === 'newest') {
        await kv.delete('k');
      } else break;
    }
    expect(seen).toEqual(['first', 'newest', undefined]);
  });

  test('ends a watch with the reason of its signal', async () => {
    const kv = inMemoryKv(stringCodec);
    const abort = new AbortController();
    const watch = take(kv.watchKey('k', { signal: abort.signal }), 2);
    await settle();
    const reason = new RangeError('enough');
    abort.abort(reason);
    await expect(watch).rejects.toBe(reason);
  });

  test('watches a prefix, and drops what its reader leaves lying beyond the buffer', async () => {
    const kv = inMemoryKv(stringCodec, { watchPrefixBufferSize: 2 });
    const watch = kv.watchPrefix('a/')[Symbol.asyncIterator]();
    const first = watch.next();
    await kv.cas('b/1', () => 'other');
    await kv.cas('a/1', () => 'one');
    expect((await first).value).toEqual({ key: 'a/1', value: 'one' });
    for (const key of ['a/2', 'a/3', 'a/4']) await kv.cas(key, () => key);
    expect((await watch.next()).value).toEqual({ key: 'a/2', value: 'a/2' });
    expect((await watch.next()).value).toEqual({ key: 'a/3', value: 'a/3' });
    const last = watch.next();
    await kv.cas('a/5', () => 'later');
    expect((await last).value).toEqual({ key: 'a/5', value: 'later' });
    await watch.return?.();
  });
});
