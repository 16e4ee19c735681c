import { retransmitLimit } from './formulas.ts';

/**
 * One message to be spread. With a `name` it replaces the waiting message of that name; otherwise it removes
 * the waiting nameless messages of its `topic` that it `invalidates`.
 */
export interface Broadcast {
  readonly bytes: Uint8Array;
  readonly name?: string;
  /** Nameless messages are compared with those of the same topic only. Default: the empty topic. */
  readonly topic?: string;
  /** Whether `older`, of the same topic, need not be sent any more. Default: never. */
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
    for (const older of this.#replacedBy(broadcast)) this.#finish(older);
    this.#index(entry);
    this.#insert(entry);
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
    let used = 0;
    const tiers = this.#tiers.length;
    for (let tier = 0; tier < tiers; ) {
      const free = limitBytes - used - overheadBytes;
      if (free <= 0) break;
      const entry = this.#popLongest(tier, free);
      if (entry === undefined) {
        tier += 1;
        continue;
      }
      used += overheadBytes + entry.length;
      taken.push(entry.broadcast.bytes);
      entry.transmits += 1;
      if (entry.transmits >= transmitLimit) this.#forget(entry);
      else again.push(entry);
    }
    for (const entry of again) this.#insert(entry);
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
    for (const entry of this.#topics.get(broadcast.topic ?? '') ?? []) {
      if (broadcast.invalidates(entry.broadcast)) replaced.push(entry);
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
    if (name !== undefined) this.#named.delete(name);
    else {
      const entries = this.#topics.get(topic);
      entries?.delete(entry);
      if (entries?.size === 0) this.#topics.delete(topic);
    }
    this.#size -= 1;
    this.#bytes -= entry.length;
    entry.broadcast.finished?.();
  }

  #insert(entry: Entry): void {
    while (this.#tiers.length <= entry.transmits) this.#tiers.push([]);
    const tier = this.#tiers[entry.transmits] ?? [];
    const at = lengthIndex(tier, entry.length);
    const bucket = tier[at];
    if (bucket?.length !== entry.length) {
      tier.splice(at, 0, { length: entry.length, entries: [entry] });
      return;
    }
    bucket.entries.splice(idIndex(bucket.entries, entry.id), 0, entry);
  }

  /** Takes the longest entry of up to `maxLength` out of the tier; the newest among equals. */
  #popLongest(tierIndex: number, maxLength: number): Entry | undefined {
    const tier = this.#tiers[tierIndex];
    if (tier === undefined) return undefined;
    const at = lengthIndex(tier, maxLength + 1) - 1;
    const bucket = tier[at];
    const entry = bucket?.entries.pop();
    if (bucket?.entries.length === 0) tier.splice(at, 1);
    return entry;
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
