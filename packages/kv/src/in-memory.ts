import { throwIfAborted } from '@ml/runtime';
import type { KvClient } from './client.ts';
import type { Codec } from './codec.ts';
import { type Watcher, Watchers } from './core/watchers.ts';
import { CasConflictError } from './errors.ts';
import { checkKey } from './key.ts';
import { latestOnly, WatchQueue } from './watch.ts';

const CAS_ATTEMPTS = 10;
const DEFAULT_WATCH_PREFIX_BUFFER_SIZE = 128;

/** Bytes under one key, with a counter that grows by one with each write of the store. */
interface Cell {
  readonly bytes: Uint8Array;
  readonly index: number;
}

/**
 * Encoded values by key, in this process only: for tests and single nodes. Clients made over one store see each
 * other's writes, also through different codecs.
 */
export class InMemoryStore {
  readonly #cells = new Map<string, Cell>();
  readonly #watchers = new Watchers({ debounced: false });
  #lastIndex = 0;

  get(key: string): Cell | undefined {
    return this.#cells.get(key);
  }

  keys(prefix: string): readonly string[] {
    return [...this.#cells.keys()].filter((key) => key.startsWith(prefix));
  }

  set(key: string, bytes: Uint8Array): void {
    this.#lastIndex += 1;
    this.#cells.set(key, { bytes, index: this.#lastIndex });
    this.#watchers.changed(key);
  }

  delete(key: string): void {
    if (this.#cells.delete(key)) this.#watchers.changed(key);
  }

  watchKey(key: string, watcher: Watcher): Disposable {
    return this.#watchers.addKey(key, watcher);
  }

  watchPrefix(prefix: string, watcher: Watcher): Disposable {
    return this.#watchers.addPrefix(prefix, watcher);
  }
}

export interface InMemoryKvOptions {
  /** Shared by clients that should see each other's writes. Default: a new, empty one. */
  readonly store?: InMemoryStore;
  /** Changes that one `watchPrefix` holds for its reader; more are dropped. Default 128. */
  readonly watchPrefixBufferSize?: number;
}

/**
 * A client over values in memory. Unlike a gossiped store it replaces values instead of merging them, and a
 * deleted key is gone at once: watchers get `undefined`. As the `inmemory` store in dskit. // K-52
 */
export function inMemoryKv<T>(codec: Codec<T>, options: InMemoryKvOptions = {}): KvClient<T> {
  const store = options.store ?? new InMemoryStore();
  const capacity = options.watchPrefixBufferSize ?? DEFAULT_WATCH_PREFIX_BUFFER_SIZE;
  const decoded = new Map<string, { readonly index: number; readonly value: T }>();

  const read = (key: string): T | undefined => {
    const cell = store.get(key);
    if (cell === undefined) {
      decoded.delete(key);
      return undefined;
    }
    const known = decoded.get(key);
    if (known?.index === cell.index) return known.value;
    const value = codec.decode(cell.bytes);
    decoded.set(key, { index: cell.index, value });
    return value;
  };

  return {
    get: async (key) => read(key),
    list: async (prefix) => store.keys(prefix),
    delete: async (key) => store.delete(key),

    cas: async (key, update, { signal } = {}) => {
      checkKey(key);
      for (let attempt = 0; attempt < CAS_ATTEMPTS; attempt += 1) {
        throwIfAborted(signal, 'a CAS');
        const before = store.get(key)?.index;
        const next = update(read(key));
        if (next === undefined) return;
        if (store.get(key)?.index !== before) continue;
        store.set(key, codec.encode(next));
        return;
      }
      throw new CasConflictError(key, CAS_ATTEMPTS);
    },

    async *watchKey(key, { signal } = {}) {
      const queue = latestOnly();
      using _ = store.watchKey(key, queue);
      throwIfAborted(signal, 'a watch');
      do {
        yield read(key);
      } while ((await queue.next({ signal })) !== undefined);
    },

    async *watchPrefix(prefix, { signal } = {}) {
      const queue = new WatchQueue({ capacity, dropped: () => {} });
      using _ = store.watchPrefix(prefix, queue);
      for (;;) {
        const key = await queue.next({ signal });
        if (key === undefined) return;
        yield { key, value: read(key) };
      }
    },
  };
}
