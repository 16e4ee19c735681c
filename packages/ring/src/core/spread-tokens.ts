import { assert } from '@ml/runtime';
import { TOKEN_SPACE } from './tokens.ts';

/** Tokens of every instance. */
export const SPREAD_TOKENS = 512;
/**
 * The largest instance number. The tokens of an instance follow from those of all before it: this many take a few
 * seconds and some 40 MiB in each zone that is used.
 */
export const MAX_SPREAD_NUMBER = 9999;

/** Tokens of zone z are congruent to z modulo this. */
const ZONES = 8;
/** Distance between the tokens of instance 0. */
const FIRST_STEP = Math.floor(TOKEN_SPACE / SPREAD_TOKENS / ZONES) * ZONES;
const MAX_TOKEN = (TOKEN_SPACE / ZONES - 1) * ZONES;

/** What has been laid out so far, by zone id; shared by everything in the process. */
const layouts = new Map<number, SpreadLayout>();

/** The tokens of instance `number` of the zone with this id (0 to 7), ascending. */
export function spreadTokens(zoneId: number, number: number): Uint32Array {
  assert(Number.isInteger(zoneId) && zoneId >= 0 && zoneId < ZONES, `zone id ${zoneId}`);
  assert(
    Number.isInteger(number) && number >= 0 && number <= MAX_SPREAD_NUMBER,
    `instance number ${number}`,
  );
  let layout = layouts.get(zoneId);
  if (layout === undefined) {
    layout = new SpreadLayout(zoneId);
    layouts.set(zoneId, layout);
  }
  return layout.tokensOf(number);
}

/**
 * The tokens of one zone's instances 0, 1, 2 …: each instance takes its share in equal parts from the tokens that own
 * most, of the instances that own most. As the generator of dskit, whose choices depend on the order of both heaps. R-22
 */
class SpreadLayout {
  /** By instance number. */
  readonly #instances: TokenHeap[] = [];
  /** Root: the instance that owns most. */
  readonly #queue = new Heap<TokenHeap>(
    (a, b) => a.owned > b.owned || (a.owned === b.owned && a.number > b.number),
  );

  constructor(zoneId: number) {
    const first = new TokenHeap(0);
    const last = (SPREAD_TOKENS - 1) * FIRST_STEP + zoneId;
    for (let i = 0, prev = last; i < SPREAD_TOKENS; i++) {
      const token = i * FIRST_STEP + zoneId;
      first.add(token, prev);
      first.owned += distance(prev, token);
      prev = token;
    }
    this.#append(first);
  }

  tokensOf(number: number): Uint32Array {
    while (this.#instances.length <= number) this.#append(this.#next());
    return this.#instances[number]?.tokens.toSorted() ?? new Uint32Array(0);
  }

  #append(instance: TokenHeap): void {
    this.#instances.push(instance);
    this.#queue.push(instance);
  }

  #next(): TokenHeap {
    const next = new TokenHeap(this.#instances.length);
    const share = TOKEN_SPACE / (this.#instances.length + 1);
    const passedOver: TokenHeap[] = [];
    for (let missing = SPREAD_TOKENS; missing > 0; ) {
      const part = Math.floor(Math.floor(Math.floor(share - next.owned) / missing) / ZONES) * ZONES;
      const giver = this.#queue.root;
      assert(giver !== undefined && giver.owned > part, `no room for instance ${next.number}`);
      if (giver.rootOwned <= part) {
        this.#queue.pop();
        passedOver.push(giver);
        continue;
      }
      const prev = giver.rootPrev;
      const token = tokenBehind(prev, part);
      next.add(token, prev);
      const given = giver.split(token);
      next.owned += given;
      giver.owned -= given;
      this.#queue.fixRoot();
      missing--;
    }
    for (const instance of passedOver) this.#queue.push(instance);
    return next;
  }
}

function tokenBehind(prev: number, part: number): number {
  const room = (MAX_TOKEN - prev + TOKEN_SPACE) % TOKEN_SPACE;
  return room < part ? part - room : (prev + part) % TOKEN_SPACE;
}

/** How many keys lie after `from` up to `to`; a token alone owns all. */
function distance(from: number, to: number): number {
  return from < to ? to - from : TOKEN_SPACE - from + to;
}

/** The tokens of one instance, that which owns most at the root. A token owns the keys between its predecessor and it. */
class TokenHeap {
  readonly number: number;
  readonly tokens: Uint32Array = new Uint32Array(SPREAD_TOKENS);
  readonly #prevs: Uint32Array = new Uint32Array(SPREAD_TOKENS);
  #size = 0;
  /** Keys that all tokens own together. */
  owned = 0;

  constructor(number: number) {
    this.number = number;
  }

  /** The token before the root's. */
  get rootPrev(): number {
    return this.#prevs[0] ?? 0;
  }

  /** Keys that the root owns. */
  get rootOwned(): number {
    return this.#owned(0);
  }

  add(token: number, prev: number): void {
    let at = this.#size++;
    this.#put(at, token, prev);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#goesBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Puts another instance's `token` before the root's, and returns how many keys that takes from it. */
  split(token: number): number {
    const before = this.#owned(0);
    this.#put(0, this.tokens[0] ?? 0, token);
    const given = before - this.#owned(0);
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= this.#size) return given;
      const right = left + 1;
      const child = right < this.#size && this.#goesBefore(right, left) ? right : left;
      if (!this.#goesBefore(child, at)) return given;
      this.#swap(at, child);
      at = child;
    }
  }

  #owned(at: number): number {
    return distance(this.#prevs[at] ?? 0, this.tokens[at] ?? 0);
  }

  #goesBefore(a: number, b: number): boolean {
    const difference = this.#owned(a) - this.#owned(b);
    return difference > 0 || (difference === 0 && (this.tokens[a] ?? 0) > (this.tokens[b] ?? 0));
  }

  #put(at: number, token: number, prev: number): void {
    this.tokens[at] = token;
    this.#prevs[at] = prev;
  }

  #swap(a: number, b: number): void {
    const token = this.tokens[a] ?? 0;
    const prev = this.#prevs[a] ?? 0;
    this.#put(a, this.tokens[b] ?? 0, this.#prevs[b] ?? 0);
    this.#put(b, token, prev);
  }
}

/** A binary heap. */
class Heap<T> {
  readonly #items: T[] = [];
  readonly #goesBefore: (a: T, b: T) => boolean;

  constructor(goesBefore: (a: T, b: T) => boolean) {
    this.#goesBefore = goesBefore;
  }

  get root(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent];
      if (above === undefined || !this.#goesBefore(item, above)) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const last = this.#items.pop();
    if (last === undefined || this.#items.length === 0) return;
    this.#items[0] = last;
    this.fixRoot();
  }

  /** Moves the root to where it belongs after its rank fell. */
  fixRoot(): void {
    const items = this.#items;
    const item = items[0];
    if (item === undefined) return;
    let at = 0;
    for (;;) {
      const left = items[2 * at + 1];
      if (left === undefined) break;
      const right = items[2 * at + 2];
      const takesRight = right !== undefined && this.#goesBefore(right, left);
      const child = takesRight ? right : left;
      if (!this.#goesBefore(child, item)) break;
      items[at] = child;
      at = takesRight ? 2 * at + 2 : 2 * at + 1;
    }
    items[at] = item;
  }
}
