import { retransmitLimit } from './formulas.ts';

/**
 * One message to be spread. With a `name` it replaces the waiting message of that name; otherwise it removes
 * the waiting nameless messages of its `topic`, or of those it `covers`, that it `invalidates`.
 */
export interface Broadcast {
  readonly bytes: Uint8Array;
  readonly name?: string;
  /** Nameless messages are compared with those of the same topic only. Default: the empty topic. */
  readonly topic?: string;
  /** Topics of the waiting messages that this one is compared with. Default: its own. */
  readonly covers?: readonly string[];
  /** Whether `older`, of one of these topics, need not be sent any more. Default: never. */
  invalidates?(older: Broadcast): boolean;
  /** Called exactly once: sent as often as it should, replaced, or dropped. Must not call the queue. */
  finished?(): void;
}

interface Entry {
  readonly broadcast: Broadcast;
  readonly length: number;
  readonly id: number;
  transmits: number;
}

/** Entries of one length, oldest first. */
interface Bucket {
  readonly length: number;
  readonly entries: Entry[];
}

/** Entries that were sent equally often: buckets by ascending length. */
type Tier = Bucket[];

/**
 * Messages waiting to ride on packets. Each is handed out `retransmitMult × ceil(log10(members + 1))` times;
 * those handed out least go first, then longer ones, then newer ones. G-16.
 *
 * Ids are never used twice (the reference loses messages when its queue runs empty; G-30).
 */
export class BroadcastQueue {
  readonly #retransmitMult: number;
  readonly #members: () => number;
  readonly #tiers: Tier[] = [];
  readonly #named = new Map<string, Entry>();
  readonly #topics = new Map<string, Set<Entry>>();
  #nextId = 0;
  #size = 0;
  #bytes = 0;

  /** `members` is asked at each {@link BroadcastQueue.take}: the number of members, ourselves included. */
  constructor(options: { readonly retransmitMult: number; readonly members: () => number }) {
    this.#retransmitMult = options.retransmitMult;
    this.#members = options.members;
  }

  /** Waiting messages. */
  get size(): number {
    return this.#size;
  }

  /** Sum of the lengths of the waiting messages. */
  get bytes(): number {
    return this.#bytes;
  }

  queue(broadcast: Broadcast): void {
    const entry = { broadcast, length: broadcast.bytes.length, id: this.#nextId++, transmits: 0 };
    const replaced = this.#replacedBy(broadcast);
    // The new one first: what is kept of a topic is then not thrown away to be made anew.
    this.#index(entry);
    for (const older of replaced) this.#finish(older);
    // Its id is the highest.
    this.#bucketFor(entry).entries.push(entry);
    this.#size += 1;
    this.#bytes += entry.length;
  }

  /**
   * Messages for one packet: each costs its length and `overheadBytes`, together at most `limitBytes`. Whatever
   * does not fit waits.
   */
  take(overheadBytes: number, limitBytes: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    if (this.#size === 0) return taken;
    const transmitLimit = retransmitLimit(this.#retransmitMult, this.#members());
    const again: Entry[] = [];
    let free = limitBytes - overheadBytes;
    const tiers = this.#tiers.length;
    for (let tier = 0; tier < tiers && free > 0; tier += 1) {
      for (
        let bucket = this.#longest(tier, free);
        bucket !== undefined && free > 0;
        bucket = this.#longest(tier, free)
      ) {
        const { entries, length } = bucket;
        for (; free > 0 && free >= length; free -= overheadBytes + length) {
          const entry = entries.pop();
          if (entry === undefined) break;
          taken.push(entry.broadcast.bytes);
          entry.transmits += 1;
          if (entry.transmits >= transmitLimit) this.#forget(entry);
          else again.push(entry);
        }
        this.#dropIfEmpty(tier, bucket);
      }
    }
    this.#insertAll(again);
    this.#trim();
    return taken;
  }

  /** Drops messages from the end of the order (most often sent, then shortest, then oldest) until `max` are left. */
  prune(max: number): void {
    while (this.#size > max) {
      const entry = this.#last();
      if (entry === undefined) return;
      this.#finish(entry);
    }
  }

  /** Drops every message. */
  reset(): void {
    this.prune(0);
  }

  #replacedBy(broadcast: Broadcast): readonly Entry[] {
    if (broadcast.name !== undefined) {
      const older = this.#named.get(broadcast.name);
      return older === undefined ? [] : [older];
    }
    if (broadcast.invalidates === undefined) return [];
    const replaced: Entry[] = [];
    for (const topic of broadcast.covers ?? [broadcast.topic ?? '']) {
      for (const entry of this.#topics.get(topic) ?? []) {
        if (broadcast.invalidates(entry.broadcast)) replaced.push(entry);
      }
    }
    return replaced;
  }

  #index(entry: Entry): void {
    const { name, topic = '' } = entry.broadcast;
    if (name !== undefined) {
      this.#named.set(name, entry);
      return;
    }
    const entries = this.#topics.get(topic);
    if (entries === undefined) this.#topics.set(topic, new Set([entry]));
    else entries.add(entry);
  }

  /** Takes the entry out of its place in the order and everywhere else. */
  #finish(entry: Entry): void {
    const tier = this.#tiers[entry.transmits];
    const at = tier === undefined ? 0 : lengthIndex(tier, entry.length);
    const bucket = tier?.[at];
    if (tier !== undefined && bucket !== undefined) {
      bucket.entries.splice(idIndex(bucket.entries, entry.id), 1);
      if (bucket.entries.length === 0) tier.splice(at, 1);
    }
    this.#trim();
    this.#forget(entry);
  }

  /** Forgets an entry that has no place in the order any more. */
  #forget(entry: Entry): void {
    const { name, topic = '' } = entry.broadcast;
    if (name !== undefined) {
      if (this.#named.get(name) === entry) this.#named.delete(name);
    } else {
      const entries = this.#topics.get(topic);
      entries?.delete(entry);
      if (entries?.size === 0) this.#topics.delete(topic);
    }
    this.#size -= 1;
    this.#bytes -= entry.length;
    entry.broadcast.finished?.();
  }

  /**
   * Puts back what was taken, which comes in runs of one length, newest first: most of a run goes between the same two
   * neighbours, and moves what is behind them once.
   */
  #insertAll(taken: readonly Entry[]): void {
    for (let from = 0; from < taken.length; ) {
      const first = taken[from];
      if (first === undefined) return;
      const entries = this.#bucketFor(first).entries;
      const place = idIndex(entries, first.id);
      const below = entries[place - 1]?.id ?? -1;
      const run = [first];
      for (let next = taken[++from]; next !== undefined; next = taken[++from]) {
        const follows = next.transmits === first.transmits && next.length === first.length;
        if (!follows || next.id < below) break;
        run.push(next);
      }
      entries.splice(place, 0, ...run.reverse());
    }
  }

  /** The bucket that an entry belongs to, made if need be. */
  #bucketFor({ transmits, length }: Entry): Bucket {
    while (this.#tiers.length <= transmits) this.#tiers.push([]);
    const tier = this.#tiers[transmits] ?? [];
    const at = lengthIndex(tier, length);
    const bucket = tier[at];
    if (bucket?.length === length) return bucket;
    const made = { length, entries: [] };
    tier.splice(at, 0, made);
    return made;
  }

  /** The bucket of a tier with the longest entries of up to `maxLength`. */
  #longest(tierIndex: number, maxLength: number): Bucket | undefined {
    const tier = this.#tiers[tierIndex];
    return tier?.[lengthIndex(tier, maxLength + 1) - 1];
  }

  #dropIfEmpty(tierIndex: number, { length, entries }: Bucket): void {
    if (entries.length > 0) return;
    const tier = this.#tiers[tierIndex];
    tier?.splice(lengthIndex(tier, length), 1);
  }

  #last(): Entry | undefined {
    return this.#tiers.at(-1)?.[0]?.entries[0];
  }

  /** Drops empty tiers from the end, so that the last one is never empty. */
  #trim(): void {
    while (this.#tiers.at(-1)?.length === 0) this.#tiers.pop();
  }
}

/** Where the bucket of `length` is or belongs: the first of at least that length. */
function lengthIndex(tier: Tier, length: number): number {
  let low = 0;
  let high = tier.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tier[middle]?.length ?? 0) < length) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the entry of `id` is or belongs. */
function idIndex(entries: readonly Entry[], id: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.id ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
