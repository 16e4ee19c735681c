/** Buckets per doubling: quantiles are right within 1.1 %. */
const STEPS = 64;

/** What a {@link Histogram} comes to. All 0 when it is empty. */
export interface HistogramSummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** Durations, counted in buckets that grow with their size: any number of them in little memory. */
export class Histogram {
  readonly #counts = new Map<number, number>();
  #count = 0;
  #sum = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds a value of 0 or more. */
  add(value: number): void {
    const bucket = value <= 0 ? Number.NEGATIVE_INFINITY : Math.ceil(Math.log2(value) * STEPS);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#count += 1;
    this.#sum += value;
    this.#max = Math.max(this.#max, value);
  }

  /** The value that a share of `q` (0 to 1) of all does not exceed; 0 when empty. */
  quantile(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.#count));
    let passed = 0;
    for (const [bucket, count] of this.#ordered()) {
      passed += count;
      if (passed >= rank) return Math.min(this.#max, upperOf(bucket));
    }
    return 0;
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  get max(): number {
    return this.#max;
  }

  summary(): HistogramSummary {
    const [p50 = 0, p90 = 0, p99 = 0] = [0.5, 0.9, 0.99].map((q) => this.quantile(q));
    return { count: this.#count, mean: this.mean, p50, p90, p99, max: this.#max };
  }

  /** The distribution as points: this share of all is at most this value. */
  cumulative(): readonly { readonly value: number; readonly share: number }[] {
    let passed = 0;
    return this.#ordered().map(([bucket, count]) => {
      passed += count;
      return { value: Math.min(this.#max, upperOf(bucket)), share: passed / this.#count };
    });
  }

  #ordered(): readonly (readonly [bucket: number, count: number])[] {
    return [...this.#counts].sort((a, b) => a[0] - b[0]);
  }
}

function upperOf(bucket: number): number {
  return bucket === Number.NEGATIVE_INFINITY ? 0 : 2 ** (bucket / STEPS);
}
