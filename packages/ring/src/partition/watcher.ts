import type { KvClient } from '@ml/kv';
import type { Registerer } from '@ml/metrics';
import { Latest, MlError, onAbort, type Runtime, sleep } from '@ml/runtime';
import { RingOptionsError } from '../errors.ts';
import { PartitionRingDesc } from './desc.ts';
import { registerPartitionRingMetrics } from './metrics.ts';
import { PartitionRing } from './partition-ring.ts';

/** Time before a watch that ended or failed is set up again, in milliseconds. */
const REWATCH_MS = 1000;

export interface PartitionRingWatcherOptions {
  /** Names the ring in logs and in the `name` label of its metrics. */
  readonly name: string;
  /** The whole key in the KV store, `collectors/ingester-partitions` for example. */
  readonly key: string;
  readonly client: KvClient<PartitionRingDesc>;
  readonly runtime: Runtime;
  readonly metrics?: Registerer | undefined;
  /** Gives up waiting for the first value. */
  readonly signal?: AbortSignal;
}

/** A partition ring that follows its key in the KV store. Safe to read at any time, also after it was closed. */
export interface PartitionRingWatcher extends AsyncDisposable {
  readonly name: string;
  readonly key: string;
  /** The ring now. */
  readonly ring: PartitionRing;
  /** The ring now, then after each change: a slow reader skips to the newest. Ends when the watcher is closed. */
  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<PartitionRing>;
  /** Stops following the key. */
  close(): Promise<void>;
}

/**
 * Follows the key and resolves with the first value in place, which may be no value: an empty ring. As
 * `PartitionRingWatcher` in dskit, but the watch is set up before the value is read, so no change is missed.
 * @throws {RingOptionsError} when the key is empty
 */
export async function createPartitionRingWatcher(
  options: PartitionRingWatcherOptions,
): Promise<PartitionRingWatcher> {
  if (options.key === '') {
    throw new RingOptionsError(`partition ring ${JSON.stringify(options.name)}: the key is empty`);
  }
  const watcher = new Watcher(options);
  await watcher.start(options.signal);
  return watcher;
}

class Watcher implements PartitionRingWatcher {
  readonly name: string;
  readonly key: string;
  readonly #options: PartitionRingWatcherOptions;
  readonly #changes = new Latest<PartitionRing>();
  readonly #stop = new AbortController();
  #ring: PartitionRing = PartitionRing.of(PartitionRingDesc.empty);
  #following: Promise<void> = Promise.resolve();

  constructor(options: PartitionRingWatcherOptions) {
    this.#options = options;
    this.name = options.name;
    this.key = options.key;
    registerPartitionRingMetrics({
      name: options.name,
      registerer: options.metrics,
      ring: () => this.#ring,
      signal: this.#stop.signal,
    });
  }

  get ring(): PartitionRing {
    return this.#ring;
  }

  changes(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<PartitionRing> {
    return this.#changes.values(options);
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    using _link = onAbort(signal, () => this.#stop.abort(signal?.reason));
    const values = this.#watch();
    try {
      const first = await values.next();
      this.#apply(first.done === true ? undefined : first.value);
    } catch (error) {
      this.#stop.abort(error);
      throw error;
    }
    this.#following = this.#follow(values);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#following;
    this.#changes.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #watch(): AsyncIterator<PartitionRingDesc | undefined> {
    const { signal } = this.#stop;
    return this.#options.client.watchKey(this.key, { signal })[Symbol.asyncIterator]();
  }

  /** Applies every value until the watcher is closed; a watch that breaks is set up again. */
  async #follow(first: AsyncIterator<PartitionRingDesc | undefined>): Promise<void> {
    const { runtime } = this.#options;
    const { signal } = this.#stop;
    let values = first;
    while (!signal.aborted) {
      try {
        for (let next = await values.next(); next.done !== true; next = await values.next()) {
          this.#apply(next.value);
        }
      } catch (error) {
        if (signal.aborted || MlError.is(error, 'ML_KV_CLOSED')) return;
        runtime.log.error(
          { ring: this.name, key: this.key, err: error },
          'watching the partition ring failed',
        );
      }
      if (!(await this.#pause())) return;
      values = this.#watch();
    }
  }

  /** Whether the watcher still runs after a pause. */
  async #pause(): Promise<boolean> {
    const { signal } = this.#stop;
    try {
      await sleep(this.#options.runtime, REWATCH_MS, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return !signal.aborted;
  }

  #apply(value: PartitionRingDesc | undefined): void {
    this.#ring = PartitionRing.of(value ?? PartitionRingDesc.empty);
    this.#changes.set(this.#ring);
  }
}
