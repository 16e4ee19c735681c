import { open, readFile, rename, rm } from 'node:fs/promises';
import { TokensStoreError } from './errors.ts';
import { formatTokens, parseTokens, type TokensStore } from './tokens-store.ts';

/** No file of tokens is larger: some 5 million tokens. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * Keeps tokens in a file, in dskit's format. Written to `<path>.tmp` first and renamed, so that a crash leaves the
 * old file whole. R-19
 * @throws {TokensStoreError} when the path is empty
 */
export function tokensFile(path: string): TokensStore {
  if (path === '') throw new TokensStoreError('the path of the tokens file is empty');
  const failure = (did: string, error: unknown): TokensStoreError =>
    new TokensStoreError(`could not ${did} the tokens file ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  return {
    load: async () => {
      try {
        const bytes = await readFile(path);
        if (bytes.length > MAX_FILE_BYTES) {
          throw new TokensStoreError(`it is larger than ${MAX_FILE_BYTES} bytes`);
        }
        return parseTokens(bytes.toString('utf8'));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw failure('read', error);
      }
    },
    store: async (tokens) => {
      const temporary = `${path}.tmp`;
      try {
        const file = await open(temporary, 'w', 0o644);
        try {
          await file.writeFile(formatTokens(tokens));
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, path);
      } catch (error) {
        throw failure('write', error);
      }
    },
    delete: async () => {
      try {
        await rm(path, { force: true });
      } catch (error) {
        throw failure('delete', error);
      }
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
