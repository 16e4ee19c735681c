import type { Topology } from './topology.ts';

/** No table is made for more replicas: their walks are rare and the table would be mostly replicas. */
const MAX_WIDTH = 7;
/** When more tokens share a prefix, all are searched by halving: random tokens never do. */
const CROWD = 64;
/** Halving stops at so few rows. */
const SCANNED = 8;
const MANY_TOKENS = 65_536;
const MAX_PREFIX_BITS = 24;

interface TableOptions {
  /** How many instances hold each key. */
  readonly replicationFactor: number;
  /** Whether they must be in different zones. */
  readonly zoneAwarenessEnabled: boolean;
}

/**
 * The outcome of every walk along the ring in which no instance extends it: one row a token, so that a look-up ends
 * in one line of memory.
 *
 * A walk takes the first instance of each group that it meets, where a group is a zone if replicas must be in
 * different zones, else a single instance; instances without a zone are groups of their own. R-32
 */
export class ReplicaTable {
  /** Rows of {@link stride} words: the token, then the positions of the instances along the ring. */
  readonly rows: Uint32Array;
  readonly stride: number;
  /** Instances in each row: the replicas, or all groups if there are fewer. */
  readonly width: number;
  /** For each prefix, where the first row is whose token has that prefix or a higher one. */
  readonly #buckets: Uint32Array;
  /** Bits of a key that are not part of its prefix. */
  readonly #shift: number;
  /** Whether so many tokens share a prefix that they must be searched by halving. */
  readonly #crowded: boolean;

  private constructor(topology: Topology, width: number, groupOf: Uint32Array) {
    const { tokens } = topology;
    this.width = width;
    this.stride = width + 1;
    this.rows = fillRows(topology, width, groupOf);
    const prefixBits = prefixBitsFor(tokens.length);
    this.#shift = 32 - prefixBits;
    this.#buckets = bucketStarts(tokens, prefixBits, this.stride);
    this.#crowded = isCrowded(this.#buckets, this.stride);
  }

  /** `undefined`: this ring needs the general walk. */
  static of(topology: Topology, options: TableOptions): ReplicaTable | undefined {
    const groupOf = groups(topology, options.zoneAwarenessEnabled);
    const width = Math.min(options.replicationFactor, countGroups(topology, groupOf));
    return width === 0 || width > MAX_WIDTH
      ? undefined
      : new ReplicaTable(topology, width, groupOf);
  }

  get byteLength(): number {
    return this.rows.byteLength + this.#buckets.byteLength;
  }

  /** Where in {@link rows} the row of the first token greater than `key` begins, wrapping. */
  find(key: number): number {
    const rows = this.rows;
    let at = this.#crowded ? this.#halve(key) : (this.#buckets[key >>> this.#shift] ?? 0);
    while (at < rows.length && (rows[at] ?? 0) <= key) at += this.stride;
    return at === rows.length ? 0 : at;
  }

  /** {@link find} for each of `keys`, into `starts`. */
  findAll(keys: ArrayLike<number>, starts: Uint32Array): void {
    for (let i = 0; i < keys.length; i++) starts[i] = this.find(keys[i] ?? 0);
  }

  /** Where at most {@link SCANNED} rows before the first token greater than `key` begin. */
  #halve(key: number): number {
    const bucket = key >>> this.#shift;
    let low = (this.#buckets[bucket] ?? 0) / this.stride;
    let high = (this.#buckets[bucket + 1] ?? 0) / this.stride;
    while (high - low > SCANNED) {
      const middle = (low + high) >>> 1;
      if ((this.rows[middle * this.stride] ?? 0) > key) high = middle;
      else low = middle + 1;
    }
    return low * this.stride;
  }
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

/**
 * Fills the rows from the last to the first: the walk from a token is its owner, then the walk from the next token
 * without the owner's group.
 */
function fillRows(topology: Topology, width: number, groupOf: Uint32Array): Uint32Array {
  const { tokens, owners } = topology;
  const stride = width + 1;
  const rows = new Uint32Array(tokens.length * stride);
  const walk = firstWalk(owners, width, groupOf);
  const walkGroups = walk.map((position) => groupOf[position] ?? 0);
  for (let i = tokens.length - 1; i >= 0; i--) {
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
    const at = i * stride;
    rows[at] = tokens[i] ?? 0;
    for (let k = 0; k < width; k++) rows[at + 1 + k] = walk[k] ?? 0;
  }
  return rows;
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
 * How long prefixes are: about as many of them as tokens, so that the first or second row is the right one; for many
 * tokens fewer, because rows that follow each other cost less than a larger table of prefixes.
 */
function prefixBitsFor(tokens: number): number {
  const bits = Math.ceil(Math.log2(tokens)) - (tokens > MANY_TOKENS ? 2 : 0);
  return Math.min(MAX_PREFIX_BITS, Math.max(1, bits));
}

/** For each prefix of so many bits, where the first row is whose token has it or a higher one; then the end. */
function bucketStarts(tokens: Uint32Array, prefixBits: number, stride: number): Uint32Array {
  const shift = 32 - prefixBits;
  const starts = new Uint32Array((1 << prefixBits) + 1);
  let next = 0;
  for (let i = 0; i < tokens.length; i++) {
    const bucket = (tokens[i] ?? 0) >>> shift;
    while (next <= bucket) starts[next++] = i * stride;
  }
  return starts.fill(tokens.length * stride, next);
}

function isCrowded(buckets: Uint32Array, stride: number): boolean {
  for (let i = 1; i < buckets.length; i++) {
    if ((buckets[i] ?? 0) - (buckets[i - 1] ?? 0) > CROWD * stride) return true;
  }
  return false;
}
