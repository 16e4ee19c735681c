import { CasNoChangeError, type KvClient } from '@ml/kv';
import { Latest, type Runtime, sleep } from '@ml/runtime';
import { ringCodec } from '../../src/codec.ts';
import { RingDesc } from '../../src/core/desc.ts';

const CAS_ATTEMPTS = 10;
const NO_CHANGE_WAIT_MS = 1000;
const TOMBSTONES_KEPT_MS = 300_000;

/**
 * One node's gossiped store as rings see it: merges instead of replacing, keeps tombstones, waits a second when a CAS
 * changes nothing. What changes goes, encoded, to the linked stores at once.
 */
export class GossipedKv implements KvClient<RingDesc> {
  readonly #runtime: Runtime;
  readonly #values = new Map<string, RingDesc>();
  readonly #watches = new Map<string, Latest<{ readonly value: RingDesc | undefined }>>();
  readonly #peers: GossipedKv[] = [];
  /** CAS calls that had to wait because nothing changed. */
  waits = 0;
  /** Makes every call fail. */
  failure: Error | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Changes go to `peer` from now on, one way. */
  gossipTo(peer: GossipedKv): void {
    this.#peers.push(peer);
  }

  /** The value with its tombstones. */
  stored(key: string): RingDesc | undefined {
    return this.#values.get(key);
  }

  /** What a peer has sent. */
  receive(key: string, incoming: RingDesc): void {
    this.#merge(key, ringCodec.decode(ringCodec.encode(incoming)), false);
  }

  /** Loses everything, as a wiped store does. */
  wipe(key: string): void {
    this.#values.delete(key);
  }

  async get(key: string): Promise<RingDesc | undefined> {
    if (this.failure !== undefined) throw this.failure;
    return this.#visible(key);
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix));
  }

  async delete(key: string): Promise<void> {
    this.#values.delete(key);
  }

  async cas(
    key: string,
    update: (current: RingDesc | undefined) => RingDesc | undefined,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    for (let attempt = 0; attempt < CAS_ATTEMPTS; attempt++) {
      if (this.failure !== undefined) throw this.failure;
      if (attempt > 0) await sleep(this.#runtime, NO_CHANGE_WAIT_MS, options);
      const next = update(this.#visible(key));
      if (next === undefined || this.#merge(key, next, this.#values.has(key))) return;
      this.waits++;
    }
    throw new CasNoChangeError(key, CAS_ATTEMPTS);
  }

  async *watchKey(
    key: string,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<RingDesc | undefined> {
    let watch = this.#watches.get(key);
    if (watch === undefined) {
      watch = new Latest();
      watch.set({ value: this.#visible(key) });
      this.#watches.set(key, watch);
    }
    for await (const { value } of watch.values(options)) yield value;
  }

  async *watchPrefix(): AsyncIterable<{ readonly key: string; readonly value: RingDesc }> {}

  #visible(key: string): RingDesc | undefined {
    return this.#values.get(key)?.removeTombstones(undefined).value;
  }

  #merge(key: string, incoming: RingDesc, localCas: boolean): boolean {
    const before = this.#values.get(key) ?? RingDesc.empty;
    const nowUnixMs = this.#runtime.clock.unixMs();
    const merged = before.merge(incoming, { localCas, nowUnixMs });
    if (merged.change === undefined) return false;
    const limit = nowUnixMs - TOMBSTONES_KEPT_MS;
    this.#values.set(key, merged.value.removeTombstones(limit).value);
    const change = merged.change.removeTombstones(limit).value;
    if (change.size === 0) return false;
    this.#watches.get(key)?.set({ value: this.#visible(key) });
    for (const peer of this.#peers) peer.receive(key, change);
    return true;
  }
}
