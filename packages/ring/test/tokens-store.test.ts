import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatTokens, parseTokens, Tokens } from '../src/index.ts';
import { tokensFile } from '../src/node.ts';
import { vectors } from './support/vectors.ts';

const { tokensFile: vector } = vectors.misc;

describe('the text', () => {
  test('is written as the reference writes it', () => {
    expect(formatTokens(Tokens.of([1, 5, 4294967295]))).toBe(vector.marshal);
    expect(formatTokens(Tokens.none)).toBe(vector.marshalEmpty);
  });

  test.each(Object.entries(vector.unmarshal))(
    '%j is read as the reference reads it',
    (text, result) => {
      if (typeof result === 'string') {
        expect(() => parseTokens(text)).toThrow(
          expect.objectContaining({ code: 'ML_RING_TOKENS_STORE' }),
        );
      } else {
        // Order does not count: the reference sorts when it uses them.
        expect(Array.from(parseTokens(text))).toEqual(result?.toSorted((a, b) => a - b) ?? []);
      }
    },
  );
});

describe('the file', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ring-tokens-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test('gives back what was stored, and leaves no other file', async () => {
    const path = join(folder, 'tokens');
    const file = tokensFile(path);
    await file.store(Tokens.of([3, 1]));
    await file.store(Tokens.of([4, 1]));
    expect(await readFile(path, 'utf8')).toBe('{"tokens":[1,4]}');
    expect(Array.from((await file.load()) ?? [])).toEqual([1, 4]);
    expect(await readdir(folder)).toEqual(['tokens']);
  });

  test('that is missing holds nothing, and can be deleted', async () => {
    const file = tokensFile(join(folder, 'tokens'));
    expect(await file.load()).toBeUndefined();
    await file.delete();
    expect(await readdir(folder)).toEqual([]);
  });

  test('that is damaged is an error which names it', async () => {
    const path = join(folder, 'tokens');
    await writeFile(path, '{"tokens":');
    await expect(tokensFile(path).load()).rejects.toMatchObject({
      code: 'ML_RING_TOKENS_STORE',
      message: expect.stringContaining(path),
    });
  });

  test('in a folder that does not exist cannot be stored', async () => {
    const file = tokensFile(join(folder, 'missing', 'tokens'));
    await expect(file.store(Tokens.of([1]))).rejects.toMatchObject({
      code: 'ML_RING_TOKENS_STORE',
    });
  });

  test('needs a path', () => {
    expect(() => tokensFile('')).toThrow(expect.objectContaining({ code: 'ML_RING_TOKENS_STORE' }));
  });
});
