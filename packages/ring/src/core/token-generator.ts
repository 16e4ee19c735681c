import type { Random } from '@ml/runtime';
import type { RingDesc } from './desc.ts';
import { TOKEN_SPACE, Tokens } from './tokens.ts';

/** Chooses the tokens of an instance. As `TokenGenerator` in dskit. */
export interface TokenGenerator {
  /** At most `count` tokens, none of them among `taken`. */
  generate(count: number, taken: TakenTokens): Tokens;
  /** Whether the instance has to wait for others before it takes tokens; see {@link checkCanJoin}. */
  readonly waitsForOthers: boolean;
  /**
   * Whether the instance may take tokens now.
   * @throws {CannotJoinError} which instance must come first
   */
  checkCanJoin(ring: RingDesc): void;
}

/** Tokens that are in use. */
export interface TakenTokens {
  has(token: number): boolean;
}

/** Uniformly random tokens. As the random generator of dskit. R-18 */
export function randomTokenGenerator(random: Random): TokenGenerator {
  return {
    waitsForOthers: false,
    checkCanJoin: () => {},
    generate: (count, taken) => {
      const drawn = new Set<number>();
      while (drawn.size < count) {
        const token = random.int(TOKEN_SPACE);
        if (!taken.has(token)) drawn.add(token);
      }
      return Tokens.of(drawn);
    },
  };
}

/** The tokens of a whole ring, as taken ones. */
export function takenIn(ring: RingDesc): TakenTokens {
  const { tokens } = ring.tokenIndex;
  const all = Tokens.normalised(tokens);
  return { has: (token) => all.has(token) };
}
