import { type PackedTokens, unpackTokens } from './packed-tokens.ts';
import { TokenColumn, Tokens } from './tokens.ts';

/** A column with this many tokens takes no more sets: so much one set keeps in memory at most beside itself. */
const COLUMN_TOKENS = 2048;
/** Space for larger sets is not kept. */
const MAX_KEPT_TOKENS = 65_536;

/** Where columns are filled, since nobody knows beforehand how many tokens there are in so many bytes. */
let scratch = new Uint32Array(2 * COLUMN_TOKENS);

/**
 * Decodes the token sets of one message into columns: a piece of memory for every set would cost as much time as
 * decoding it. Only one at a time, within one turn.
 */
export class TokenUnpacker {
  #column = new TokenColumn(scratch);
  #used = 0;

  /**
   * The tokens in packed varints, sorted and each once whatever a peer wrote. Nothing of the message is kept.
   * @throws {WireError} when the varints are damaged.
   */
  unpack(packed: PackedTokens): Tokens {
    if (packed.start === packed.end) return Tokens.none;
    this.#reserve(packed.end - packed.start);
    const from = this.#used;
    const to = unpackTokens(packed, scratch, from);
    if (to < 0) return Tokens.normalised(scratch.slice(from, ~to));
    this.#used = to;
    return Tokens.within(this.#column, from, to);
  }

  /** Gives the sets memory of their own. To be called before any of them is used by others. */
  finish(): void {
    if (this.#used > 0) this.#column.close(this.#used);
    if (scratch.length > MAX_KEPT_TOKENS) scratch = new Uint32Array(2 * COLUMN_TOKENS);
    this.#start();
  }

  #start(): void {
    this.#column = new TokenColumn(scratch);
    this.#used = 0;
  }

  #reserve(count: number): void {
    if (this.#used < COLUMN_TOKENS && this.#used + count <= scratch.length) return;
    this.finish();
    if (count <= scratch.length) return;
    scratch = new Uint32Array(count);
    this.#start();
  }
}

/** As {@link TokenUnpacker.unpack}, for a single set. */
export function unpackSet(packed: PackedTokens): Tokens {
  const unpacker = new TokenUnpacker();
  const tokens = unpacker.unpack(packed);
  unpacker.finish();
  return tokens;
}
