import type { Runtime } from '@ml/runtime';
import { splitPairs } from './core/full-state.ts';
import type { MergeResult } from './core/store.ts';
import { MAX_KEY_BYTES } from './key.ts';
import type { LimitedLog } from './limited-log.ts';
import type { AnyMergeable } from './mergeable.ts';
import type { KvMetrics, RejectReason, Via } from './metrics.ts';
import type { Replica } from './replica.ts';
import { decodeKeyValuePair, type KeyValuePair } from './wire/key-value-pair.ts';

/** Messages of one key that wait; the next one has them merged at once. As the key queues of dskit. */
const MAX_WAITING_PER_KEY = 1024;
/** Bytes that wait over all keys; beyond it everything is merged at once. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Messages merged before other work of the process gets its turn. */
const MESSAGES_PER_TURN = 256;
/** A message that is the same as one of the newest this many of its key is not queued again. */
const COMPARED = 8;
const LOG_INTERVAL_MS = 60_000;
const UNKNOWN_CODEC_LOG_INTERVAL_MS = 3_600_000;

interface Incoming {
  readonly pair: KeyValuePair;
  /** The encoded pair, which may be part of a whole packet. */
  readonly bytes: Uint8Array;
  readonly from: string;
}

interface Waiting extends Incoming {
  /** Bytes of memory that wait with it: a packet counts once. */
  readonly heldBytes: number;
}

export interface InboxOptions {
  readonly runtime: Runtime;
  readonly replica: Replica;
  readonly metrics: KvMetrics;
  readonly log: LimitedLog;
}

/**
 * Takes what peers send. Gossip messages wait in one queue a key and are merged in turns of the process, so that a
 * burst costs each key one notice and repeated messages nothing; a full queue is worked off, not dropped. // K-16
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #waiting = new Map<string, Waiting[]>();
  #waitingBytes = 0;
  /** The packet that was counted last. */
  #counted: ArrayBufferLike | undefined;
  #drain: Disposable | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** One gossip message. Never throws. */
  message(bytes: Uint8Array, from: string): void {
    const { metrics } = this.#options;
    metrics.receivedBroadcasts.inc();
    metrics.receivedBroadcastsBytes.inc(bytes.length);
    const pair = this.#parse(bytes, 'gossip', from);
    if (pair === undefined) {
      metrics.receivedBroadcastsInvalid.inc();
      return;
    }
    this.#enqueue({ pair, bytes, from });
  }

  /** A peer's full state. Never throws: good pairs before any damage are merged. */
  fullState(state: Uint8Array, from: string): void {
    const { metrics } = this.#options;
    metrics.statePushes.inc();
    metrics.statePushesBytes.inc(state.length);
    const { pairs, problem } = splitPairs(state);
    for (const bytes of pairs) {
      const pair = this.#parse(bytes, 'push_pull', from);
      if (pair !== undefined) this.#apply({ pair, bytes, from }, 'push_pull');
    }
    if (problem !== undefined) {
      this.#reject({ via: 'push_pull', reason: 'cut_state', from }, { err: problem });
    }
  }

  /** Merges everything that waits. */
  flush(): void {
    this.#drain?.[Symbol.dispose]();
    this.#drain = undefined;
    for (const key of [...this.#waiting.keys()]) this.#drainKey(key);
  }

  /** Drops everything that waits. */
  close(): void {
    this.#drain?.[Symbol.dispose]();
    this.#drain = undefined;
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.#counted = undefined;
  }

  #enqueue(message: Incoming): void {
    const { key } = message.pair;
    const queue = this.#waiting.get(key) ?? [];
    for (let i = Math.max(0, queue.length - COMPARED); i < queue.length; i += 1) {
      const waiting = queue[i];
      if (waiting !== undefined && samePair(waiting.pair, message.pair)) return;
    }
    this.#waiting.set(key, queue);
    const { buffer } = message.bytes;
    const heldBytes = buffer === this.#counted ? 0 : buffer.byteLength;
    this.#counted = buffer;
    queue.push({ ...message, heldBytes });
    this.#waitingBytes += heldBytes;
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.flush();
    else if (queue.length > MAX_WAITING_PER_KEY) this.#drainKey(key);
    else this.#drain ??= this.#options.runtime.timers.after(0, () => this.#turn(), { plain: true });
  }

  #turn(): void {
    this.#drain = undefined;
    let left = MESSAGES_PER_TURN;
    for (const [key, queue] of this.#waiting) {
      left -= queue.length;
      this.#drainKey(key);
      if (left <= 0) break;
    }
    if (this.#waiting.size > 0) {
      this.#drain = this.#options.runtime.timers.after(0, () => this.#turn(), { plain: true });
    }
  }

  #drainKey(key: string): void {
    const queue = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    this.#counted = undefined;
    for (const message of queue) {
      this.#waitingBytes -= message.heldBytes;
      this.#apply(message, 'gossip');
    }
  }

  #apply(message: Incoming, via: Via): void {
    const { replica, runtime } = this.#options;
    const value = this.#decode(message, via);
    const result = value && this.#merge(message, value, via);
    const changed = result?.type === 'changed' ? result.update : undefined;
    const { pair, bytes } = message;
    if (replica.history.enabled) {
      const entry = via === 'gossip' ? replica.store.get(pair.key) : undefined;
      const marks = entry && { deleted: entry.deleted, updateTimeMillis: entry.updateUnixMs };
      replica.history.add('received', {
        unixMs: runtime.clock.unixMs(),
        sizeBytes: bytes.length,
        // A copy: the value would keep the whole packet in memory.
        pair: { ...pair, value: pair.value.slice(), ...marks },
        version: changed?.entry.version ?? 0,
        changes: changed?.content ?? [],
      });
    }
    if (changed === undefined) return;
    replica.watchers.changed(pair.key);
    // What was new as a whole is passed on as it came.
    if (changed.change === value) replica.forward('gossip', changed, message);
    else replica.spread('gossip', changed);
  }

  #merge(message: Incoming, value: AnyMergeable, via: Via): MergeResult | undefined {
    const { replica, runtime } = this.#options;
    const { pair, from } = message;
    try {
      const result = replica.store.merge(
        {
          key: pair.key,
          value,
          codecId: pair.codec,
          deleted: pair.deleted,
          updateUnixMs: pair.updateTimeMillis,
        },
        0,
        runtime.clock.unixMs(),
      );
      if (result.type === 'codecMismatch') {
        const more = { ...fieldsOf(message), stored_codec: result.storedCodecId };
        this.#reject({ via, reason: 'codec_mismatch', from }, more);
      } else if (result.type === 'full') {
        this.#reject({ via, reason: 'too_many_keys', from }, fieldsOf(message));
      }
      return result;
    } catch (error) {
      this.#reject({ via, reason: 'merge_failed', from }, { ...fieldsOf(message), err: error });
      return undefined;
    }
  }

  #decode(message: Incoming, via: Via): AnyMergeable | undefined {
    try {
      return this.#options.replica.decodeValue(message.pair);
    } catch (error) {
      const { from } = message;
      this.#reject({ via, reason: 'bad_value', from }, { ...fieldsOf(message), err: error });
      return undefined;
    }
  }

  /** The pair in a message, if we can use it. */
  #parse(bytes: Uint8Array, via: Via, from: string): KeyValuePair | undefined {
    let pair: KeyValuePair;
    try {
      pair = decodeKeyValuePair(bytes);
    } catch (error) {
      this.#reject({ via, reason: 'malformed', from }, { bytes: bytes.length, err: error });
      return undefined;
    }
    const reason = this.#fault(pair);
    if (reason === undefined) return pair;
    const fields = { key: pair.key.slice(0, 200), codec: pair.codec.slice(0, 200) };
    this.#reject({ via, reason, from }, { ...fields, bytes: bytes.length });
    return undefined;
  }

  #fault({ key, codec }: KeyValuePair): RejectReason | undefined {
    if (key === '') return 'empty_key'; // K-8
    // Every UTF-16 unit takes at most three bytes, so short keys need no counting.
    if (key.length * 3 > MAX_KEY_BYTES && new TextEncoder().encode(key).length > MAX_KEY_BYTES) {
      return 'key_too_long';
    }
    return this.#options.replica.codec(codec) === undefined ? 'unknown_codec' : undefined;
  }

  #reject(
    what: { readonly via: Via; readonly reason: RejectReason; readonly from: string },
    fields: { readonly codec?: string; readonly [name: string]: unknown },
  ): void {
    const { via, reason, from } = what;
    this.#options.metrics.rejectedPairs.labels({ via, reason }).inc();
    const topic =
      reason === 'unknown_codec'
        ? { name: `codec ${fields.codec ?? ''}`, intervalMs: UNKNOWN_CODEC_LOG_INTERVAL_MS }
        : { name: `${reason} from ${from}`, intervalMs: LOG_INTERVAL_MS };
    this.#options.log.warn(topic, { reason, via, from, ...fields }, 'value of a peer refused');
  }
}

function fieldsOf({ pair, bytes }: Incoming): {
  readonly key: string;
  readonly codec: string;
  readonly bytes: number;
} {
  return { key: pair.key, codec: pair.codec, bytes: bytes.length };
}

function samePair(a: KeyValuePair, b: KeyValuePair): boolean {
  // Values of one kind begin and end alike: most of those that differ do so in the middle.
  const middle = a.value.length >> 1;
  return (
    a.value[middle] === b.value[middle] &&
    a.codec === b.codec &&
    a.deleted === b.deleted &&
    a.updateTimeMillis === b.updateTimeMillis &&
    sameBytes(a.value, b.value)
  );
}

/** From the end, since the names in front are often the same. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = a.length - 1; i >= 0; i -= 1) if (a[i] !== b[i]) return false;
  return true;
}
