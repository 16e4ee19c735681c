/** Sources remembered at most; beyond that the one seen longest ago is forgotten. */
const MAX_SOURCES = 1024;

interface Bucket {
  tokens: number;
  at: number;
}

/** A token bucket for each source. */
export class RateLimiter {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();

  /** `perS` on the long run, `burst` at once. */
  constructor(options: { readonly perS: number; readonly burst: number }) {
    this.#perMs = options.perS / 1000;
    this.#burst = options.burst;
  }

  /** Takes a token of `source`; false when it has none left. */
  take(now: number, source = ''): boolean {
    const before = this.#buckets.get(source) ?? { tokens: this.#burst, at: now };
    const tokens = Math.min(this.#burst, before.tokens + (now - before.at) * this.#perMs);
    const allowed = tokens >= 1;
    this.#buckets.delete(source);
    this.#buckets.set(source, { tokens: allowed ? tokens - 1 : tokens, at: now });
    this.#forgetOldest();
    return allowed;
  }

  /** How long `source` has to wait for its next token. */
  waitMs(now: number, source = ''): number {
    const bucket = this.#buckets.get(source);
    if (bucket === undefined) return 0;
    const tokens = Math.min(this.#burst, bucket.tokens + (now - bucket.at) * this.#perMs);
    return tokens >= 1 ? 0 : (1 - tokens) / this.#perMs;
  }

  #forgetOldest(): void {
    if (this.#buckets.size <= MAX_SOURCES) return;
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      return;
    }
  }
}
