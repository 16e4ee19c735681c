import { type Broadcast, BroadcastQueue } from '@ml/gossip/core';

/** Which queue a change waits in: `local` for our own CAS, `gossip` for deletes and what came from peers. // K-20 */
export type QueueName = 'local' | 'gossip';

/** One encoded change that waits to be sent. */
export interface PairMessage {
  readonly key: string;
  /** Version of our entry that the change is part of. */
  readonly version: number;
  /** Names of the items in the change. */
  readonly content: readonly string[];
  /** The encoded KeyValuePair. */
  readonly bytes: Uint8Array;
}

export interface BroadcastsOptions {
  /** Each message is sent this many times log10(members + 1), rounded up. As -memberlist.retransmit-factor in dskit. */
  readonly retransmitFactor: number;
  /** Members that are alive or suspect, ourselves included. */
  readonly members: () => number;
  /** Longer messages can never leave in a packet. // K-22 */
  readonly maxMessageBytes: number;
  /** Messages that each queue holds; beyond it those sent most often are dropped. // K-23 */
  readonly maxQueued: number;
}

/** What became of a message: `tooLarge` is left to the full state; `crowdedOut` says how many others had to go. */
export type QueueOutcome =
  | { readonly type: 'queued' }
  | { readonly type: 'tooLarge' }
  | { readonly type: 'crowdedOut'; readonly dropped: number };

const QUEUED = { type: 'queued' } as const;

/** Changes that wait to ride on gossip packets. Our own go before forwarded ones. */
export class Broadcasts {
  readonly #options: BroadcastsOptions;
  readonly #local: BroadcastQueue;
  readonly #gossip: BroadcastQueue;

  constructor(options: BroadcastsOptions) {
    const queue = { retransmitMult: options.retransmitFactor, members: options.members };
    this.#options = options;
    this.#local = new BroadcastQueue(queue);
    this.#gossip = new BroadcastQueue(queue);
  }

  /** Messages that wait in one queue. */
  size(queue: QueueName): number {
    return this.#queue(queue).size;
  }

  /** Bytes that wait in both queues. */
  get bytes(): number {
    return this.#local.bytes + this.#gossip.bytes;
  }

  /** Queues a message; older ones of the same queue that it covers are dropped. */
  queue(name: QueueName, message: PairMessage): QueueOutcome {
    const { maxMessageBytes, maxQueued } = this.#options;
    if (message.bytes.length > maxMessageBytes) return { type: 'tooLarge' };
    const queue = this.#queue(name);
    queue.queue(new PairBroadcast(message));
    const dropped = queue.size - maxQueued;
    if (dropped <= 0) return QUEUED;
    queue.prune(maxQueued);
    return { type: 'crowdedOut', dropped };
  }

  /** Messages for one packet, as {@link BroadcastQueue.take}: own ones first, forwarded ones with what room is left. */
  take(overheadBytes: number, maxBytes: number): readonly Uint8Array[] {
    const own = this.#local.take(overheadBytes, maxBytes);
    if (this.#gossip.size === 0) return own;
    const used = own.reduce((sum, bytes) => sum + overheadBytes + bytes.length, 0);
    return [...own, ...this.#gossip.take(overheadBytes, maxBytes - used)];
  }

  #queue(name: QueueName): BroadcastQueue {
    return name === 'local' ? this.#local : this.#gossip;
  }
}

/**
 * Covers an older message of its key when it holds all items of that and is not of an older version. Messages wait
 * under their first item, so that only those are compared that have an item in common: a ring of a thousand instances
 * has as many messages waiting. // K-21
 */
class PairBroadcast implements Broadcast {
  readonly bytes: Uint8Array;
  readonly topic: string;
  readonly covers: readonly string[];
  readonly #version: number;
  readonly #content: readonly string[];
  #names: ReadonlySet<string> | undefined;

  constructor({ key, bytes, version, content }: PairMessage) {
    this.bytes = bytes;
    // What holds nothing waits under the key alone, and everything covers it.
    this.covers = [key, ...content.map((name) => topicOf(key, name))];
    this.topic = this.covers[1] ?? key;
    this.#version = version;
    this.#content = content;
  }

  invalidates(older: Broadcast): boolean {
    if (!(older instanceof PairBroadcast) || this.#version < older.#version) return false;
    if (older.#content.length > this.#content.length) return false;
    for (const name of older.#content) if (!this.#has(name)) return false;
    return true;
  }

  #has(name: string): boolean {
    if (this.#content.length === 1) return this.#content[0] === name;
    this.#names ??= new Set(this.#content);
    return this.#names.has(name);
  }
}

/** Keys may hold any text: the length in front keeps apart what would else be the same. */
function topicOf(key: string, name: string): string {
  return `${key.length}:${key}${name}`;
}
