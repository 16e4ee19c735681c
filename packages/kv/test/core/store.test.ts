import { describe, expect, test } from 'vitest';
import { KvStore, type MergeResult, type StoreUpdate } from '../../src/core/store.ts';
import { type LwwItem, LwwMap } from '../../src/index.ts';

const NOW = 1_700_000_000_000;
const TIMEOUT_MS = 300_000;
const KEY = 'key';

function map(items: Readonly<Record<string, number | { readonly left: number }>>): LwwMap<string> {
  return new LwwMap(
    new Map(
      Object.entries(items).map(([name, at]): [string, LwwItem<string>] => [
        name,
        typeof at === 'number'
          ? { type: 'value', value: 'v', updatedUnixMs: at }
          : { type: 'tombstone', updatedUnixMs: at.left },
      ]),
    ),
  );
}

function makeStore(tombstoneTimeoutMs = TIMEOUT_MS, maxKeys = 100) {
  const counted: (readonly [string, number, number])[] = [];
  const store = new KvStore({
    tombstoneTimeoutMs,
    maxKeys,
    tombstones: { counted: (...line) => counted.push(line) },
  });
  return { store, counted };
}

interface Write {
  readonly value: LwwMap<string>;
  readonly deleted?: boolean;
  readonly updateUnixMs?: number;
  readonly casVersion?: number;
  readonly codecId?: string;
  readonly key?: string;
}

function write(store: KvStore, w: Write, now = NOW): MergeResult {
  return store.merge(
    {
      key: w.key ?? KEY,
      value: w.value,
      codecId: w.codecId ?? 'map',
      deleted: w.deleted ?? false,
      updateUnixMs: w.updateUnixMs,
    },
    w.casVersion ?? 0,
    now,
  );
}

function changed(result: MergeResult): StoreUpdate {
  if (result.type !== 'changed') throw new RangeError(`the write was ${result.type}`);
  return result.update;
}

describe('the store', () => {
  test('takes the first value of a key as it is, as version 1', () => {
    const { store } = makeStore();
    const value = map({ a: NOW });
    const update = changed(write(store, { value }));
    expect(update.change).toBe(value);
    expect(store.get(KEY)).toEqual({
      value,
      version: 1,
      codecId: 'map',
      deleted: false,
      updateUnixMs: undefined,
    });
  });

  test('merges a later value, counts a version, and reports only what is new', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    const update = changed(write(store, { value: map({ a: NOW, b: NOW }) }));
    expect(update.content).toEqual(['b']);
    expect(update.entry.version).toBe(2);
  });

  test('reports no change for a value it has', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    const before = store.get(KEY);
    expect(write(store, { value: map({ a: NOW }) })).toEqual({ type: 'unchanged' });
    expect(store.get(KEY)).toBe(before);
  });

  test('does not store an empty value under a new key', () => {
    const { store } = makeStore();
    expect(write(store, { value: map({}) }).type).toBe('unchanged');
    expect(store.size).toBe(0);
  });

  test('turns what a local writer leaves out into a tombstone, which readers do not see', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW, b: NOW }) });
    const update = changed(write(store, { value: map({ a: NOW }), casVersion: 1 }, NOW + 5));
    expect(update.content).toEqual(['b']);
    expect(store.get(KEY)?.value.mergeContent()).toEqual(['a', 'b']);
    expect(store.visible(KEY)?.mergeContent()).toEqual(['a']);
  });

  test('keeps what a peer leaves out', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW, b: NOW }) });
    write(store, { value: map({ a: NOW + 1 }) });
    expect(store.visible(KEY)?.mergeContent()).toEqual(['a', 'b']);
  });

  test('refuses a local write that was made from another version', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    write(store, { value: map({ b: NOW }) });
    expect(write(store, { value: map({ c: NOW }), casVersion: 1 }).type).toBe('conflict');
    expect(write(store, { key: 'gone', value: map({ c: NOW }), casVersion: 1 }).type).toBe(
      'conflict',
    );
  });

  test('refuses a value of another codec than the stored one', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    expect(write(store, { value: map({ b: NOW }), codecId: 'other' })).toEqual({
      type: 'codecMismatch',
      storedCodecId: 'map',
    });
  });

  test('refuses new keys beyond its limit but goes on with those it has', () => {
    const { store } = makeStore(TIMEOUT_MS, 2);
    write(store, { key: 'one', value: map({ a: NOW }) });
    write(store, { key: 'two', value: map({ a: NOW }) });
    expect(write(store, { key: 'three', value: map({ a: NOW }) }).type).toBe('full');
    expect(write(store, { key: 'one', value: map({ b: NOW }) }).type).toBe('changed');
    expect(store.keys('')).toEqual(['one', 'two']);
  });

  test('gives readers the same object until the entry changes', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW, b: { left: NOW } }) });
    const first = store.visible(KEY);
    expect(store.visible(KEY)).toBe(first);
    write(store, { value: map({ c: NOW }) });
    expect(store.visible(KEY)).not.toBe(first);
  });
});

describe('tombstones in the store', () => {
  test('an old tombstone makes no key', () => {
    const { store } = makeStore();
    expect(write(store, { value: map({ a: { left: NOW - TIMEOUT_MS - 1 } }) }).type).toBe(
      'unchanged',
    );
    expect(store.size).toBe(0);
  });

  test('a recent tombstone makes a key and is passed on', () => {
    const { store } = makeStore();
    expect(changed(write(store, { value: map({ a: { left: NOW - 1 } }) })).content).toEqual(['a']);
  });

  test('a tombstone older than the one we have changes nothing, a fresher one is passed on', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: { left: NOW - 10 } }) });
    expect(write(store, { value: map({ a: { left: NOW - 20 } }) }).type).toBe('unchanged');
    expect(changed(write(store, { value: map({ a: { left: NOW - 5 } }) })).content).toEqual(['a']);
  });

  test('an old tombstone is cut from a change that also holds something new', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    const value = map({ b: NOW, c: { left: NOW - TIMEOUT_MS - 1 } });
    expect(changed(write(store, { value })).content).toEqual(['b']);
    expect(store.get(KEY)?.value.mergeContent()).toEqual(['a', 'b']);
  });

  test('a change of nothing but old tombstones is neither passed on nor kept', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    const value = map({ b: { left: NOW - TIMEOUT_MS - 1 } });
    expect(write(store, { value }).type).toBe('unchanged');
    expect(store.get(KEY)?.version).toBe(1);
    expect(store.get(KEY)?.value.mergeContent()).toEqual(['a']);
  });

  test('tombstones that have become old go with the next change, and are counted', () => {
    const { store, counted } = makeStore();
    write(store, { value: map({ a: NOW, b: { left: NOW } }) });
    write(store, { value: map({ a: NOW + 1 }) }, NOW + TIMEOUT_MS + 1);
    expect(counted).toEqual([
      [KEY, 1, 0],
      [KEY, 0, 1],
    ]);
    expect(store.get(KEY)?.value.mergeContent()).toEqual(['a']);
  });

  test('live for ever when no timeout is set', () => {
    const { store, counted } = makeStore(0);
    expect(changed(write(store, { value: map({ a: { left: 1 } }) })).content).toEqual(['a']);
    expect(counted).toEqual([]);
  });
});

describe('deletion', () => {
  test('of an absent key does nothing', () => {
    const { store } = makeStore();
    expect(store.delete(KEY, NOW)).toBeUndefined();
    const deleted = { value: map({ a: NOW }), deleted: true, updateUnixMs: NOW };
    expect(write(store, deleted).type).toBe('unchanged');
    expect(store.size).toBe(0);
  });

  test('keeps the value readable, sends it whole, and is done once', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    const update = store.delete(KEY, NOW + 1);
    expect(update?.content).toEqual(['a']);
    expect(update?.entry).toMatchObject({ version: 2, deleted: true, updateUnixMs: NOW + 1 });
    expect(store.visible(KEY)?.mergeContent()).toEqual(['a']);
    expect(store.delete(KEY, NOW + 2)).toBeUndefined();
  });

  test('by a peer counts even when its value holds nothing new', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    const update = changed(
      write(store, { value: map({ a: NOW }), deleted: true, updateUnixMs: NOW }),
    );
    expect(update.entry.deleted).toBe(true);
    expect(update.content).toEqual(['a']);
  });

  test('by a peer counts even when its value holds only old tombstones that we do not have', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    const value = map({ a: NOW, b: { left: NOW - TIMEOUT_MS - 1 } });
    expect(changed(write(store, { value, deleted: true, updateUnixMs: NOW })).entry.deleted).toBe(
      true,
    );
  });

  test('keeps the first accepted time, and no write takes the mark away', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    store.delete(KEY, NOW);
    const again = { value: map({ a: NOW }), deleted: true, updateUnixMs: NOW + 50 };
    expect(write(store, again).type).toBe('unchanged');
    const update = changed(write(store, { value: map({ b: NOW }) }));
    expect(update.entry).toMatchObject({ deleted: true, updateUnixMs: NOW });
  });

  test('without a time is no deletion, but its content is merged', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    const update = changed(write(store, { value: map({ b: NOW }), deleted: true }));
    expect(update.entry.deleted).toBe(false);
    expect(update.content).toEqual(['b']);
    expect(write(store, { value: map({ a: NOW }), deleted: true, updateUnixMs: 0 }).type).toBe(
      'unchanged',
    );
  });

  test('with a negative time counts', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    write(store, { value: map({ a: NOW }), deleted: true, updateUnixMs: -5 });
    expect(store.get(KEY)).toMatchObject({ deleted: true, updateUnixMs: -5 });
  });

  test('is purged once it is older than the timeout, not before', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    store.delete(KEY, NOW);
    expect(store.purge(NOW + 30_000, 30_000)).toEqual([]);
    expect(store.purge(NOW + 30_001, 30_000)).toEqual([KEY]);
    expect(store.get(KEY)).toBeUndefined();
  });

  test('with a time far in the future is purged by the time it was accepted', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    write(store, { value: map({ a: NOW }), deleted: true, updateUnixMs: NOW + 1e12 });
    expect(store.purge(NOW + 30_001, 30_000)).toEqual([KEY]);
  });

  test('once purged is undone by a stale value of a peer but not by its deletion', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: NOW }) });
    store.delete(KEY, NOW);
    store.purge(NOW + 30_001, 30_000);
    const deleted = { value: map({ a: NOW }), deleted: true, updateUnixMs: NOW };
    expect(write(store, deleted).type).toBe('unchanged');
    expect(changed(write(store, { value: map({ a: NOW }) })).entry.version).toBe(1);
  });

  test('leaves keys that are not deleted to live for ever', () => {
    const { store } = makeStore();
    write(store, { value: map({ a: 1 }) });
    expect(store.purge(NOW * 2, 1)).toEqual([]);
  });
});
