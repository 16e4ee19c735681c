import type { Random } from '@ml/runtime';

/** How often a value occurred. */
export interface Weighted {
  readonly value: number;
  readonly count: number;
}

/** A part of a distribution that varies as one: what one write, or one run, has brought. */
export type Batch = readonly Weighted[];

/** An interval that a quantile lies in with 95 % confidence. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 400;

/** Values with the batches they came in. Values of one batch may depend on each other; batches do not. */
export class Distribution {
  readonly count: number;
  readonly #batches: readonly Batch[];
  readonly #sorted: readonly Weighted[];

  constructor(batches: readonly Batch[]) {
    this.#batches = batches;
    this.#sorted = sorted(batches);
    this.count = countOf(this.#sorted);
  }

  /** The smallest value that a share of `q` (0 to 1) of all does not exceed; NaN when there are none. */
  quantile(q: number): number {
    return quantileOf(this.#sorted, this.count, q);
  }

  /** Where the quantile lies: percentile bootstrap over whole batches. */
  interval(q: number, random: Random): Interval {
    const batches = this.#batches;
    const found = Array.from({ length: RESAMPLES }, () => {
      const drawn = batches.map(() => batches[random.int(batches.length)] ?? []);
      const values = sorted(drawn);
      return quantileOf(values, countOf(values), q);
    }).sort((a, b) => a - b);
    return {
      low: found[Math.floor(0.025 * RESAMPLES)] ?? Number.NaN,
      high: found[Math.ceil(0.975 * RESAMPLES) - 1] ?? Number.NaN,
    };
  }

  /** The distribution as points: this share of all is at most this value. */
  cumulative(): readonly (readonly [value: number, share: number])[] {
    let passed = 0;
    return this.#sorted.map(({ value, count }) => {
      passed += count;
      return [value, passed / this.count];
    });
  }
}

function sorted(batches: readonly Batch[]): readonly Weighted[] {
  return batches.flat().sort((a, b) => a.value - b.value);
}

function countOf(values: readonly Weighted[]): number {
  return values.reduce((sum, { count }) => sum + count, 0);
}

function quantileOf(values: readonly Weighted[], total: number, q: number): number {
  const rank = Math.max(1, Math.ceil(q * total));
  let passed = 0;
  for (const { value, count } of values) {
    passed += count;
    if (passed >= rank) return value;
  }
  return Number.NaN;
}
