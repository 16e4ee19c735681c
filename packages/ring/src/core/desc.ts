import type { Mergeable, MergeOutcome } from '@ml/kv';
import { type InstanceDesc, isReplaced } from './instance.ts';
import { STATE_CODES } from './instance-state.ts';
import { Layout } from './layout.ts';
import { findLosers, type TokenIndex } from './token-index.ts';
import { Tokens } from './tokens.ts';
import { compareUtf8 } from './utf8.ts';

/**
 * A whole ring as the KV store holds it: instances by id, immutable. Versions of a ring share what they have in
 * common, so taking one, changing one instance and merging the result costs no copy of the others.
 *
 * Merging follows `ring.Desc` of dskit: entries replace each other whole, by heartbeat. Without shared tokens it is
 * idempotent, commutative and associative; with shared tokens not associative (a token lost in a repair is not given
 * back), which the owner's next heartbeat settles.
 */
export class RingDesc implements Mergeable<RingDesc>, Iterable<InstanceDesc> {
  static readonly empty: RingDesc = new RingDesc([], new Layout([]));

  #records: readonly InstanceDesc[];
  /** Absent while the records stand in the order in which they came. */
  #layout: Layout | undefined;

  private constructor(records: readonly InstanceDesc[], layout: Layout | undefined) {
    this.#records = records;
    this.#layout = layout;
  }

  /** A ring of these instances; of several with one id the last counts. */
  static of(instances: Iterable<InstanceDesc>): RingDesc {
    const records = Array.from(instances);
    if (records.length === 0) return RingDesc.empty;
    return new RingDesc(isAscending(records) ? records : lastOfEach(records), undefined);
  }

  /** Entries, tombstones included. */
  get size(): number {
    return this.#records.length;
  }

  /** Tombstones among the entries. */
  get tombstones(): number {
    return this.layout.tombstones;
  }

  /** The instances, ascending by id (bytewise). */
  get instances(): readonly InstanceDesc[] {
    if (this.#layout === undefined) this.#sort();
    return this.#records;
  }

  /** @internal What this ring shares with versions of it that differ in states and heartbeats only. */
  get layout(): Layout {
    return this.#layout ?? this.#sort();
  }

  /** All tokens in ascending order with the positions of their owners in {@link instances}. */
  get tokenIndex(): TokenIndex {
    return this.layout.index;
  }

  get(id: string): InstanceDesc | undefined {
    const layout = this.layout;
    return this.#records[layout.positionOf(id)];
  }

  has(id: string): boolean {
    return this.layout.positionOf(id) >= 0;
  }

  [Symbol.iterator](): Iterator<InstanceDesc> {
    return this.instances[Symbol.iterator]();
  }

  /** With `instance` added, or put in the place of the one with its id. */
  set(instance: InstanceDesc): RingDesc {
    const layout = this.layout;
    const at = layout.positionOf(instance.id);
    const known = this.#records[at];
    if (known === instance) return this;
    if (known === undefined) {
      const records = [...this.#records, instance].sort(byId);
      return new RingDesc(records, new Layout(records, layout));
    }
    const same = instance.tokens !== known.tokens && instance.tokens.equals(known.tokens);
    const record = same ? instance.with({ tokens: known.tokens }) : instance;
    const records = this.#records.slice();
    records[at] = record;
    const keeps = record.tokens === known.tokens && record.isLeft === known.isLeft;
    return new RingDesc(records, keeps ? layout : new Layout(records, layout));
  }

  /** @internal Where the instance of this id stands among {@link instances}, -1 when it is absent. */
  positionOf(id: string): number {
    return this.layout.positionOf(id);
  }

  /** @internal With `records`, one for each of {@link instances} in their order, in the place of these. */
  replaceAll(records: readonly InstanceDesc[]): RingDesc {
    const own = this.instances;
    let same = true;
    let keeps = true;
    for (let i = 0; i < own.length; i++) {
      const mine = own[i];
      const other = records[i];
      if (mine === other) continue;
      same = false;
      if (mine?.tokens !== other?.tokens || mine?.isLeft !== other?.isLeft) keeps = false;
    }
    if (same) return this;
    return new RingDesc(records, keeps ? this.layout : new Layout(records, this.layout));
  }

  /** Without the instance of this id. */
  delete(id: string): RingDesc {
    return this.has(id) ? this.filter((instance) => instance.id !== id) : this;
  }

  /** Only the instances that pass. */
  filter(keep: (instance: InstanceDesc) => boolean): RingDesc {
    const layout = this.layout;
    const records = this.#records.filter(keep);
    if (records.length === this.#records.length) return this;
    return records.length === 0
      ? RingDesc.empty
      : new RingDesc(records, new Layout(records, layout));
  }

  merge(
    incoming: RingDesc,
    options: { readonly localCas: boolean; readonly nowUnixMs: number },
  ): MergeOutcome<RingDesc> {
    if (!(incoming instanceof RingDesc)) throw new TypeError('a ring merges with a ring only');
    if (incoming === this) return { value: this, change: undefined };
    const layout = this.layout;
    const merge = new Merge(this.#records, layout);
    const sameIds = incoming.#layout === layout;
    const offered = incoming.#records;
    for (let i = 0; i < offered.length; i++) {
      const record = offered[i];
      if (record !== undefined) merge.offer(record, sameIds ? i : layout.positionOf(record.id));
    }
    if (options.localCas && !sameIds) {
      merge.bury(incoming.instances, Math.floor(options.nowUnixMs / 1000));
    }
    const merged = merge.finish();
    const { updated } = merged;
    if (updated.length === 0) return { value: this, change: undefined };
    const value = new RingDesc(merged.records, merged.layout);
    return { value, change: areSame(updated, offered) ? incoming : RingDesc.of(updated) };
  }

  /** The ids of the instances, in no particular order. */
  mergeContent(): readonly string[] {
    return this.#records.map((record) => record.id);
  }

  removeTombstones(limitUnixMs: number | undefined): {
    readonly value: RingDesc;
    readonly total: number;
    readonly removed: number;
  } {
    const layout = this.layout;
    if (layout.tombstones === 0) return { value: this, total: 0, removed: 0 };
    const expired = (record: InstanceDesc): boolean =>
      record.isLeft && (limitUnixMs === undefined || record.heartbeatUnixS * 1000 < limitUnixMs);
    const removed = this.#records.reduce((count, record) => count + (expired(record) ? 1 : 0), 0);
    const total = layout.tombstones - removed;
    if (removed === 0) return { value: this, total, removed };
    if (total > 0) return { value: this.filter((record) => !expired(record)), total, removed };
    const kept = this.#records.filter((record) => !record.isLeft);
    return { value: new RingDesc(kept, layout.live(kept)), total, removed };
  }

  /** @internal The records in whatever order they stand in: for encoding. */
  get unordered(): readonly InstanceDesc[] {
    return this.#records;
  }

  #sort(): Layout {
    if (!isAscending(this.#records)) this.#records = this.#records.toSorted(byId);
    this.#layout = new Layout(this.#records);
    return this.#layout;
  }
}

/** One merge under way; keeps the receiver's records until something really changes. */
class Merge {
  readonly #before: readonly InstanceDesc[];
  readonly #layout: Layout;
  readonly #added: InstanceDesc[] = [];
  /** Where entries were replaced, and the ids of those added, each in the order of the message. */
  readonly #updated: (number | string)[] = [];
  #records: InstanceDesc[] | undefined;
  #layoutChanged: boolean = false;
  #tokensChanged: boolean = false;

  constructor(before: readonly InstanceDesc[], layout: Layout) {
    this.#before = before;
    this.#layout = layout;
  }

  /** Takes one incoming entry if it is newer, or a tombstone of the same second. R-10 */
  offer(offered: InstanceDesc, at: number): void {
    const own = this.#before[at];
    if (own === offered) return;
    if (!isReplaced(own, offered)) return;
    const newer = offered.heartbeatUnixS > (own?.heartbeatUnixS ?? 0);
    const record = normalise(offered, own);
    if (newer && record.tokens !== (own?.tokens ?? Tokens.none)) this.#tokensChanged = true;
    if (own === undefined) {
      this.#added.push(record);
      this.#updated.push(record.id);
      this.#layoutChanged = true;
    } else {
      this.#replace(at, record);
    }
  }

  /** Makes tombstones of the entries that the local writer took out. R-11 */
  bury(kept: readonly InstanceDesc[], nowUnixS: number): void {
    let next = 0;
    for (const [at, own] of this.#before.entries()) {
      let order = 1;
      while (next < kept.length) {
        order = compareUtf8(kept[next]?.id ?? '', own.id);
        if (order >= 0) break;
        next++;
      }
      if (next < kept.length && order === 0) continue;
      // a tombstone must not be older than the entry, or peers would refuse it.
      if (!own.isLeft) this.#replace(at, own.tombstone(Math.max(nowUnixS, own.heartbeatUnixS)));
    }
  }

  finish(): {
    readonly records: readonly InstanceDesc[];
    readonly layout: Layout;
    readonly updated: readonly InstanceDesc[];
  } {
    let records: readonly InstanceDesc[] = this.#records ?? this.#before;
    if (this.#added.length > 0) records = [...records, ...this.#added.sort(byId)].sort(byId);
    let layout = this.#layoutChanged ? new Layout(records, this.#layout) : this.#layout;
    if (this.#tokensChanged) ({ records, layout } = repair(records, layout));
    const updated: InstanceDesc[] = [];
    for (const changed of this.#updated) {
      // Entries that were added move the others.
      const own = typeof changed === 'number' ? this.#before[changed]?.id : changed;
      const stays = typeof changed === 'number' && this.#added.length === 0;
      const record = records[stays ? changed : layout.positionOf(own ?? '')];
      if (record !== undefined) updated.push(record);
    }
    return { records, layout, updated };
  }

  #replace(at: number, record: InstanceDesc): void {
    this.#records ??= this.#before.slice();
    const own = this.#records[at];
    if (record.tokens !== own?.tokens || record.isLeft !== own.isLeft) this.#layoutChanged = true;
    this.#records[at] = record;
    this.#updated.push(at);
  }
}

/** An incoming entry as the ring keeps it: a tombstone without tokens, others with the token set they share. R-9 */
function normalise(offered: InstanceDesc, own: InstanceDesc | undefined): InstanceDesc {
  if (offered.isLeft) return offered.withTokens(Tokens.none);
  if (own?.tokens.equals(offered.tokens) === true) return offered.withTokens(own.tokens);
  return offered;
}

/** Gives every token that is held twice to one holder; the others keep their heartbeats. R-12 */
function repair(
  records: readonly InstanceDesc[],
  layout: Layout,
): { readonly records: readonly InstanceDesc[]; readonly layout: Layout } {
  if (!layout.sharesTokens) return { records, layout };
  const losers = findLosers(
    layout.index,
    (position) => records[position]?.stateCode === STATE_CODES.LEAVING,
  );
  if (losers.size === 0) return { records, layout };
  const repaired = records.slice();
  for (const [position, lost] of losers) {
    const loser = records[position];
    if (loser !== undefined) repaired[position] = loser.withTokens(loser.tokens.without(lost));
  }
  return { records: repaired, layout: new Layout(repaired, layout) };
}

function areSame(a: readonly InstanceDesc[], b: readonly InstanceDesc[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function byId(a: InstanceDesc, b: InstanceDesc): number {
  return compareUtf8(a.id, b.id);
}

function isAscending(records: readonly InstanceDesc[]): boolean {
  for (let i = 1; i < records.length; i++) {
    if (compareUtf8(records[i - 1]?.id ?? '', records[i]?.id ?? '') >= 0) return false;
  }
  return true;
}

function lastOfEach(records: readonly InstanceDesc[]): readonly InstanceDesc[] {
  const last = new Map<string, InstanceDesc>();
  for (const record of records) last.set(record.id, record);
  return last.size === records.length ? records : Array.from(last.values());
}
