import type { ConfigFault } from './errors.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Fall-backs inside fall-backs deeper than this are a mistake. */
const MAX_DEPTH = 16;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /:?[-=?+]/y;

/**
 * Replaces variables in a text: `${NAME}` and `$NAME` (empty when unset), `${NAME:-text}` and `${NAME:=text}` (the text
 * when unset or empty), `${NAME-text}` and `${NAME=text}` (when unset), `${NAME:+text}` and `${NAME+text}` (the text
 * when set), `${NAME:?text}` and `${NAME?text}` (a fault when not set); `$$` is one dollar sign. Fall-back texts may
 * hold variables themselves. `=` gives the value for this place only. A dollar sign before anything else stays.
 */
export function expandEnv(
  text: string,
  env: Environment,
): { readonly text: string; readonly faults: readonly ConfigFault[] } {
  const scanner = new Scanner(text, env);
  return { text: scanner.scan(0), faults: scanner.faults };
}

class Scanner {
  readonly faults: ConfigFault[] = [];
  readonly #text: string;
  readonly #env: Environment;
  #at = 0;

  constructor(text: string, env: Environment) {
    this.#text = text;
    this.#env = env;
  }

  /** Reads to the end or, inside braces, to the brace that closes them. */
  scan(depth: number): string {
    let out = '';
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at] ?? '';
      if (char === '}' && depth > 0) break;
      this.#at++;
      out += char === '$' ? this.#variable(depth) : char;
    }
    return out;
  }

  /** Called behind a dollar sign. */
  #variable(depth: number): string {
    const start = this.#at;
    if (this.#text[start] === '$') {
      this.#at++;
      return '$';
    }
    if (this.#text[start] !== '{') {
      const name = this.#match(NAME);
      return name === undefined ? '$' : (this.#env[name] ?? '');
    }
    this.#at++;
    const name = this.#match(NAME);
    if (name === undefined) return this.#fail(start, 'a name is missing behind ${');
    if (depth >= MAX_DEPTH) return this.#fail(start, 'fall-backs are nested too deeply');
    const operator = this.#match(OPERATOR);
    const word = operator === undefined ? '' : this.scan(depth + 1);
    if (this.#text[this.#at] !== '}') {
      return this.#fail(
        start,
        `the brace of \${${name} is not closed, or it has an unknown operator`,
      );
    }
    this.#at++;
    return this.#choose(start, name, operator ?? '-', word);
  }

  #choose(start: number, name: string, operator: string, word: string): string {
    const value = this.#env[name];
    const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
    if (operator.endsWith('+')) return isSet ? word : '';
    if (isSet) return value;
    if (!operator.endsWith('?')) return word;
    return this.#fail(start, `the environment variable ${name} is not set${word && `: ${word}`}`);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(at: number, what: string): string {
    const before = this.#text.slice(0, at).split('\n');
    const line = before.length;
    const column = before.at(-1)?.length ?? 1;
    const message = `line ${line}, column ${column}: ${what}`;
    this.faults.push({ source: 'yaml', line, column, message });
    return '';
  }
}
