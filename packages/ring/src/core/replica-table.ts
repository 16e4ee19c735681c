import type { Topology } from './topology.ts';

/** No table is made for more replicas: their walks are rare and the table would be mostly replicas. */
const MAX_WIDTH = 7;
/** When more tokens share a prefix, all are searched by halving: random tokens never do. */
const CROWD = 64;
/** Bits of a token in its row. */
const REST_BITS = 16;
/** With more tokens than this many prefixes would no longer stay in the caches near the processor. */
const MANY_TOKENS = 65_536;
const MAX_PREFIX_BITS = 24;
/** How many numbers a column of 16 bits can tell apart. */
const SHORT = 65_536;

/** Positions or rows: of 16 bits where those suffice, because what a look-up costs is memory that is far away. */
type Column = Uint16Array | Uint32Array;

interface TableOptions {
  /** How many instances hold each key. */
  readonly replicationFactor: number;
  /** Whether they must be in different zones. */
  readonly zoneAwarenessEnabled: boolean;
  /** Whether it is one of many tables in use, so that it has to be small to be in a cache when it is needed. */
  readonly oneOfMany: boolean;
}

/**
 * The outcome of every walk along the ring in which no instance extends it: one row a token, so that a look-up ends
 * in one line of memory.
 *
 * A walk takes the first instance of each group that it meets, where a group is a zone if replicas must be in
 * different zones, else a single instance; instances without a zone are groups of their own. R-32
 */
export class ReplicaTable {
  /** Instances in each row: the replicas, or all groups if there are fewer. */
  readonly width: number;
  /**
   * Rows of {@link stride} numbers, one for each token: the 16 bits of the token that follow its prefix, then the
   * positions of the instances along the ring. Behind the last, the first row's instances once more.
   */
  readonly rows: Column;
  readonly stride: number;
  readonly #tokens: Uint32Array;
  /** For each prefix, the number of the first token that has that prefix or a higher one. */
  readonly #starts: Column;
  readonly #prefixBits: number;
  /** Whether so many tokens share a prefix that they must be searched by halving. */
  readonly #crowded: boolean;
  /** Whether there are more prefixes than tokens, so that most keys need no step at all. */
  readonly #sparse: boolean;

  /** @param rows as {@link ReplicaTableBuilder} makes them, of `width` instances for each of `tokens`. */
  constructor(rows: Column, width: number, tokens: Uint32Array, prefixBits: number) {
    this.width = width;
    this.stride = width + 1;
    this.rows = rows;
    this.#tokens = tokens;
    this.#prefixBits = prefixBits;
    this.#starts = startsOf(tokens, prefixBits);
    this.#crowded = isCrowded(this.#starts);
    this.#sparse = 2 ** prefixBits > tokens.length;
  }

  /** Bytes that the table holds besides the tokens. */
  get byteLength(): number {
    return this.rows.byteLength + this.#starts.byteLength;
  }

  /** Where in {@link rows} the row of the first token greater than `key` begins; behind the last token, its copy at the end. */
  find(key: number): number {
    if (this.#crowded) return this.#halve(key) * this.stride;
    if (!this.#sparse) return this.#interpolate(key) * this.stride;
    const tokens = this.#tokens;
    let at = this.#starts[key >>> (32 - this.#prefixBits)] ?? 0;
    while (at < tokens.length && (tokens[at] ?? 0) <= key) at++;
    return at * this.stride;
  }

  /** {@link find} for each of `keys`, into `found`. */
  findAll(keys: ArrayLike<number>, found: Uint32Array): void {
    if (this.#crowded || !this.#sparse) {
      for (let i = 0; i < found.length; i++) found[i] = this.find(keys[i] ?? 0);
      return;
    }
    // As find does, what stays the same taken out of the loop.
    const tokens = this.#tokens;
    const { stride } = this;
    const starts = this.#starts;
    const shift = 32 - this.#prefixBits;
    for (let i = 0; i < found.length; i++) {
      const key = keys[i] ?? 0;
      let at = starts[key >>> shift] ?? 0;
      while (at < tokens.length && (tokens[at] ?? 0) <= key) at++;
      found[i] = at * stride;
    }
  }

  /** Tokens are random numbers, so the key's is about as far on as the key is within its prefix. */
  #interpolate(key: number): number {
    const prefix = key >>> (32 - this.#prefixBits);
    const first = this.#starts[prefix] ?? 0;
    const end = this.#starts[prefix + 1] ?? 0;
    const rest = restOf(key, this.#prefixBits);
    let at = first + (((end - first) * rest) >>> REST_BITS);
    while (at < end && !this.#isAfter(at, key, rest)) at++;
    while (at > first && this.#isAfter(at - 1, key, rest)) at--;
    return at;
  }

  /** Whether token number `at` is greater than a key of the same prefix. */
  #isAfter(at: number, key: number, rest: number): boolean {
    const own = this.rows[at * this.stride] ?? 0;
    return own === rest ? (this.#tokens[at] ?? 0) > key : own > rest;
  }

  #halve(key: number): number {
    const prefix = key >>> (32 - this.#prefixBits);
    let low = this.#starts[prefix] ?? 0;
    let high = this.#starts[prefix + 1] ?? 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#tokens[middle] ?? 0) > key) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/**
 * Makes a table piece by piece. Rows are filled from the last to the first: the walk from a token is its owner, then
 * the walk from the next token without the owner's group.
 */
export class ReplicaTableBuilder {
  readonly #topology: Topology;
  readonly #width: number;
  readonly #groupOf: Uint32Array;
  readonly #rows: Column;
  readonly #walk: Uint32Array;
  readonly #walkGroups: Uint32Array;
  readonly #prefixBits: number;
  /** Rows that are still to be filled. */
  #left: number;

  private constructor(topology: Topology, width: number, groupOf: Uint32Array, oneOfMany: boolean) {
    const { owners } = topology;
    const stride = width + 1;
    this.#prefixBits = prefixBitsFor(owners.length, oneOfMany);
    this.#topology = topology;
    this.#width = width;
    this.#groupOf = groupOf;
    this.#rows = columnFor(groupOf.length, (owners.length + 1) * stride);
    this.#walk = firstWalk(owners, width, groupOf);
    this.#walkGroups = this.#walk.map((position) => groupOf[position] ?? 0);
    this.#rows.set(this.#walk, owners.length * stride + 1);
    this.#left = owners.length;
  }

  /** `undefined`: this ring needs the general walk. */
  static of(topology: Topology, options: TableOptions): ReplicaTableBuilder | undefined {
    const groupOf = groups(topology, options.zoneAwarenessEnabled);
    const width = Math.min(options.replicationFactor, countGroups(topology, groupOf));
    return width === 0 || width > MAX_WIDTH
      ? undefined
      : new ReplicaTableBuilder(topology, width, groupOf, options.oneOfMany);
  }

  /** Fills so many more rows, and returns the table once all are. */
  fill(count: number): ReplicaTable | undefined {
    const to = Math.max(0, this.#left - count);
    this.#fillRows(this.#left, to);
    this.#left = to;
    if (to > 0) return undefined;
    return new ReplicaTable(this.#rows, this.#width, this.#topology.tokens, this.#prefixBits);
  }

  #fillRows(from: number, to: number): void {
    const { tokens, owners } = this.#topology;
    const prefixBits = this.#prefixBits;
    const groupOf = this.#groupOf;
    const rows = this.#rows;
    const walk = this.#walk;
    const walkGroups = this.#walkGroups;
    const width = this.#width;
    for (let i = from - 1; i >= to; i--) {
      const owner = owners[i] ?? 0;
      const group = groupOf[owner] ?? 0;
      let gap = 0;
      while (gap < width - 1 && walkGroups[gap] !== group) gap++;
      for (; gap > 0; gap--) {
        walk[gap] = walk[gap - 1] ?? 0;
        walkGroups[gap] = walkGroups[gap - 1] ?? 0;
      }
      walk[0] = owner;
      walkGroups[0] = group;
      const at = i * (width + 1);
      rows[at] = restOf(tokens[i] ?? 0, prefixBits);
      for (let k = 0; k < width; k++) rows[at + 1 + k] = walk[k] ?? 0;
    }
  }
}

/** The bits of a token or key that follow its prefix, as many as a row has room for. */
function restOf(token: number, prefixBits: number): number {
  return (token << prefixBits) >>> (32 - REST_BITS);
}

/** The group of each instance. */
function groups(topology: Topology, zoneAware: boolean): Uint32Array {
  const { zones, zoneOf } = topology;
  if (!zoneAware) return zoneOf.map((_zone, position) => position);
  const unlimited = zones.indexOf('');
  return zoneOf.map((zone, position) => (zone === unlimited ? zones.length + position : zone));
}

/** How many groups have tokens. */
function countGroups(topology: Topology, groupOf: Uint32Array): number {
  const met = new Uint8Array(topology.zones.length + groupOf.length);
  let count = 0;
  for (const [position, own] of topology.tokensOf.entries()) {
    const group = groupOf[position] ?? 0;
    if (own === 0 || met[group] === 1) continue;
    met[group] = 1;
    count++;
  }
  return count;
}

/** A column for numbers below `limit`. */
function columnFor(limit: number, length: number): Column {
  return limit <= SHORT ? new Uint16Array(length) : new Uint32Array(length);
}

/** The walk from the first token. */
function firstWalk(owners: Uint32Array, width: number, groupOf: Uint32Array): Uint32Array {
  const walk: number[] = [];
  const met = new Set<number>();
  for (const owner of owners) {
    const group = groupOf[owner] ?? 0;
    if (met.has(group)) continue;
    met.add(group);
    walk.push(owner);
    if (walk.length === width) break;
  }
  return Uint32Array.from(walk);
}

/**
 * How long prefixes are: some four of them for each token, so that mostly the first token is the right one; for many
 * tokens or tables one for eight tokens, because a step along the tokens costs less than memory that is far away.
 */
function prefixBitsFor(tokens: number, oneOfMany: boolean): number {
  const bits = Math.ceil(Math.log2(tokens)) + (oneOfMany || tokens > MANY_TOKENS ? -3 : 2);
  return Math.min(MAX_PREFIX_BITS, Math.max(1, bits));
}

/** For each prefix of so many bits, the first token that has it or a higher one; then the end. */
function startsOf(tokens: Uint32Array, prefixBits: number): Column {
  const shift = 32 - prefixBits;
  const starts = columnFor(tokens.length + 1, (1 << prefixBits) + 1);
  let next = 0;
  for (let i = 0; i < tokens.length; i++) {
    const prefix = (tokens[i] ?? 0) >>> shift;
    while (next <= prefix) starts[next++] = i;
  }
  return starts.fill(tokens.length, next);
}

function isCrowded(starts: Column): boolean {
  for (let i = 1; i < starts.length; i++) {
    if ((starts[i] ?? 0) - (starts[i - 1] ?? 0) > CROWD) return true;
  }
  return false;
}
