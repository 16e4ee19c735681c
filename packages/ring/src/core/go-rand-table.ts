/** Words of the generator's register. */
export const REGISTER_LENGTH = 607;
/** Where the register's writing position stands before the first step. */
export const FIRST_FEED = 334;
/** How far back the second term of the recurrence lies. */
const TAP = 273;
/** The steps that the register behind the table has taken. */
const STEPS = 7_800_000_000_000;

/** The modulus of the seeding sequence, the prime 2^31 - 1. */
export const SEED_MODULUS = 2_147_483_647;
const SEED_MULTIPLIER = 48_271;
/** Values of the seeding sequence that are thrown away. */
export const SEED_SKIPPED = 20;

/** 64-bit words in halves. */
export interface Words {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/**
 * Powers 0 … 1841 of the seeding multiplier. The seeding sequence is linear, so value n of the sequence from seed s
 * is `s · powers[n]`: any word of a register can be computed without the ones before it.
 */
export function seedPowers(): Int32Array {
  const powers = new Int32Array(SEED_SKIPPED + 3 * REGISTER_LENGTH + 1);
  let power = 1;
  for (let n = 0; n < powers.length; n++) {
    powers[n] = power;
    // Below 2^47: exact.
    power = (power * SEED_MULTIPLIER) % SEED_MODULUS;
  }
  return powers;
}

/**
 * The 607 constants that Go's generator mixes into every seed: its own register after 7.8 · 10^12 steps from a plainer
 * seeding, found by computing t^steps modulo t^607 - t^334 - 1, the polynomial of the recurrence
 * x(n) = x(n-607) + x(n-273) mod 2^64. Some 50 ms of work.
 */
export function deriveAdditiveTable(powers: Int32Array): Words {
  const window = firstWindow(powers);
  const factors = powerOfT(STEPS);
  const sums = new Limbs(REGISTER_LENGTH);
  for (let j = 0; j < REGISTER_LENGTH; j++) {
    sums.addScaled(window.slice(j, j + REGISTER_LENGTH), factors.at(j), 0);
  }
  sums.carry();
  const table = { low: new Int32Array(REGISTER_LENGTH), high: new Int32Array(REGISTER_LENGTH) };
  for (let m = 0; m < REGISTER_LENGTH; m++) {
    const n = STEPS - (REGISTER_LENGTH - 1) + m;
    const at = REGISTER_LENGTH - 1 - ((n - FIRST_FEED - 1) % REGISTER_LENGTH);
    const [low, high] = sums.word(m);
    table.low[at] = low;
    table.high[at] = high;
  }
  return table;
}

/** x(-606) … x(606) from the plain seeding 1. */
function firstWindow(powers: Int32Array): Limbs {
  const window = new Limbs(2 * REGISTER_LENGTH - 1);
  for (let n = 0; n < REGISTER_LENGTH; n++) {
    // Position n of the window is x(n - 606), which lies in the register at (334 - (n - 606)) mod 607.
    const i = (FIRST_FEED + REGISTER_LENGTH - 1 - n) % REGISTER_LENGTH;
    const from = SEED_SKIPPED + 1 + 3 * i;
    const [x1, x2, x3] = [powers[from] ?? 0, powers[from + 1] ?? 0, powers[from + 2] ?? 0];
    window.set(n, (x1 << 20) ^ (x2 << 10) ^ x3, (x1 >>> 12) ^ (x2 >>> 22));
  }
  for (let n = REGISTER_LENGTH; n < window.length; n++) {
    window.add(n, n - REGISTER_LENGTH);
    window.add(n, n - TAP);
    window.carryAt(n);
  }
  return window;
}

/** t^exponent modulo the recurrence's polynomial, by squaring and multiplying with t. */
function powerOfT(exponent: number): Limbs {
  const bits = exponent.toString(2);
  let power = new Limbs(REGISTER_LENGTH);
  // A power below t^607 is one term.
  power.set(Number.parseInt(bits.slice(0, 9), 2), 1, 0);
  for (const bit of bits.slice(9)) {
    power = reduce(power.square());
    if (bit === '1') power = reduce(power.shifted());
  }
  return power;
}

/** Replaces t^607 and above by what they equal: t^607 = t^334 + 1. */
function reduce(product: Limbs): Limbs {
  for (let k = product.length - 1; k >= REGISTER_LENGTH; k--) {
    product.add(k - REGISTER_LENGTH, k);
    product.add(k - TAP, k);
  }
  const reduced = product.slice(0, REGISTER_LENGTH);
  reduced.carry();
  return reduced;
}

const LIMB = 2 ** 22;
/** The topmost limb counts modulo this: 22 + 22 + 20 bits are 64. */
const TOP_LIMB = 2 ** 20;

/**
 * Numbers modulo 2^64 as three signed limbs of 22 bits (the topmost of 20). Between -2^21 and 2^21 their products
 * stay below 2^42, and the sum of 1821 such products, the most that one column gets here, is still exact in a double.
 */
class Limbs {
  readonly length: number;
  readonly #a: Float64Array;
  readonly #b: Float64Array;
  readonly #c: Float64Array;

  constructor(length: number, columns?: readonly [Float64Array, Float64Array, Float64Array]) {
    this.length = length;
    const [a, b, c] = columns ?? [
      new Float64Array(length),
      new Float64Array(length),
      new Float64Array(length),
    ];
    this.#a = a;
    this.#b = b;
    this.#c = c;
  }

  set(at: number, low: number, high: number): void {
    this.#a[at] = low & (LIMB - 1);
    this.#b[at] = ((low >>> 22) | (high << 10)) & (LIMB - 1);
    this.#c[at] = high >>> 12;
    this.carryAt(at);
  }

  /** The number at `at` as two signed halves. */
  word(at: number): readonly [low: number, high: number] {
    let a = this.#a[at] ?? 0;
    let b = this.#b[at] ?? 0;
    let c = this.#c[at] ?? 0;
    if (a < 0) {
      a += LIMB;
      b -= 1;
    }
    if (b < 0) {
      b += LIMB;
      c -= 1;
    }
    return [a | (b << 22), (b >>> 10) | (c << 12)];
  }

  at(index: number): readonly [a: number, b: number, c: number] {
    return [this.#a[index] ?? 0, this.#b[index] ?? 0, this.#c[index] ?? 0];
  }

  slice(from: number, to: number): Limbs {
    const columns = [
      this.#a.slice(from, to),
      this.#b.slice(from, to),
      this.#c.slice(from, to),
    ] as const;
    return new Limbs(to - from, [...columns]);
  }

  /** Times t. */
  shifted(): Limbs {
    const shifted = new Limbs(this.length + 1);
    shifted.#a.set(this.#a, 1);
    shifted.#b.set(this.#b, 1);
    shifted.#c.set(this.#c, 1);
    return shifted;
  }

  /** Adds the number at `from` to that at `to`; carry before limbs grow. */
  add(to: number, from: number): void {
    this.#a[to] = (this.#a[to] ?? 0) + (this.#a[from] ?? 0);
    this.#b[to] = (this.#b[to] ?? 0) + (this.#b[from] ?? 0);
    this.#c[to] = (this.#c[to] ?? 0) + (this.#c[from] ?? 0);
  }

  /** Adds `others`, each times `factor`, from position `offset` on. Products from 2^64 up fall away. */
  addScaled(
    others: Limbs,
    factor: readonly [number, number, number],
    offset: number,
    first: number = 0,
  ): void {
    const [x, y, z] = factor;
    const a = this.#a;
    const b = this.#b;
    const c = this.#c;
    const p = others.#a;
    const q = others.#b;
    const r = others.#c;
    for (let j = first, k = offset + first; j < others.length; j++, k++) {
      const pj = p[j] ?? 0;
      const qj = q[j] ?? 0;
      a[k] = (a[k] ?? 0) + x * pj;
      b[k] = (b[k] ?? 0) + (x * qj + y * pj);
      c[k] = (c[k] ?? 0) + (x * (r[j] ?? 0) + y * qj + z * pj);
    }
  }

  /** The square of a polynomial with these coefficients. */
  square(): Limbs {
    const product = new Limbs(2 * this.length - 1);
    // Each pair of different coefficients once, then doubled.
    for (let i = 0; i + 1 < this.length; i++) product.addScaled(this, this.at(i), i, i + 1);
    for (const column of [product.#a, product.#b, product.#c]) {
      for (let k = 0; k < column.length; k++) column[k] = 2 * (column[k] ?? 0);
    }
    for (let i = 0; i < this.length; i++) {
      const [x, y, z] = this.at(i);
      product.#a[2 * i] = (product.#a[2 * i] ?? 0) + x * x;
      product.#b[2 * i] = (product.#b[2 * i] ?? 0) + 2 * x * y;
      product.#c[2 * i] = (product.#c[2 * i] ?? 0) + 2 * x * z + y * y;
    }
    product.carry();
    return product;
  }

  /** Brings all limbs back to their size. */
  carry(): void {
    for (let at = 0; at < this.length; at++) this.carryAt(at);
  }

  carryAt(at: number): void {
    const a = this.#a[at] ?? 0;
    const toB = Math.round(a / LIMB);
    const b = (this.#b[at] ?? 0) + toB;
    const toC = Math.round(b / LIMB);
    const c = (this.#c[at] ?? 0) + toC;
    this.#a[at] = a - toB * LIMB;
    this.#b[at] = b - toC * LIMB;
    this.#c[at] = c - Math.round(c / TOP_LIMB) * TOP_LIMB;
  }
}
