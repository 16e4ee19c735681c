import type { Subring, SubringObserver } from './subring.ts';

/** How much a cache of subrings holds. */
export interface SubringCacheLimits {
  /** Identifiers; of those that were not asked for lately one makes room for the next. */
  readonly maxIdentifiers: number;
  /** Subrings of one identifier, by size and look-back; the oldest makes room. */
  readonly maxPerIdentifier: number;
  /** Tokens in the indexes of all subrings, about 20 bytes each; the oldest index makes room and is made again when needed. */
  readonly maxTokens: number;
}

/** What a ring keeps by itself: some 100 MB at the very most, and a few MB for ten thousand tenants that rest. */
export const SUBRING_CACHE_LIMITS: SubringCacheLimits = {
  maxIdentifiers: 10_000,
  maxPerIdentifier: 8,
  maxTokens: 4_194_304,
};

/** A subring with what it is good for. */
export interface CachedSubring<T> {
  readonly size: number;
  /** 0: none. */
  readonly lookbackMs: number;
  /** The members hold for look-backs to this time, in Unix seconds… */
  readonly fromUnixS: number;
  /** …up to this one, both inclusive. */
  readonly toUnixS: number;
  readonly ring: T;
}

interface Kept<T> {
  /** Whether it was asked for since it was last passed over. */
  used: boolean;
  entries: readonly CachedSubring<T>[];
}

/** The subrings of one topology of a ring by identifier. R-25 */
export class SubringCache<T> implements SubringObserver {
  readonly #limits: SubringCacheLimits;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #indexed = new Map<Subring, number>();
  #tokens = 0;

  constructor(limits: SubringCacheLimits = SUBRING_CACHE_LIMITS) {
    this.#limits = limits;
  }

  /** Identifiers with subrings. */
  get size(): number {
    return this.#kept.size;
  }

  /** Tokens in the indexes of all subrings. */
  get tokens(): number {
    return this.#tokens;
  }

  /** @param sinceUnixS how far a look-back reaches; 0 without one. */
  get(
    identifier: string,
    size: number,
    lookbackMs: number,
    sinceUnixS: number,
  ): CachedSubring<T> | undefined {
    const kept = this.#kept.get(identifier);
    if (kept === undefined) return undefined;
    kept.used = true;
    for (const entry of kept.entries) {
      if (entry.size !== size || entry.lookbackMs !== lookbackMs) continue;
      if (sinceUnixS >= entry.fromUnixS && sinceUnixS <= entry.toUnixS) return entry;
    }
    return undefined;
  }

  /** Keeps a subring; one that looks back to a later time is not replaced by one that looks back further. */
  set(identifier: string, entry: CachedSubring<T>): void {
    const kept = this.#kept.get(identifier);
    if (kept === undefined) {
      this.#makeRoom();
      this.#kept.set(identifier, { used: true, entries: [entry] });
      return;
    }
    const isSame = (other: CachedSubring<T>): boolean =>
      other.size === entry.size && other.lookbackMs === entry.lookbackMs;
    const known = kept.entries.find(isSame);
    if (known !== undefined && known.fromUnixS > entry.fromUnixS) return;
    const others = kept.entries.filter((other) => !isSame(other));
    kept.entries = [entry, ...others].slice(0, this.#limits.maxPerIdentifier);
  }

  delete(identifier: string): void {
    this.#kept.delete(identifier);
  }

  indexed(subring: Subring, tokens: number): void {
    this.#indexed.set(subring, tokens);
    this.#tokens += tokens;
    for (const [oldest, count] of this.#indexed) {
      if (this.#tokens <= this.#limits.maxTokens || oldest === subring) break;
      this.#indexed.delete(oldest);
      this.#tokens -= count;
      oldest.release();
    }
  }

  #makeRoom(): void {
    if (this.#kept.size < this.#limits.maxIdentifiers) return;
    for (const [identifier, kept] of this.#kept) {
      this.#kept.delete(identifier);
      if (!kept.used) return;
      kept.used = false;
      this.#kept.set(identifier, kept);
    }
  }
}
