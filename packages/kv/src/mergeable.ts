/** What a merge did: the merged value and the part that is new, to be sent on (`undefined`: nothing new). */
export interface MergeOutcome<T> {
  readonly value: T;
  readonly change: T | undefined;
}

/**
 * A value that replicas can merge in any order. Values are immutable: every operation returns a new value that
 * shares what did not change, so no copy is ever needed.
 *
 * Laws for `localCas: false`: idempotent and commutative; associativity is each type's own claim.
 */
export interface Mergeable<T> {
  /**
   * Merges `incoming` into this value. With `localCas` entries that are missing from `incoming` were removed by
   * the local writer and become tombstones. When `change` is `undefined` the `value` means the same as before.
   * @throws {TypeError} when `incoming` is of another type.
   */
  merge(
    incoming: T,
    options: { readonly localCas: boolean; readonly nowUnixMs: number },
  ): MergeOutcome<T>;
  /** Names of the contained items; decides whether a queued broadcast covers an older one. Empty: nothing. */
  mergeContent(): readonly string[];
  /** Drops tombstones older than `limitUnixMs` (`undefined`: all). `total` is how many are left. */
  removeTombstones(limitUnixMs: number | undefined): {
    readonly value: T;
    readonly total: number;
    readonly removed: number;
  };
}

/** A value of a type that only its codec knows: what a store of many codecs holds. Every {@link Mergeable} is one. */
export interface AnyMergeable extends Mergeable<AnyMergeable> {}
