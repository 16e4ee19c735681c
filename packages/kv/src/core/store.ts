import type { AnyMergeable } from '../mergeable.ts';

/** What the store holds under one key. Values are immutable, so an entry may be kept. */
export interface StoreEntry {
  /** The whole value, tombstones included. */
  readonly value: AnyMergeable;
  /** Counts the accepted changes since this process stored the key; never leaves the process. */
  readonly version: number;
  readonly codecId: string;
  /** Marked for deletion. The value stays readable until it is purged. // K-11 */
  readonly deleted: boolean;
  /** When it was deleted, by the clock of who deleted it; `undefined` when it was not. */
  readonly updateUnixMs: number | undefined;
}

/** One write, by a local CAS, a peer's message or a peer's full state. */
export interface Incoming {
  readonly key: string;
  readonly value: AnyMergeable;
  readonly codecId: string;
  readonly deleted: boolean;
  readonly updateUnixMs: number | undefined;
}

/** An accepted change: what to tell watchers and peers. */
export interface StoreUpdate {
  readonly key: string;
  /** The part that is new. */
  readonly change: AnyMergeable;
  /** Names of the items in {@link change}. */
  readonly content: readonly string[];
  readonly entry: StoreEntry;
}

export type MergeResult =
  | { readonly type: 'changed'; readonly update: StoreUpdate }
  | { readonly type: 'unchanged' }
  /** The entry is not of the version that the writer read. */
  | { readonly type: 'conflict' }
  /** The key holds a value of another codec. // K-19 */
  | { readonly type: 'codecMismatch'; readonly storedCodecId: string }
  /** A new key beyond {@link StoreOptions.maxKeys}. */
  | { readonly type: 'full' };

/** Told after each merge that counted tombstones. */
export interface TombstoneObserver {
  counted(key: string, total: number, removed: number): void;
}

export interface StoreOptions {
  /** How long tombstones inside values live; 0: for ever. As -memberlist.left-ingesters-timeout in dskit. */
  readonly tombstoneTimeoutMs: number;
  /** Keys that are not stored because there are this many already are refused, whoever writes them. */
  readonly maxKeys: number;
  readonly tombstones?: TombstoneObserver;
}

interface Row {
  entry: StoreEntry;
  /** By our clock, when the mark of deletion was accepted. */
  deletedUnixMs: number | undefined;
  /** The value without tombstones; made when first asked for. */
  visible: AnyMergeable | undefined;
}

const UNCHANGED = { type: 'unchanged' } as const;

/** The table of keys and the one way to write into it. Synchronous: a write is atomic because it is one call. */
export class KvStore {
  readonly #options: StoreOptions;
  readonly #rows = new Map<string, Row>();

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** Number of keys, deleted ones included. */
  get size(): number {
    return this.#rows.size;
  }

  get(key: string): StoreEntry | undefined {
    return this.#rows.get(key)?.entry;
  }

  /** The value as readers see it: without tombstones. The same object until the entry changes. */
  visible(key: string): AnyMergeable | undefined {
    const row = this.#rows.get(key);
    if (row === undefined) return undefined;
    row.visible ??= row.entry.value.removeTombstones(undefined).value;
    return row.visible;
  }

  entries(): IterableIterator<readonly [key: string, entry: StoreEntry]> {
    return this.#entries();
  }

  *#entries(): Generator<readonly [string, StoreEntry]> {
    for (const [key, row] of this.#rows) yield [key, row.entry];
  }

  /** Keys that start with `prefix`, deleted but not yet purged ones included. */
  keys(prefix: string): readonly string[] {
    return [...this.#rows.keys()].filter((key) => key.startsWith(prefix));
  }

  /**
   * Merges a write. `casVersion` is the version that a local writer read (0: the key was absent, which is a plain
   * merge without detection of removed items); `undefined` for writes of peers.
   * @throws whatever the value's `merge` throws; nothing is changed then.
   */
  merge(incoming: Incoming, casVersion: number, nowUnixMs: number): MergeResult {
    const row = this.#rows.get(incoming.key);
    if (row === undefined) {
      if (incoming.deleted) return UNCHANGED; // K-12: a delete never creates a key.
      if (casVersion > 0) return { type: 'conflict' };
      return this.#create(incoming, nowUnixMs);
    }
    if (casVersion > 0 && casVersion !== row.entry.version) return { type: 'conflict' };
    if (row.entry.codecId !== incoming.codecId) {
      return { type: 'codecMismatch', storedCodecId: row.entry.codecId };
    }
    const merged = row.entry.value.merge(incoming.value, { localCas: casVersion > 0, nowUnixMs });
    return this.#accept(row, incoming, merged.value, merged.change, nowUnixMs);
  }

  /** Marks a key as deleted; `undefined` when it is absent or already marked. */
  delete(key: string, nowUnixMs: number): StoreUpdate | undefined {
    const row = this.#rows.get(key);
    if (row === undefined || row.entry.deleted) return undefined;
    const { value, codecId } = row.entry;
    const incoming = { key, value, codecId, deleted: true, updateUnixMs: nowUnixMs };
    const result = this.#accept(row, incoming, value, undefined, nowUnixMs);
    return result.type === 'changed' ? result.update : undefined;
  }

  /**
   * Forgets keys that were deleted more than `timeoutMs` ago and returns them. A delete by a clock ahead of ours
   * ages from when we accepted it, so that no peer can keep a key for ever. // K-14
   */
  purge(nowUnixMs: number, timeoutMs: number): readonly string[] {
    const purged: string[] = [];
    for (const [key, row] of this.#rows) {
      const { deleted, updateUnixMs } = row.entry;
      if (!deleted || updateUnixMs === undefined) continue;
      const since = Math.min(updateUnixMs, row.deletedUnixMs ?? updateUnixMs);
      if (nowUnixMs - since > timeoutMs) purged.push(key);
    }
    for (const key of purged) this.#rows.delete(key);
    return purged;
  }

  #create(incoming: Incoming, nowUnixMs: number): MergeResult {
    const { key, codecId } = incoming;
    if (incoming.value.mergeContent().length === 0) return UNCHANGED;
    const value = this.#withoutOldTombstones(key, incoming.value, nowUnixMs);
    const content = value.mergeContent();
    if (content.length === 0) return UNCHANGED;
    if (this.#rows.size >= this.#options.maxKeys) return { type: 'full' };
    const entry = { value, version: 1, codecId, deleted: false, updateUnixMs: undefined };
    this.#rows.set(key, { entry, deletedUnixMs: undefined, visible: undefined });
    return { type: 'changed', update: { key, change: value, content, entry } };
  }

  #accept(
    row: Row,
    incoming: Incoming,
    merged: AnyMergeable,
    delta: AnyMergeable | undefined,
    nowUnixMs: number,
  ): MergeResult {
    const old = row.entry;
    const { key, codecId } = incoming;
    const marks = this.#marks(old, incoming);
    const flipped = marks.deleted !== old.deleted;
    let change = delta === undefined || delta.mergeContent().length === 0 ? undefined : delta;
    if (change === undefined && !flipped) return UNCHANGED;

    const value = this.#withoutOldTombstones(key, merged, nowUnixMs);
    if (change !== undefined && this.#options.tombstoneTimeoutMs > 0) {
      change = change.removeTombstones(nowUnixMs - this.#options.tombstoneTimeoutMs).value;
      if (change.mergeContent().length === 0) change = undefined;
    }
    if (change === undefined && !flipped) {
      // Only tombstones too old to be worth a message: kept out of the value without a new version.
      row.entry = { ...old, value };
      row.visible = undefined;
      return UNCHANGED;
    }
    const entry = { value, version: old.version + 1, codecId, ...marks };
    row.entry = entry;
    row.visible = undefined;
    if (flipped) row.deletedUnixMs = nowUnixMs;
    const told = change ?? value;
    return {
      type: 'changed',
      update: { key, change: told, content: told.mergeContent(), entry },
    };
  }

  /** The mark of deletion after a write: never cleared, the first accepted time stays. // K-13 */
  #marks(old: StoreEntry, incoming: Incoming): Pick<StoreEntry, 'deleted' | 'updateUnixMs'> {
    const time = incoming.updateUnixMs;
    const newer =
      time !== undefined &&
      time !== 0 &&
      (old.updateUnixMs === undefined || time > old.updateUnixMs);
    if (incoming.deleted && newer) return { deleted: true, updateUnixMs: time };
    return { deleted: old.deleted, updateUnixMs: old.updateUnixMs };
  }

  #withoutOldTombstones(key: string, value: AnyMergeable, nowUnixMs: number): AnyMergeable {
    const { tombstoneTimeoutMs, tombstones } = this.#options;
    if (tombstoneTimeoutMs <= 0) return value;
    const rest = value.removeTombstones(nowUnixMs - tombstoneTimeoutMs);
    tombstones?.counted(key, rest.total, rest.removed);
    return rest.value;
  }
}
