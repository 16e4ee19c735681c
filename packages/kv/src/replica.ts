import type { Runtime } from '@ml/runtime';
import type { Codec } from './codec.ts';
import { Broadcasts, type QueueName } from './core/broadcasts.ts';
import { joinPairs } from './core/full-state.ts';
import { History } from './core/history.ts';
import { type Incoming, KvStore, type StoreEntry, type StoreUpdate } from './core/store.ts';
import { Watchers } from './core/watchers.ts';
import {
  CasMergeError,
  CodecMismatchError,
  CodecNotRegisteredError,
  StoreFullError,
} from './errors.ts';
import type { LimitedLog } from './limited-log.ts';
import type { AnyMergeable } from './mergeable.ts';
import type { KvMetrics } from './metrics.ts';
import {
  decodeKeyValuePair,
  encodeKeyValuePair,
  type KeyValuePair,
} from './wire/key-value-pair.ts';

/** What a local writer does to a value; see `cas` in KvClient. */
export interface CasUpdate<T> {
  next(current: T | undefined): T | undefined;
}

/** Takes the value of a key out of the store. */
export interface ValueSink<T> {
  accept(value: T): void;
}

/** `skipped`: the update returned nothing. `conflict` and `unchanged`: nothing was stored. */
export type CasOutcome = 'stored' | 'skipped' | 'conflict' | 'unchanged';

export interface ReplicaOptions {
  readonly runtime: Runtime;
  readonly codecs: readonly Codec<AnyMergeable>[];
  readonly metrics: KvMetrics;
  readonly log: LimitedLog;
  readonly tombstoneTimeoutMs: number;
  readonly retransmitFactor: number;
  readonly maxMessageBytes: number;
  readonly maxQueuedMessages: number;
  readonly maxKeys: number;
  readonly historyBytes: number;
  readonly debounced: boolean;
  readonly members: () => number;
  /** Called after a change was queued, so that it need not wait for the next round of gossip. */
  readonly queued: (queue: QueueName) => void;
}

/** A pair and its bytes. */
export interface EncodedPair {
  readonly pair: KeyValuePair;
  readonly bytes: Uint8Array;
}

/** What stands for an empty value: the encoding of an empty message. */
const EMPTY_VALUE = Uint8Array.of(0);
/** A message that came alone is passed on with what its packet had around it: checksums, compression, the member's name. */
const MAX_FRAME_BYTES = 128;
const ENCODE_FAILURES = { name: 'encode', intervalMs: 60_000 };
const TOO_LARGE = { name: 'too large', intervalMs: 60_000 };
const CROWDED_OUT = { name: 'crowded out', intervalMs: 60_000 };

/** One node's copy of all values, with what hangs on every change: watchers, messages to peers, history. */
export class Replica {
  readonly store: KvStore;
  readonly watchers: Watchers;
  readonly history: History;
  readonly broadcasts: Broadcasts;
  readonly #options: ReplicaOptions;
  readonly #codecs: ReadonlyMap<string, Codec<AnyMergeable>>;
  /** Encoded pairs of whole entries: a full state is sent far more often than most keys change. */
  readonly #encodedEntries = new WeakMap<StoreEntry, Uint8Array>();
  readonly #countedKeys = new Set<string>();
  /** Off while the node is leaving: own changes are then kept to ourselves. // K-33 */
  #spreadsOwnChanges: boolean = true;

  constructor(options: ReplicaOptions) {
    const { metrics } = options;
    this.#options = options;
    this.#codecs = new Map(options.codecs.map((codec) => [codec.id, codec]));
    this.history = new History(options.historyBytes);
    this.watchers = new Watchers({ debounced: options.debounced });
    this.broadcasts = new Broadcasts({
      retransmitFactor: options.retransmitFactor,
      members: options.members,
      maxMessageBytes: options.maxMessageBytes,
      maxQueued: options.maxQueuedMessages,
    });
    this.store = new KvStore({
      tombstoneTimeoutMs: options.tombstoneTimeoutMs,
      maxKeys: options.maxKeys,
      tombstones: {
        counted: (key, total, removed) => {
          metrics.tombstones.labels({ key }).set(total);
          if (removed > 0) this.#countRemoved(key, removed);
        },
      },
    });
  }

  /** Series of a counter stay for ever, so keys beyond a number share one. */
  #countRemoved(key: string, removed: number): void {
    const { metrics, maxKeys } = this.#options;
    const known = this.#countedKeys.has(key) || this.#countedKeys.size < maxKeys;
    if (known) this.#countedKeys.add(key);
    metrics.tombstonesRemoved.labels({ key: known ? key : '(other)' }).inc(removed);
  }

  codec(id: string): Codec<AnyMergeable> | undefined {
    return this.#codecs.get(id);
  }

  /** @throws {CodecNotRegisteredError} */
  requireCodec(id: string): Codec<AnyMergeable> {
    const codec = this.#codecs.get(id);
    if (codec === undefined) throw new CodecNotRegisteredError(id, [...this.#codecs.keys()]);
    return codec;
  }

  /**
   * The value in a pair of a peer, to be merged into what is stored; nothing stands for an empty message. // K-4
   * @throws {CodecNotRegisteredError} @throws {CodecError}
   */
  decodeValue(pair: KeyValuePair): AnyMergeable {
    const stored = this.store.get(pair.key);
    return this.#decode(pair, stored?.codecId === pair.codec ? stored.value : undefined);
  }

  /** As {@link decodeValue}, for a look at what the pair itself says. */
  decodeAlone(pair: KeyValuePair): AnyMergeable {
    return this.#decode(pair, undefined);
  }

  #decode({ codec, value }: KeyValuePair, known: AnyMergeable | undefined): AnyMergeable {
    return this.requireCodec(codec).decode(value.length === 0 ? EMPTY_VALUE : value, known);
  }

  /** Keeps changes of local writers to this node from now on. */
  stopSpreadingOwnChanges(): void {
    this.#spreadsOwnChanges = false;
  }

  /**
   * Hands the visible value of a key to `sink`; false when the key is absent. The store holds values of many types:
   * that one is of the type that `sink` takes is known from the codec's id.
   * @throws {CodecMismatchError}
   */
  read(key: string, codecId: string, sink: ValueSink<AnyMergeable>): boolean {
    const value = this.#visible(key, codecId);
    if (value === undefined) return false;
    sink.accept(value);
    return true;
  }

  /**
   * One attempt of a CAS. What the update throws is passed on.
   * @throws {CodecMismatchError} @throws {CasMergeError} @throws {StoreFullError}
   */
  cas(key: string, codecId: string, update: CasUpdate<AnyMergeable>): CasOutcome {
    const version = this.store.get(key)?.version ?? 0;
    const value = update.next(this.#visible(key, codecId));
    if (value === undefined) return 'skipped';
    const incoming = { key, value, codecId, deleted: false, updateUnixMs: undefined };
    const result = this.#mergeOwn(incoming, version);
    switch (result.type) {
      case 'changed':
        this.watchers.changed(key);
        this.#spreadOwn(result.update);
        return 'stored';
      case 'codecMismatch':
        throw new CodecMismatchError(key, result.storedCodecId, codecId);
      case 'full':
        throw new StoreFullError(key, this.#options.maxKeys);
      default:
        return result.type;
    }
  }

  /** Marks a key as deleted and tells peers; false when there was nothing to do. */
  delete(key: string): boolean {
    const update = this.store.delete(key, this.#options.runtime.clock.unixMs());
    if (update === undefined) return false;
    this.watchers.changed(key);
    this.spread('gossip', update);
    return true;
  }

  /** Forgets keys that were deleted long enough ago. */
  purge(timeoutMs: number): void {
    const { runtime, metrics } = this.#options;
    for (const key of this.store.purge(runtime.clock.unixMs(), timeoutMs)) {
      metrics.tombstones.remove({ key });
      runtime.log.debug({ key }, 'deleted key purged');
    }
  }

  /** Queues a change for gossip. */
  spread(queue: QueueName, update: StoreUpdate): void {
    const pair = this.#encode(update.key, update.entry, update.change);
    if (pair !== undefined) this.#queue(queue, update, { pair, bytes: encodeKeyValuePair(pair) });
  }

  /** As {@link spread}, for a change that is all that `message` says: it is passed on as a peer encoded it. // K-51 */
  forward(queue: QueueName, update: StoreUpdate, message: EncodedPair): void {
    const { deleted, updateUnixMs } = update.entry;
    if (deleted !== message.pair.deleted || updateUnixMs !== message.pair.updateTimeMillis) {
      this.spread(queue, update);
      return;
    }
    this.#queue(queue, update, this.#own(message));
  }

  /** Bytes that keep little else in memory: those of a full state are part of a much larger piece. */
  #own(message: EncodedPair): EncodedPair {
    if (message.bytes.buffer.byteLength <= message.bytes.length + MAX_FRAME_BYTES) return message;
    const bytes = message.bytes.slice();
    return { bytes, pair: this.history.enabled ? decodeKeyValuePair(bytes) : message.pair };
  }

  #queue(queue: QueueName, update: StoreUpdate, message: EncodedPair): void {
    const { metrics } = this.#options;
    const { key, entry, content } = update;
    const { pair, bytes } = message;
    this.#remember(bytes, pair, entry, content);
    const outcome = this.broadcasts.queue(queue, { key, version: entry.version, content, bytes });
    switch (outcome.type) {
      case 'queued':
        break;
      case 'tooLarge':
        metrics.messagesToBroadcastDropped.inc();
        this.#options.log.warn(
          TOO_LARGE,
          { key, bytes: bytes.length, limit: this.#options.maxMessageBytes },
          'change too large for a gossip packet, left to the full exchange',
        );
        return;
      case 'crowdedOut':
        metrics.messagesToBroadcastDropped.inc(outcome.dropped);
        this.#options.log.warn(
          CROWDED_OUT,
          { key, queue, limit: this.#options.maxQueuedMessages },
          'queue of changes is full, older ones left to the full exchange',
        );
        break;
    }
    this.#options.queued(queue);
  }

  /** Every key with its whole value, as the user state of a push/pull. // K-9 */
  fullState(): Uint8Array {
    const { metrics } = this.#options;
    const pairs: Uint8Array[] = [];
    for (const [key, entry] of this.store.entries()) {
      const bytes = this.encodedEntry(key, entry);
      if (bytes === undefined) continue;
      pairs.push(bytes);
      if (this.history.enabled) this.#remember(bytes, decodeKeyValuePair(bytes), entry, []);
    }
    const state = joinPairs(pairs);
    metrics.statePulls.inc();
    metrics.statePullsBytes.inc(state.length);
    return state;
  }

  /** The pair of a whole entry; `undefined` when it cannot be encoded. Encoded once as long as the entry stays. */
  encodedEntry(key: string, entry: StoreEntry): Uint8Array | undefined {
    const known = this.#encodedEntries.get(entry);
    if (known !== undefined) return known;
    const pair = this.#encode(key, entry, entry.value);
    if (pair === undefined) return undefined;
    const bytes = encodeKeyValuePair(pair);
    this.#encodedEntries.set(entry, bytes);
    return bytes;
  }

  #remember(
    bytes: Uint8Array,
    pair: KeyValuePair,
    entry: StoreEntry,
    changes: readonly string[],
  ): void {
    if (!this.history.enabled) return;
    this.history.add('sent', {
      unixMs: this.#options.runtime.clock.unixMs(),
      sizeBytes: bytes.length,
      pair,
      version: entry.version,
      changes,
    });
  }

  #encode(key: string, entry: StoreEntry, value: AnyMergeable): KeyValuePair | undefined {
    const { codecId, deleted, updateUnixMs } = entry;
    try {
      return {
        key,
        value: this.requireCodec(codecId).encode(value),
        codec: codecId,
        deleted,
        updateTimeMillis: updateUnixMs,
      };
    } catch (error) {
      this.#options.metrics.messagesToBroadcastDropped.inc();
      this.#options.log.warn(
        ENCODE_FAILURES,
        { key, codec: codecId, err: error },
        'value cannot be encoded, peers will not get it',
      );
      return undefined;
    }
  }

  #visible(key: string, codecId: string): AnyMergeable | undefined {
    const entry = this.store.get(key);
    if (entry === undefined) return undefined;
    if (entry.codecId !== codecId) throw new CodecMismatchError(key, entry.codecId, codecId);
    return this.store.visible(key);
  }

  #mergeOwn(incoming: Incoming, version: number): ReturnType<KvStore['merge']> {
    try {
      // A first write is not merged with anything, so only encoding shows that it is of the codec's type.
      if (version === 0) this.requireCodec(incoming.codecId).encode(incoming.value);
      return this.store.merge(incoming, version, this.#options.runtime.clock.unixMs());
    } catch (error) {
      throw new CasMergeError(incoming.key, { cause: error });
    }
  }

  #spreadOwn(update: StoreUpdate): void {
    if (this.#spreadsOwnChanges) {
      this.spread('local', update);
      return;
    }
    this.#options.runtime.log.warn(
      { key: update.key },
      'own change is not gossiped: this node is leaving',
    );
  }
}
