/** Until which times a shard that was computed for one look-back time stays the same, both ends inclusive. */
export interface ShardWindow {
  readonly fromUnixS: number;
  readonly toUnixS: number;
}

interface Entry<T> {
  readonly shard: T;
  readonly window: ShardWindow | undefined;
}

/** Shards of one ring by identifier and size; the ones used longest ago make room. */
export class ShardCache<T> {
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @param untilUnixS start of the look-back; `undefined`: none. */
  get(key: string, untilUnixS: number | undefined): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || !isValid(entry.window, untilUnixS)) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.shard;
  }

  /** Keeps a shard; one with a later window is not replaced by one with an earlier. */
  set(key: string, shard: T, window: ShardWindow | undefined): void {
    const known = this.#entries.get(key)?.window;
    if (known !== undefined && window !== undefined && known.fromUnixS > window.fromUnixS) return;
    this.#entries.delete(key);
    this.#entries.set(key, { shard, window });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#capacity) return;
      this.#entries.delete(oldest);
    }
  }
}

function isValid(window: ShardWindow | undefined, untilUnixS: number | undefined): boolean {
  if (window === undefined || untilUnixS === undefined) return window === untilUnixS;
  return untilUnixS >= window.fromUnixS && untilUnixS <= window.toUnixS;
}
