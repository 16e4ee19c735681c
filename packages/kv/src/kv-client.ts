import { type Runtime, sleep, throwIfAborted } from '@ml/runtime';
import type { KvClient } from './client.ts';
import type { Codec } from './codec.ts';
import { CasConflictError, CasNoChangeError } from './errors.ts';
import { checkKey } from './key.ts';
import type { Mergeable } from './mergeable.ts';
import type { KvMetrics } from './metrics.ts';
import type { CasOutcome, CasUpdate, Replica, ValueSink } from './replica.ts';
import { latestOnly, WatchQueue } from './watch.ts';

/** How a client sees the life of its store. */
export interface StoreLife {
  /**
   * Resolves when operations may run; `undefined` when they may at once, so that a CAS on a running store is done
   * within the call. Rejects with a {@link KvClosedError} when the store is closed.
   */
  ready(signal: AbortSignal | undefined): Promise<void> | undefined;
  /** Fires when the store closes. */
  readonly closed: AbortSignal;
}

export interface ClientOptions<T> {
  readonly codec: Codec<T>;
  readonly replica: Replica;
  readonly runtime: Runtime;
  readonly metrics: KvMetrics;
  readonly life: StoreLife;
  readonly casAttempts: number;
  readonly casNoChangeWaitMs: number;
  readonly watchPrefixBufferSize: number;
}

/** A client of a gossiped store. Reads and writes are local and done within the call; peers learn of them by gossip. */
export function replicaClient<T extends Mergeable<T>>(options: ClientOptions<T>): KvClient<T> {
  const { replica, codec, metrics, life } = options;
  replica.requireCodec(codec.id);

  const read = (key: string): T | undefined => {
    let value: T | undefined;
    const sink: ValueSink<T> = {
      accept: (stored) => {
        value = stored;
      },
    };
    replica.read(key, codec.id, sink);
    return value;
  };

  return {
    get: async (key) => {
      await life.ready(undefined);
      return read(key);
    },
    list: async (prefix) => {
      await life.ready(undefined);
      return replica.store.keys(prefix);
    },
    delete: async (key) => {
      await life.ready(undefined);
      replica.delete(key);
    },
    cas: async (key, update, { signal } = {}) => {
      checkKey(key);
      const waiting = life.ready(signal);
      if (waiting !== undefined) await waiting;
      await new Cas(options, key, { next: update }).run(signal);
    },
    async *watchKey(key, { signal } = {}) {
      await life.ready(signal);
      const queue = latestOnly();
      using _ = replica.watchers.addKey(key, queue);
      throwIfAborted(signal, 'watching a key');
      do {
        yield read(key);
      } while ((await queue.next({ closed: life.closed, signal })) !== undefined);
    },
    async *watchPrefix(prefix, { signal } = {}) {
      await life.ready(signal);
      const dropped = metrics.watchPrefixDropped.labels({ prefix });
      const queue = new WatchQueue({
        capacity: options.watchPrefixBufferSize,
        dropped: () => dropped.inc(),
      });
      using _ = replica.watchers.addPrefix(prefix, queue);
      for (;;) {
        const key = await queue.next({ closed: life.closed, signal });
        if (key === undefined) return;
        // The key may be gone by now, or hold a value of another codec.
        if (replica.store.get(key)?.codecId === codec.id) yield { key, value: read(key) };
      }
    },
  };
}

/** One `cas` call with its retries. */
class Cas<T extends Mergeable<T>> {
  readonly #options: ClientOptions<T>;
  readonly #key: string;
  readonly #update: CasUpdate<T>;

  constructor(options: ClientOptions<T>, key: string, update: CasUpdate<T>) {
    this.#options = options;
    this.#key = key;
    this.#update = update;
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const { casAttempts, casNoChangeWaitMs, metrics, runtime } = this.#options;
    let last: CasOutcome | undefined;
    try {
      for (let attempt = 0; attempt < casAttempts; attempt += 1) {
        if (last === 'unchanged') await sleep(runtime, casNoChangeWaitMs, { signal }); // K-32
        throwIfAborted(signal, 'a CAS');
        last = this.#attempt();
        if (last === 'stored' || last === 'skipped') return;
      }
    } catch (error) {
      metrics.casFailures.inc();
      throw error;
    }
    metrics.casFailures.inc();
    throw last === 'unchanged'
      ? new CasNoChangeError(this.#key, casAttempts)
      : new CasConflictError(this.#key, casAttempts);
  }

  #attempt(): CasOutcome {
    const { metrics, replica, codec } = this.#options;
    metrics.casAttempts.inc();
    const outcome = replica.cas(this.#key, codec.id, this.#update);
    if (outcome === 'stored') metrics.casSuccesses.inc();
    return outcome;
  }
}
