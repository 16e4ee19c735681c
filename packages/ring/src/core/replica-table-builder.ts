import { bitsFor } from './bits.ts';
import {
  beginOf,
  HINTED_WIDTH,
  MAX_WIDTH,
  ReplicaTable,
  ROW_BITS,
  ROWS_BEHIND,
  type RowLayout,
  saysBegins,
} from './replica-table.ts';
import { BLOCK, ENTRY_PREFIX_BITS } from './token-prefixes.ts';
import type { Topology } from './topology.ts';

/** Bits of a number that is 0 or more. */
const WORD_BITS = 31;
/** The second replica is mostly one to three tokens on, the third not many more. */
const MAX_SECOND_BITS = 2;
const MAX_THIRD_BITS = 5;
/** So many rows may be gone through for a key, on average over all keys; where it would be more they are kept. */
const MAX_WALK = 4;
/** For so many tokens and more, several prefixes each would not stay in the caches near the processor. */
const MANY_TOKENS = 32_768;
const MAX_PREFIX_BITS = 24;

interface TableOptions {
  /** How many instances hold each key. */
  readonly replicationFactor: number;
  /** Whether they must be in different zones. */
  readonly zoneAwarenessEnabled: boolean;
  /** Whether it is one of many tables in use, so that it has to be small to be in a cache when it is needed. */
  readonly oneOfMany: boolean;
}

/**
 * Makes a table piece by piece. Rows are filled from the last to the first: the walk from a token is its owner, then
 * the walk from the next token without the owner's group.
 */
export class ReplicaTableBuilder {
  readonly #topology: Topology;
  readonly #width: number;
  readonly #groupOf: Uint32Array;
  readonly #layout: RowLayout;
  readonly #rows: Int32Array;
  /** The groups that the walk from the row filled last takes, and the rows at which it meets them. */
  readonly #walkGroups: Uint32Array;
  readonly #walkRows: Uint32Array;
  /** Rows that look-ups would go through in all, one key for each row. */
  #walked = 0;
  /** Instances that walks would take long to. */
  #others: Uint32Array | undefined = undefined;
  /** Rows that are still to be filled. */
  #left: number;

  private constructor(topology: Topology, width: number, groupOf: Uint32Array, oneOfMany: boolean) {
    const { owners } = topology;
    this.#topology = topology;
    this.#width = width;
    this.#groupOf = groupOf;
    this.#layout = layoutFor(width, groupOf.length, owners.length, oneOfMany);
    const behind = Math.max(ROWS_BEHIND, 2 ** this.#layout.thirdBits);
    this.#rows = new Int32Array(owners.length + behind);
    this.#walkGroups = new Uint32Array(width);
    this.#walkRows = new Uint32Array(width);
    this.#left = 0;
    this.#begin();
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
    while (this.#left > to) {
      const next = Math.max(to, this.#left - BLOCK);
      this.#fillRows(this.#left, next);
      this.#fillBegins(this.#left, next);
      this.#left = next;
    }
    if (to > 0) return undefined;
    const { tokens } = this.#topology;
    const rows = this.#rows;
    if (this.#others === undefined && this.#walked > MAX_WALK * tokens.length) {
      const length = tokens.length * (this.#width - 1);
      this.#others = new Uint32Array(length);
      this.#begin();
      return undefined;
    }
    rows.copyWithin(tokens.length, 0, rows.length - tokens.length);
    this.#fillBegins(tokens.length, tokens.length - 1);
    return new ReplicaTable({
      layout: this.#layout,
      width: this.#width,
      rows,
      others: this.#others,
      tokens,
      groupOf: this.#groupOf,
    });
  }

  /** Goes to the end, from where rows are filled. */
  #begin(): void {
    const { owners } = this.#topology;
    const walk = firstWalk(owners, this.#width, this.#groupOf);
    for (const [k, row] of walk.entries()) {
      this.#walkGroups[k] = this.#groupOf[owners[row] ?? 0] ?? 0;
      this.#walkRows[k] = row + owners.length;
    }
    this.#left = owners.length;
  }

  #fillRows(from: number, to: number): void {
    const { owners } = this.#topology;
    const { ownerBits, isWhole, secondBits } = this.#layout;
    const groupOf = this.#groupOf;
    const rows = this.#rows;
    const walkRows = this.#walkRows;
    const walkGroups = this.#walkGroups;
    const width = this.#width;
    const others = this.#others;
    const size = owners.length;
    let walked = 0;
    for (let row = from - 1; row >= to; row--) {
      const owner = owners[row] ?? 0;
      const group = groupOf[owner] ?? 0;
      let gap = 0;
      while (gap < width - 1 && walkGroups[gap] !== group) gap++;
      for (; gap > 0; gap--) {
        walkRows[gap] = walkRows[gap - 1] ?? 0;
        walkGroups[gap] = walkGroups[gap - 1] ?? 0;
      }
      walkRows[0] = row;
      walkGroups[0] = group;
      if (isWhole) {
        rows[row] = this.#wholeRow();
        continue;
      }
      const second = (walkRows[1] ?? 0) - row;
      const third = (walkRows[2] ?? 0) - row;
      const isHinted = width === HINTED_WIDTH && this.#isNear(second, third);
      const hint = isHinted ? second | (third << secondBits) : 0;
      rows[row] = owner | (hint << ownerBits);
      if (hint === 0) walked += (walkRows[width - 1] ?? 0) - row;
      for (let k = 1; others !== undefined && k < width; k++) {
        const at = walkRows[k] ?? 0;
        others[row * (width - 1) + k - 1] = owners[at < size ? at : at - size] ?? 0;
      }
    }
    this.#walked += walked;
  }

  /** Says in the rows behind these, which are filled, where they begin. */
  #fillBegins(from: number, to: number): void {
    if (!saysBegins(this.#layout)) return;
    const { tokens } = this.#topology;
    const { prefixBits } = this.#layout;
    const rows = this.#rows;
    for (let row = to; row < from; row++) {
      rows[row + 1] = (rows[row + 1] ?? 0) | beginOf(tokens[row] ?? 0, prefixBits);
    }
  }

  /** The positions of all instances that the walk meets. */
  #wholeRow(): number {
    const { owners } = this.#topology;
    const { ownerBits } = this.#layout;
    const size = owners.length;
    const width = this.#width;
    let word = 0;
    for (let k = 0; k < width; k++) {
      const at = this.#walkRows[k] ?? 0;
      word |= (owners[at < size ? at : at - size] ?? 0) << (k * ownerBits);
    }
    return word;
  }

  /** Whether there is room to say so in a row. */
  #isNear(second: number, third: number): boolean {
    return second >> this.#layout.secondBits === 0 && third >> this.#layout.thirdBits === 0;
  }
}

function layoutFor(
  width: number,
  instances: number,
  tokens: number,
  oneOfMany: boolean,
): RowLayout {
  const ownerBits = bitsFor(instances);
  const isLarge = oneOfMany || tokens >= MANY_TOKENS;
  const hintBits = Math.max(0, ROW_BITS - ownerBits);
  const secondBits = Math.min(MAX_SECOND_BITS, hintBits >> 1);
  const thirdBits = Math.min(MAX_THIRD_BITS, hintBits - secondBits);
  return {
    prefixBits: prefixBitsFor(tokens, isLarge),
    isSparse: !isLarge,
    ownerBits,
    isWhole: width * ownerBits <= (isLarge ? ROW_BITS : WORD_BITS),
    secondBits,
    thirdBits,
  };
}

/**
 * How long prefixes are: at least four of them for each token, so that few share one; for many tokens or tables one for
 * some eight tokens, because a step along the tokens costs less than memory that is far away.
 */
function prefixBitsFor(tokens: number, isLarge: boolean): number {
  return isLarge
    ? Math.min(MAX_PREFIX_BITS, Math.max(1, bitsFor(tokens) - 3))
    : bitsFor(tokens + 1) + ENTRY_PREFIX_BITS;
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

/** The rows at which the walk from the first token meets new groups. */
function firstWalk(owners: Uint32Array, width: number, groupOf: Uint32Array): Uint32Array {
  const walk: number[] = [];
  const met = new Set<number>();
  for (const [row, owner] of owners.entries()) {
    const group = groupOf[owner] ?? 0;
    if (met.has(group)) continue;
    met.add(group);
    walk.push(row);
    if (walk.length === width) break;
  }
  return Uint32Array.from(walk);
}
