import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandEnv } from '../../src/config/index.ts';

/** The cases write § for a dollar sign: ${…} in plain strings looks like a forgotten template. */
const dollars = (text: string): string => text.replaceAll('§', '$');

const env = { HOST: 'db', EMPTY: '', A_1: 'a' };

describe('expandEnv', () => {
  test.each([
    ['plain', 'plain'],
    ['§{HOST}', 'db'],
    ['§HOST:1', 'db:1'],
    ['§{A_1}§{HOST}', 'adb'],
    ['§{NONE}', ''],
    ['§NONE', ''],
    ['§{NONE:-x}', 'x'],
    ['§{EMPTY:-x}', 'x'],
    ['§{HOST:-x}', 'db'],
    ['§{NONE-x}', 'x'],
    ['§{EMPTY-x}', ''],
    ['§{NONE:=x}', 'x'],
    ['§{NONE=x}', 'x'],
    ['§{HOST:+x}', 'x'],
    ['§{EMPTY:+x}', ''],
    ['§{EMPTY+x}', 'x'],
    ['§{NONE:-}', ''],
    ['§{NONE:-a b: c}', 'a b: c'],
    ['§{NONE:-§{HOST}-§{NONE:-y}}', 'db-y'],
    ['§§HOST', '§HOST'],
    ['§§{HOST}', '§{HOST}'],
    ['5§ and §1', '5§ and §1'],
    ['§', '§'],
    ['a } b', 'a } b'],
  ])('%s becomes %s', (text, expected) => {
    expect(expandEnv(dollars(text), env)).toEqual({ text: dollars(expected), faults: [] });
  });

  test('what is required and missing is a fault with its place and text', () => {
    const { faults } = expandEnv(dollars('a: 1\nb: §{NONE:?set it}\nc: §{NONE?}\n'), env);
    expect(faults.map(({ message }) => message)).toEqual([
      'line 2, column 4: the environment variable NONE is not set: set it',
      'line 3, column 4: the environment variable NONE is not set',
    ]);
  });

  test.each(['§{', '§{}', '§{HOST', '§{HOST:-x', '§{HOST/a/b}', '§{1}', '§{HOST:}'])(
    '%s is a fault',
    (text) => {
      expect(expandEnv(dollars(text), env).faults.length).toBeGreaterThan(0);
    },
  );

  test('values are not expanded again', () => {
    const nested = dollars('§{HOST}');
    expect(expandEnv(dollars('§{X}'), { X: nested, HOST: 'db' }).text).toBe(nested);
  });

  test('a text without dollar signs is left as it is, and deep nesting ends in a fault', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const plain = text.replaceAll('$', '');
        expect(expandEnv(plain, env)).toEqual({ text: plain, faults: [] });
        expect(() => expandEnv(text, env)).not.toThrow();
      }),
    );
    expect(expandEnv(dollars('§{NONE:-').repeat(10_000), env).faults.length).toBeGreaterThan(0);
  });
});
