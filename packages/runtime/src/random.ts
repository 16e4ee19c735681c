import { assert } from './errors.ts';

/** A stream of random numbers. One seed gives one stream, on every platform. */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2^-53. */
  float(): number;
  /** A uniform integer in [0, bound); `bound` is an integer from 1 to 2^32. */
  int(bound: number): number;
  bytes(length: number): Uint8Array;
  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /**
   * An independent stream that depends on this stream's seed and the label alone: draws made here change nothing
   * there. Equal labels give equal streams.
   */
  fork(label: string): Random;
}

/**
 * The generator behind every {@link Random} of this package: xoshiro256** 1.0 (Blackman, Vigna), its state filled
 * by splitmix64. Fit for simulation and protocol jitter, not for secrets.
 * @param seed any bigint (its low 64 bits count) or a safe integer; equal seeds give equal streams.
 */
export function seededRandom(seed: bigint | number): Random {
  assert(typeof seed === 'bigint' || Number.isSafeInteger(seed), `seed ${seed} is not an integer`);
  return new Xoshiro256(BigInt.asUintN(64, BigInt(seed)));
}

const TWO_32 = 2 ** 32;
const GOLDEN = 0x9e3779b97f4a7c15n;

/** The 64-bit words of the state lie in pairs [low, high]; no BigInt once it is built. */
class Xoshiro256 implements Random {
  readonly #seed: bigint;
  readonly #state = new Uint32Array(8);
  /** Low half of the last output; {@link #next} returns the high one, which has the better bits. */
  #low = 0;

  constructor(seed: bigint) {
    this.#seed = seed;
    let x = seed;
    for (let word = 0; word < 4; word++) {
      x = BigInt.asUintN(64, x + GOLDEN);
      const filled = mix64(x);
      this.#state[2 * word] = Number(filled & 0xffffffffn);
      this.#state[2 * word + 1] = Number(filled >> 32n);
    }
  }

  float(): number {
    const high = this.#next();
    return (high * 2_097_152 + (this.#low >>> 11)) / 9_007_199_254_740_992;
  }

  int(bound: number): number {
    assert(
      Number.isInteger(bound) && bound >= 1 && bound <= TWO_32,
      `bound ${bound} is outside 1..2^32`,
    );
    if (bound > 2 ** 21) {
      // Values past the largest multiple of the bound would favour the small results; draw again.
      const limit = TWO_32 - (TWO_32 % bound);
      let value = this.#next();
      while (value >= limit) value = this.#next();
      return value % bound;
    }
    // Lemire's method: the result is the upper half of a product, exact below 2^53, and a division is hardly ever needed.
    let product = this.#next() * bound;
    let low = product >>> 0;
    if (low < bound) {
      const least = TWO_32 % bound;
      while (low < least) {
        product = this.#next() * bound;
        low = product >>> 0;
      }
    }
    return (product - low) / TWO_32;
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i += 8) {
      const high = this.#next();
      const low = this.#low;
      const end = Math.min(8, length - i);
      for (let j = 0; j < end; j++) out[i + j] = j < 4 ? low >>> (8 * j) : high >>> (8 * (j - 4));
    }
    return out;
  }

  shuffle<T>(items: readonly T[]): T[] {
    // Inside out: each item goes to a random place, and the item there to the end.
    const out: T[] = [];
    for (const item of items) {
      const place = this.int(out.length + 1);
      out.push(...out.splice(place, 1, item));
    }
    return out;
  }

  fork(label: string): Random {
    return new Xoshiro256(mix64(mix64(this.#seed ^ GOLDEN) + fnv1a64(label)));
  }

  #next(): number {
    const s = this.#state;
    const s0l = s[0] ?? 0;
    const s0h = s[1] ?? 0;
    const s1l = s[2] ?? 0;
    const s1h = s[3] ?? 0;
    let s2l = s[4] ?? 0;
    let s2h = s[5] ?? 0;
    let s3l = s[6] ?? 0;
    let s3h = s[7] ?? 0;

    // rotl(s1 * 5, 7) * 9
    const by5 = s1l * 5;
    const m5l = by5 >>> 0;
    const m5h = (Math.imul(s1h, 5) + Math.floor(by5 / TWO_32)) >>> 0;
    const rl = ((m5l << 7) | (m5h >>> 25)) >>> 0;
    const rh = ((m5h << 7) | (m5l >>> 25)) >>> 0;
    const by9 = rl * 9;
    this.#low = by9 >>> 0;
    const high = (Math.imul(rh, 9) + Math.floor(by9 / TWO_32)) >>> 0;

    s2l ^= s0l;
    s2h ^= s0h;
    s3l ^= s1l;
    s3h ^= s1h;
    s[2] = s1l ^ s2l;
    s[3] = s1h ^ s2h;
    s[0] = s0l ^ s3l;
    s[1] = s0h ^ s3h;
    s[4] = s2l ^ (s1l << 17);
    s[5] = s2h ^ ((s1h << 17) | (s1l >>> 15));
    // rotl(s3, 45) = swap the halves, then rotl 13
    s[6] = (s3h << 13) | (s3l >>> 19);
    s[7] = (s3l << 13) | (s3h >>> 19);
    return high;
  }
}

/** The output function of splitmix64 (Steele, Lea, Flood). */
function mix64(value: bigint): bigint {
  let z = BigInt.asUintN(64, value);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** FNV-1a with 64 bits, in halves: the prime is 2^40 + 0x1b3. */
function fnv1a64(text: string): bigint {
  let low = 0x84222325;
  let high = 0xcbf29ce4;
  for (const byte of new TextEncoder().encode(text)) {
    const mixed = (low ^ byte) >>> 0;
    const product = mixed * 0x1b3;
    low = product >>> 0;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / TWO_32) + (mixed << 8)) >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}
