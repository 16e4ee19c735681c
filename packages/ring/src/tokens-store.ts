import { isUint32, Tokens } from './core/tokens.ts';
import { TokensStoreError } from './errors.ts';

/** Where an instance keeps its tokens over restarts: a file on a machine, memory in a simulation. */
export interface TokensStore {
  /**
   * What is stored; `undefined` when nothing is.
   * @throws {TokensStoreError} when it cannot be read
   */
  load(): Promise<Tokens | undefined>;
  /** @throws {TokensStoreError} */
  store(tokens: Tokens): Promise<void>;
  /** Forgets what is stored; nothing stored is fine. @throws {TokensStoreError} */
  delete(): Promise<void>;
}

/** Keeps tokens in memory, encoded as a file would hold them: for tests and simulations. */
export function memoryTokensStore(
  text?: string,
): TokensStore & { readonly text: string | undefined } {
  let stored = text;
  return {
    get text() {
      return stored;
    },
    load: async () => (stored === undefined ? undefined : parseTokens(stored)),
    store: async (tokens) => {
      stored = formatTokens(tokens);
    },
    delete: async () => {
      stored = undefined;
    },
  };
}

/** The text of a tokens file: `{"tokens":[1,5]}`. As dskit writes it. R-19 */
export function formatTokens(tokens: Tokens): string {
  return JSON.stringify({ tokens: Array.from(tokens) });
}

/**
 * Reads the text of a tokens file. Unknown keys are ignored, the key's case does not matter, a missing list is an
 * empty one, order and repetition do not matter. R-19
 * @throws {TokensStoreError} when it is no such text
 */
export function parseTokens(text: string): Tokens {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new TokensStoreError('the tokens are no JSON', { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new TokensStoreError('the tokens are no JSON object with a list "tokens"');
  }
  const list: unknown = Object.entries(parsed).findLast(
    ([key]) => key.toLowerCase() === 'tokens',
  )?.[1];
  if (list === undefined || list === null) return Tokens.none;
  if (!Array.isArray(list)) throw new TokensStoreError('"tokens" is no list');
  return Tokens.of(
    list.map((token: unknown) => {
      if (isUint32(token)) return token;
      throw new TokensStoreError(
        `token ${JSON.stringify(token)} is no whole number from 0 to 4294967295`,
      );
    }),
  );
}
