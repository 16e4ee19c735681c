import { assert } from '@ml/runtime';
import { md5 } from '@ml/runtime/hash';
import {
  deriveAdditiveTable,
  FIRST_FEED,
  REGISTER_LENGTH,
  SEED_MODULUS,
  SEED_SKIPPED,
  seedPowers,
  type Words,
} from './go-rand-table.ts';
import { encodeUtf8 } from './utf8.ts';

/** The seed that stands in for 0, from which the seeding sequence would never get away. */
const SEED_FOR_ZERO = 89_482_311;
/** So many first draws add up words of the seed only; the next one adds the first draw. */
const SEED_DRAWS = REGISTER_LENGTH - FIRST_FEED;
const TWO_31 = 2_147_483_648;
const INT32_MAX = 2_147_483_647;

/** What all generators share; made at the first use of any. */
let shared: { readonly powers: Int32Array; readonly table: Words } | undefined;

function prepare(): { readonly powers: Int32Array; readonly table: Words } {
  if (shared === undefined) {
    const powers = seedPowers();
    shared = { powers, table: deriveAdditiveTable(powers) };
  }
  return shared;
}

/**
 * Does now what the first {@link GoRand} of the process would do: derives the generator's additive table, which takes
 * some 50 ms. A program that should answer its first shuffle-sharded request without that delay calls this at start.
 */
export function warmUpGoRand(): void {
  prepare();
}

/** The table itself, for checks: word i is `high[i]` · 2^32 + `low[i]`. */
export function goRandAdditiveTable(): Words {
  return prepare().table;
}

/**
 * Go's `math/rand` (version 1) generator, bit by bit: an additive lagged Fibonacci register of 607 words. Shuffle
 * shards are the same in every program only if their random streams are. R-23
 *
 * The first 273 draws are computed from the seed as they are asked for, without a register: a shuffle shard takes a
 * handful of draws from a generator of its own, so seeding all 607 words for it would be most of its cost.
 */
export class GoRand {
  readonly #powers: Int32Array;
  readonly #table: Words;
  readonly #seed: number;
  #drawn = 0;
  #register: Register | undefined;
  /** The halves of the last word. */
  #low = 0;
  #high = 0;

  private constructor(seed: number) {
    const { powers, table } = prepare();
    this.#powers = powers;
    this.#table = table;
    this.#seed = seed === 0 ? SEED_FOR_ZERO : seed;
  }

  /** @param seed an int64. */
  static of(seed: bigint): GoRand {
    const modulus = BigInt(SEED_MODULUS);
    return new GoRand(Number(((seed % modulus) + modulus) % modulus));
  }

  /** From the halves of an int64, `high` signed and `low` unsigned. */
  static ofHalves(high: number, low: number): GoRand {
    // 2^32 is 2 modulo 2^31 - 1.
    const seed = (high * 2 + low) % SEED_MODULUS;
    return new GoRand(seed < 0 ? seed + SEED_MODULUS : seed);
  }

  /** An unsigned 32-bit number. As `Rand.Uint32` in Go. */
  uint32(): number {
    this.#step();
    return ((this.#high << 1) | (this.#low >>> 31)) >>> 0;
  }

  /** An unsigned 64-bit number. As `Rand.Uint64` in Go. */
  uint64(): bigint {
    this.#step();
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0);
  }

  /** A number from 0 to `bound` - 1, `bound` being from 1 to 2^31 - 1. As `Rand.Intn` in Go. */
  intn(bound: number): number {
    assert(Number.isInteger(bound) && bound > 0 && bound <= INT32_MAX, `bound ${bound} of intn`);
    if ((bound & (bound - 1)) === 0) return this.#int31() & (bound - 1);
    const largest = INT32_MAX - (TWO_31 % bound);
    let value = this.#int31();
    while (value > largest) value = this.#int31();
    return value % bound;
  }

  #int31(): number {
    this.#step();
    return this.#high & INT32_MAX;
  }

  #step(): void {
    if (this.#drawn < SEED_DRAWS) {
      this.#draw(this.#drawn++);
      return;
    }
    this.#register ??= this.#makeRegister();
    const at = this.#register.step();
    this.#low = this.#register.low[at] ?? 0;
    this.#high = this.#register.high[at] ?? 0;
  }

  /** Draw number `n` (from 0), one of the first {@link SEED_DRAWS}. */
  #draw(n: number): void {
    this.#word(REGISTER_LENGTH - 1 - n);
    const low = this.#low >>> 0;
    const high = this.#high;
    this.#word(FIRST_FEED - 1 - n);
    const sum = low + (this.#low >>> 0);
    this.#low = sum | 0;
    this.#high = (high + this.#high + (sum > 0xffffffff ? 1 : 0)) | 0;
  }

  /** Word `i` of the register as the seed makes it. */
  #word(i: number): void {
    const n = SEED_SKIPPED + 1 + 3 * i;
    const powers = this.#powers;
    const x1 = timesMod(this.#seed, powers[n] ?? 0);
    const x2 = timesMod(this.#seed, powers[n + 1] ?? 0);
    const x3 = timesMod(this.#seed, powers[n + 2] ?? 0);
    this.#low = (x2 << 20) ^ x3 ^ (this.#table.low[i] ?? 0);
    this.#high = (x1 << 8) ^ (x2 >>> 12) ^ (this.#table.high[i] ?? 0);
  }

  /** The register after the first {@link SEED_DRAWS} draws. */
  #makeRegister(): Register {
    const register = new Register();
    for (let i = 0; i < REGISTER_LENGTH; i++) {
      this.#word(i);
      register.low[i] = this.#low;
      register.high[i] = this.#high;
    }
    for (let n = 0; n < SEED_DRAWS; n++) register.step();
    return register;
  }
}

/** The whole state of a generator. */
class Register {
  readonly low: Int32Array = new Int32Array(REGISTER_LENGTH);
  readonly high: Int32Array = new Int32Array(REGISTER_LENGTH);
  #tap = 0;
  #feed = FIRST_FEED;

  /** Makes the next word and returns where it lies. */
  step(): number {
    const { low, high } = this;
    const tap = this.#tap === 0 ? REGISTER_LENGTH - 1 : this.#tap - 1;
    const feed = this.#feed === 0 ? REGISTER_LENGTH - 1 : this.#feed - 1;
    this.#tap = tap;
    this.#feed = feed;
    const sum = ((low[feed] ?? 0) >>> 0) + ((low[tap] ?? 0) >>> 0);
    low[feed] = sum;
    high[feed] = (high[feed] ?? 0) + (high[tap] ?? 0) + (sum > 0xffffffff ? 1 : 0);
    return feed;
  }
}

/**
 * The seed of an identifier's shuffle shard in a zone, a signed 64-bit number: the first half of the MD5 of both. The
 * empty zone stands for rings without zone awareness. As `ShuffleShardSeed` in dskit. R-23
 */
export function shuffleShardSeed(identifier: string, zone: string): bigint {
  const { high, low } = seedHalves(identifier, zone);
  return BigInt(high) * 4_294_967_296n + BigInt(low);
}

/** The random stream of an identifier's shuffle shard in a zone. */
export function shuffleShardRand(identifier: string, zone: string): GoRand {
  const { high, low } = seedHalves(identifier, zone);
  return GoRand.ofHalves(high, low);
}

function seedHalves(
  identifier: string,
  zone: string,
): { readonly high: number; readonly low: number } {
  const digest = md5(encodeUtf8(zone === '' ? identifier : `${identifier}\0${zone}`));
  const view = new DataView(digest.buffer, digest.byteOffset);
  return { high: view.getInt32(0), low: view.getUint32(4) };
}

/** `a · b` modulo 2^31 - 1, neither a multiple of it. Every step is exact in a double. */
function timesMod(a: number, b: number): number {
  const upper = fold(a * (b >>> 16));
  const product = fold(upper * 65_536 + a * (b & 0xffff));
  return product >= SEED_MODULUS ? product - SEED_MODULUS : product;
}

/** A number below 2^49 brought below 2^31 + 2^18, the same modulo 2^31 - 1. */
function fold(value: number): number {
  const above = Math.floor(value / TWO_31);
  return value - above * TWO_31 + above;
}
