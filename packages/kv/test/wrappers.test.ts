import { memoryMetrics } from '@ml/metrics';
import { recordingLogger } from '@ml/runtime';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import {
  CasAbortedError,
  InMemoryStore,
  inMemoryKv,
  type KvClient,
  KvOptionsError,
  meteredKv,
  multiKv,
  stringCodec,
  withPrefix,
} from '../src/index.ts';

/** Lets every promise that can settle do so. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('a client with a prefix', () => {
  test('puts it before keys and takes it off again', async () => {
    const inner = inMemoryKv(stringCodec);
    const kv = withPrefix(inner, 'collectors/');
    const watch = kv.watchPrefix('r')[Symbol.asyncIterator]();
    const changed = watch.next();
    await kv.cas('ring', () => 'value');
    expect(await inner.list('')).toEqual(['collectors/ring']);
    expect([await kv.get('ring'), await kv.list('ri')]).toEqual(['value', ['ring']]);
    expect((await changed).value).toEqual({ key: 'ring', value: 'value' });
    expect((await kv.watchKey('ring')[Symbol.asyncIterator]().next()).value).toBe('value');
    await kv.delete('ring');
    expect(await inner.list('')).toEqual([]);
    await watch.return?.();
  });

  test('that is empty is the client itself', () => {
    const inner = inMemoryKv(stringCodec);
    expect(withPrefix(inner, '')).toBe(inner);
  });
});

describe('a metered client', () => {
  function setUp(client: KvClient<string> = inMemoryKv(stringCodec)) {
    const runtime = new VirtualRuntime({ seed: 1 });
    const metrics = memoryMetrics();
    const options = { metrics, clock: runtime.clock, type: 'inmemory', role: 'primary' } as const;
    const kv = meteredKv(client, options);
    const count = (operation: string, status_code = '200') =>
      metrics.value('kv_request_duration_seconds', {
        operation,
        status_code,
        type: 'inmemory',
        role: 'primary',
      }) ?? 0;
    return { runtime, metrics, kv, count };
  }

  test('times each operation under its name', async () => {
    const { kv, count } = setUp();
    await kv.cas('k', () => 'v');
    await kv.get('k');
    await kv.list('');
    await kv.delete('k');
    expect(['CAS', 'GET', 'List', 'Delete'].map((name) => count(name))).toEqual([1, 1, 1, 1]);
  });

  test('times a watch once, when it ends', async () => {
    const { kv, count } = setUp();
    const watch = kv.watchKey('k')[Symbol.asyncIterator]();
    await watch.next();
    expect(count('WatchKey')).toBe(0);
    await watch.return?.();
    expect(count('WatchKey')).toBe(1);
    const abort = new AbortController();
    const prefix = kv.watchPrefix('', { signal: abort.signal })[Symbol.asyncIterator]();
    const next = prefix.next();
    abort.abort(new RangeError('enough'));
    await expect(next).rejects.toThrow('enough');
    expect(count('WatchPrefix', '500')).toBe(1);
  });

  test('counts a failed CAS as 500, as its HTTP status, or as 200 when it was given up on purpose', async () => {
    const { kv, count } = setUp();
    const fail = (error: Error) =>
      kv.cas('k', () => {
        throw error;
      });
    await expect(fail(new RangeError('bad'))).rejects.toThrow('bad');
    await expect(fail(new CasAbortedError('enough'))).rejects.toThrow('enough');
    await expect(
      fail(Object.assign(new RangeError('busy'), { statusCode: 429 })),
    ).rejects.toThrow();
    expect([count('CAS', '500'), count('CAS', '200'), count('CAS', '429')]).toEqual([1, 1, 1]);
  });
});

describe('a multi client', () => {
  function setUp(options: { mirrorEnabled?: boolean; secondary?: KvClient<string> } = {}) {
    const log = recordingLogger();
    const runtime = new VirtualRuntime({ seed: 1, log });
    const metrics = memoryMetrics();
    const [first, second] = [new InMemoryStore(), new InMemoryStore()];
    const a = inMemoryKv(stringCodec, { store: first });
    const b = options.secondary ?? inMemoryKv(stringCodec, { store: second });
    const kv = multiKv({
      primary: { name: 'a', client: a },
      secondary: { name: 'b', client: b },
      mirrorEnabled: options.mirrorEnabled ?? false,
      runtime,
      metrics,
    });
    return { runtime, metrics, kv, a, b, log };
  }

  test('uses the primary for everything', async () => {
    const { kv, a, b } = setUp();
    await kv.cas('k', () => 'v');
    expect([await kv.get('k'), await kv.list('')]).toEqual(['v', ['k']]);
    expect([await a.get('k'), await b.get('k')]).toEqual(['v', undefined]);
    await kv.delete('k');
    expect(await a.get('k')).toBeUndefined();
  });

  test('repeats writes on the other store when told to, but no deletions and no empty updates', async () => {
    const { kv, b, metrics } = setUp({ mirrorEnabled: true });
    await kv.cas('k', () => 'v');
    await kv.cas('k', () => undefined);
    await kv.delete('k');
    expect(await b.get('k')).toBe('v');
    expect(metrics.value('multikv_mirror_writes_total')).toBe(1);
    expect(metrics.value('multikv_mirror_enabled')).toBe(1);
  });

  test('only counts and logs a repetition that fails or takes too long', async () => {
    const secondary: KvClient<string> = {
      ...inMemoryKv(stringCodec),
      cas: (_key, _update, { signal } = {}) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
    };
    const { kv, runtime, metrics, log } = setUp({ mirrorEnabled: true, secondary });
    let done = false;
    const write = kv
      .cas('k', () => 'v')
      .then(() => {
        done = true;
      });
    await runtime.runUntil(() => done, { limitMs: 3000 });
    await write;
    expect(runtime.now).toBe(2000);
    expect(metrics.value('multikv_mirror_write_errors_total')).toBe(1);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn']);
  });

  test('switches stores, and takes its watches along', async () => {
    const { kv, a, b, metrics } = setUp();
    await b.cas('k', () => 'in b');
    const seen: unknown[] = [];
    const abort = new AbortController();
    const watch = (async () => {
      for await (const value of kv.watchKey('k', { signal: abort.signal })) seen.push(value);
    })();
    await settle();
    kv.configure({ primary: 'b' });
    await settle();
    await a.cas('k', () => 'unseen');
    await b.cas('k', () => 'seen');
    await settle();
    expect(seen).toEqual([undefined, 'in b', 'seen']);
    expect(kv.primary).toBe('b');
    expect(metrics.series('multikv_primary_store')).toEqual([
      { labels: { store: 'a' }, value: 0 },
      { labels: { store: 'b' }, value: 1 },
    ]);
    abort.abort(new RangeError('enough'));
    await expect(watch).rejects.toThrow('enough');
  });

  test('keeps what a change does not name', () => {
    const { kv } = setUp({ mirrorEnabled: true });
    kv.configure({});
    expect([kv.primary, kv.mirrorEnabled]).toEqual(['a', true]);
    kv.configure({ mirrorEnabled: false });
    expect([kv.primary, kv.mirrorEnabled]).toEqual(['a', false]);
  });

  test('refuses a store that it does not have, and changes nothing', () => {
    const { kv } = setUp();
    expect(() => kv.configure({ primary: 'c', mirrorEnabled: true })).toThrow(KvOptionsError);
    expect(kv.mirrorEnabled).toBe(false);
  });

  test.each([
    ['', 'b'],
    ['a', 'multi'],
    ['a', 'a'],
  ])('cannot be made of stores called %j and %j', (primary, secondary) => {
    const client = inMemoryKv(stringCodec);
    expect(() =>
      multiKv({
        primary: { name: primary, client },
        secondary: { name: secondary, client },
        runtime: new VirtualRuntime({ seed: 1 }),
      }),
    ).toThrow(KvOptionsError);
  });
});
