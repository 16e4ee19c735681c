import type { KvClient } from '@ml/kv';
import type { Registerer } from '@ml/metrics';
import { Latest, MlError, type Runtime, sleep } from '@ml/runtime';
import { RingDesc } from './core/desc.ts';
import type { ReplicationStrategy } from './core/replication-strategy.ts';
import { RingView, type ViewOptions } from './core/view.ts';
import { RingOptionsError } from './errors.ts';
import { registerRingMetrics } from './metrics.ts';
import { type ReadRing, ViewReader } from './read-ring.ts';

/** How a ring is read. As `ring.Config` in dskit. */
export type RingConfig = Omit<ViewOptions, 'strategy'>;

export interface RingOptions {
  /** Names the ring in logs and in the `name` label of its metrics. */
  readonly name: string;
  /** The whole key in the KV store, `collectors/ring` for example. */
  readonly key: string;
  readonly config: RingConfig;
  readonly client: Pick<KvClient<RingDesc>, 'watchKey'>;
  readonly runtime: Runtime;
  readonly metrics?: Registerer | undefined;
  /** How many of a key's instances must answer. Default: a majority. */
  readonly strategy?: ReplicationStrategy;
  /** Gives up waiting for the first value. */
  readonly signal?: AbortSignal;
}

/** A ring has changed. Changes that a reader was too slow for are skipped. */
export interface RingChange {
  /** Grows with each change of anything but states and heartbeats. */
  readonly topologyVersion: number;
  /** The ring of this moment; it does not change any more. */
  readonly ring: ReadRing;
}

/** A ring that follows its key in the KV store. Safe to read at any time, also after it was closed (then it stays as it was). */
export interface Ring extends ReadRing, AsyncDisposable {
  readonly name: string;
  readonly key: string;
  /** The value of the key, instances of excluded zones left out. */
  readonly desc: RingDesc;
  /** @internal The view of the latest value. */
  readonly view: RingView;
  /** The ring now, then after each change: a slow reader skips to the newest. Ends when the ring is closed. */
  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<RingChange>;
  /** Stops following the key. */
  close(): Promise<void>;
}

/** Rows of the table of walks that are made in a turn: some 5 ms. */
const ROWS_PER_TURN = 131_072;

/** Time before a watch that ended or failed is set up again, in milliseconds. */
const REWATCH_MS = 1000;

/**
 * Follows the key and resolves with the first value in place, which may be no value: an empty ring. The watch is set
 * up before the value is read, so no change is missed. R-28
 * @throws {RingOptionsError} when the configuration makes no sense
 */
export async function createRing(options: RingOptions): Promise<Ring> {
  checkConfig(options);
  const ring = new WatchedRing(options);
  await ring.start(options.signal);
  return ring;
}

function checkConfig({ name, key, config }: RingOptions): void {
  const problem = (what: string): RingOptionsError =>
    new RingOptionsError(`ring ${JSON.stringify(name)}: ${what}`);
  const { replicationFactor, heartbeatTimeoutMs } = config;
  if (key === '') throw problem('the key is empty');
  if (!(Number.isInteger(replicationFactor) && replicationFactor > 0)) {
    throw problem(`replication factor ${replicationFactor} is not a whole number above 0`);
  }
  if (!(heartbeatTimeoutMs >= 0)) {
    throw problem(`heartbeat timeout ${heartbeatTimeoutMs} ms is negative; 0 turns the check off`);
  }
  const { maxHeartbeatAheadMs = 0 } = config;
  if (!(maxHeartbeatAheadMs >= 0)) {
    throw problem(`heartbeats cannot be at most ${maxHeartbeatAheadMs} ms ahead; give 0 or more`);
  }
}

class WatchedRing extends ViewReader implements Ring {
  readonly name: string;
  readonly key: string;
  readonly #options: RingOptions;
  readonly #current: { view: RingView };
  readonly #changes = new Latest<RingChange>();
  readonly #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();
  #someAhead = false;
  #tableTurn: Disposable | undefined = undefined;

  constructor(options: RingOptions) {
    const { config, runtime, strategy } = options;
    const current = {
      view: RingView.of(RingDesc.empty, {
        ...config,
        ...(strategy === undefined ? {} : { strategy }),
      }),
    };
    super(() => current.view, runtime.clock);
    this.#current = current;
    this.#options = options;
    this.name = options.name;
    this.key = options.key;
    registerRingMetrics({
      name: options.name,
      registerer: options.metrics,
      view: () => current.view,
      nowUnixMs: () => runtime.clock.unixMs(),
      signal: this.#stop.signal,
    });
  }

  get desc(): RingDesc {
    return this.view.desc;
  }

  get view(): RingView {
    return this.#current.view;
  }

  changes(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<RingChange> {
    return this.#changes.values(options);
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    const abort = (): void => this.#stop.abort(signal?.reason);
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const values = this.#watch()[Symbol.asyncIterator]();
    try {
      const first = await values.next();
      this.#apply(first.done === true ? undefined : first.value, 'start');
    } catch (error) {
      this.#stop.abort(error);
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    this.#following = this.#follow(values);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#tableTurn?.[Symbol.dispose]();
    await this.#following;
    this.#changes.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #watch(): AsyncIterable<RingDesc | undefined> {
    return this.#options.client.watchKey(this.key, { signal: this.#stop.signal });
  }

  /** Applies every value until the ring is closed; a watch that breaks is set up again. */
  async #follow(first: AsyncIterator<RingDesc | undefined>): Promise<void> {
    const { runtime } = this.#options;
    const { signal } = this.#stop;
    let values: AsyncIterator<RingDesc | undefined> = first;
    while (!signal.aborted) {
      try {
        for (let next = await values.next(); next.done !== true; next = await values.next()) {
          this.#apply(next.value, 'change');
        }
        await sleep(runtime, REWATCH_MS, { signal });
      } catch (error) {
        if (signal.aborted || MlError.is(error, 'ML_KV_CLOSED')) return;
        runtime.log.error(
          { ring: this.name, key: this.key, err: error },
          'watching the ring failed',
        );
        await this.#pause();
      }
      values = this.#watch()[Symbol.asyncIterator]();
    }
  }

  /** Tells of heartbeats from the future once as long as there are any. R-38 */
  #reportAhead(view: RingView, nowUnixMs: number): void {
    const { runtime } = this.#options;
    const ahead = view.aheadOf(nowUnixMs);
    if (ahead.length > 0 && !this.#someAhead) {
      const [first] = ahead;
      runtime.log.warn(
        { ring: this.name, instances: ahead.length, instance: first?.id, addr: first?.addr },
        'heartbeats are far in the future: check the clocks of the instances; they count as of when they were seen',
      );
    }
    this.#someAhead = ahead.length > 0;
  }

  /** A ring that is asked much will be so after a change too: its table is made in turns of its own. */
  #makeTableSoon(): void {
    this.#tableTurn ??= this.#options.runtime.timers.after(0, () => {
      this.#tableTurn = undefined;
      if (!this.view.placement.buildTable(ROWS_PER_TURN)) this.#makeTableSoon();
    });
  }

  async #pause(): Promise<void> {
    try {
      await sleep(this.#options.runtime, REWATCH_MS, { signal: this.#stop.signal });
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
  }

  #apply(value: RingDesc | undefined, when: 'start' | 'change'): void {
    if (value === undefined && when === 'start') {
      this.#options.runtime.log.info(
        { ring: this.name, key: this.key },
        'the ring is empty so far',
      );
    }
    const before = this.view;
    const { clock } = this.#options.runtime;
    const nowUnixMs = clock.unixMs();
    const { view, difference } = before.update(value ?? RingDesc.empty, nowUnixMs);
    this.#current.view = view;
    if (view.placement !== before.placement && before.placement.table !== undefined) {
      this.#makeTableSoon();
    }
    this.#reportAhead(view, nowUnixMs);
    if (difference === 'equal' && when === 'change') return;
    this.#changes.set({
      topologyVersion: view.topologyVersion,
      ring: new ViewReader(() => view, clock),
    });
  }
}
