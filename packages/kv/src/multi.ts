import type { Gauge, Registerer } from '@ml/metrics';
import { noMetrics } from '@ml/metrics';
import { type Runtime, throwIfAborted, withTimeout } from '@ml/runtime';
import type { KvClient } from './client.ts';
import { KvOptionsError } from './errors.ts';

/** One of the two stores of a {@link MultiKv}. */
export interface MultiKvStore<T> {
  /** What kind of store it is (`memberlist`, `inmemory`); names it in metrics and in {@link MultiKv.configure}. */
  readonly name: string;
  readonly client: KvClient<T>;
}

export interface MultiKvOptions<T> {
  readonly primary: MultiKvStore<T>;
  readonly secondary: MultiKvStore<T>;
  /** Repeat each successful write on the other store. Default false. As -<prefix>.multi.mirror-enabled in dskit. */
  readonly mirrorEnabled?: boolean;
  /** Limit of one such write in milliseconds; 0 or less: none. Default 2000. As -<prefix>.multi.mirror-timeout in dskit. */
  readonly mirrorTimeoutMs?: number;
  readonly runtime: Runtime;
  readonly metrics?: Registerer;
}

/** A client over two stores, for moving from one to the other while everything runs. As the multi client in dskit. */
export interface MultiKv<T> extends KvClient<T> {
  /** Name of the store that is in use. */
  readonly primary: string;
  readonly mirrorEnabled: boolean;
  /**
   * Changes which store is in use and whether writes are mirrored, at once; watches go over to the new store.
   * @throws {KvOptionsError} for a name that is neither store's; nothing is changed then.
   */
  configure(change: { readonly primary?: string; readonly mirrorEnabled?: boolean }): void;
}

const DEFAULT_MIRROR_TIMEOUT_MS = 2000;

/** @throws {KvOptionsError} when the stores' names are empty, equal, or `multi`. */
export function multiKv<T>(options: MultiKvOptions<T>): MultiKv<T> {
  const { primary, secondary } = options;
  for (const { name } of [primary, secondary]) {
    if (name === '') throw new KvOptionsError('a store of the multi client has no name');
    if (name === 'multi')
      throw new KvOptionsError('a multi client cannot use another multi client');
  }
  if (primary.name === secondary.name) {
    throw new KvOptionsError(
      `both stores of the multi client are ${JSON.stringify(primary.name)}; they must be different`,
    );
  }
  return new MultiClient(options);
}

class MultiClient<T> implements MultiKv<T> {
  readonly #options: MultiKvOptions<T>;
  readonly #primaryGauge: Gauge<'store'>;
  readonly #mirrorGauge: Gauge;
  readonly #mirrorWrites: { inc(): void };
  readonly #mirrorErrors: { inc(): void };
  #current: MultiKvStore<T>;
  #other: MultiKvStore<T>;
  #mirrorEnabled: boolean;
  /** Fires when another store becomes the primary. */
  #switched = new AbortController();

  constructor(options: MultiKvOptions<T>) {
    const { metrics = noMetrics } = options;
    this.#options = options;
    this.#current = options.primary;
    this.#other = options.secondary;
    this.#mirrorEnabled = options.mirrorEnabled ?? false;
    this.#primaryGauge = metrics.gauge({
      name: 'multikv_primary_store',
      help: 'The store that is in use: 1 for that, 0 for the other.',
      labels: ['store'],
    });
    this.#mirrorGauge = metrics.gauge({
      name: 'multikv_mirror_enabled',
      help: 'Whether writes are repeated on the other store: 1 or 0.',
    });
    this.#mirrorWrites = metrics.counter({
      name: 'multikv_mirror_writes_total',
      help: 'Writes repeated on the other store.',
    });
    this.#mirrorErrors = metrics.counter({
      name: 'multikv_mirror_write_errors_total',
      help: 'Writes that the other store did not take.',
    });
    this.#showState();
  }

  get primary(): string {
    return this.#current.name;
  }

  get mirrorEnabled(): boolean {
    return this.#mirrorEnabled;
  }

  configure(change: { readonly primary?: string; readonly mirrorEnabled?: boolean }): void {
    const { primary = this.#current.name, mirrorEnabled = this.#mirrorEnabled } = change;
    const names = [this.#current.name, this.#other.name];
    if (!names.includes(primary)) {
      throw new KvOptionsError(
        `${JSON.stringify(primary)} is no store of this multi client; it has ${names.join(' and ')}`,
      );
    }
    this.#mirrorEnabled = mirrorEnabled;
    if (primary !== this.#current.name) {
      [this.#current, this.#other] = [this.#other, this.#current];
      this.#options.runtime.log.info({ primary }, 'switched to the other key-value store');
      const old = this.#switched;
      this.#switched = new AbortController();
      old.abort();
    }
    this.#showState();
  }

  get(key: string): Promise<T | undefined> {
    return this.#current.client.get(key);
  }

  list(prefix: string): Promise<readonly string[]> {
    return this.#current.client.list(prefix);
  }

  delete(key: string): Promise<void> {
    return this.#current.client.delete(key);
  }

  async cas(
    key: string,
    update: (current: T | undefined) => T | undefined,
    options?: { readonly signal?: AbortSignal },
  ): Promise<void> {
    const other = this.#other;
    let written: T | undefined;
    const remember = (current: T | undefined): T | undefined => {
      written = update(current);
      return written;
    };
    await this.#current.client.cas(key, remember, options);
    if (this.#mirrorEnabled && written !== undefined) await this.#mirror(other, key, written);
  }

  watchKey(key: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<T | undefined> {
    return this.#watch(options?.signal, (client, signal) => client.watchKey(key, { signal }));
  }

  watchPrefix(
    prefix: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<{ readonly key: string; readonly value: T | undefined }> {
    return this.#watch(options?.signal, (client, signal) => client.watchPrefix(prefix, { signal }));
  }

  /** Reads a watch of the store in use; starts over when that changes. */
  async *#watch<R>(
    signal: AbortSignal | undefined,
    open: (client: KvClient<T>, signal: AbortSignal) => AsyncIterable<R>,
  ): AsyncGenerator<R> {
    for (;;) {
      throwIfAborted(signal, 'a watch');
      const switched = this.#switched.signal;
      const either = signal === undefined ? switched : AbortSignal.any([signal, switched]);
      try {
        yield* open(this.#current.client, either);
        if (!switched.aborted) return;
      } catch (error) {
        if (!switched.aborted || signal?.aborted === true) throw error;
      }
    }
  }

  /** One write on the other store. Its failure is counted and logged only: the write itself has succeeded. */
  async #mirror(to: MultiKvStore<T>, key: string, value: T): Promise<void> {
    const { runtime, mirrorTimeoutMs = DEFAULT_MIRROR_TIMEOUT_MS } = this.#options;
    const limit = { limitMs: mirrorTimeoutMs, what: 'repeating a write on the other store' };
    this.#mirrorWrites.inc();
    try {
      await withTimeout(runtime, limit, (signal) => to.client.cas(key, () => value, { signal }));
    } catch (err) {
      this.#mirrorErrors.inc();
      runtime.log.warn({ key, store: to.name, err }, 'write was not repeated on the other store');
    }
  }

  #showState(): void {
    this.#primaryGauge.labels({ store: this.#current.name }).set(1);
    this.#primaryGauge.labels({ store: this.#other.name }).set(0);
    this.#mirrorGauge.set(this.#mirrorEnabled ? 1 : 0);
  }
}
