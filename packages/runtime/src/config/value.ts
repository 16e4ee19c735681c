import * as z from 'zod';
import {
  DURATION_PATTERN,
  formatDuration,
  formatShortDuration,
  parseDuration,
} from './duration.ts';

/** What kind of value an option has: how it is read, checked and shown. */
export interface Value<out T> {
  /** The type word of the reference page ("duration", "list of strings"). */
  readonly type: string;
  /** What a right value is, to end the sentence "… is not …" ("a duration such as 30s"). */
  readonly expects: string;
  /** Decodes the YAML form and checks it; encodes a value back to its YAML form. */
  readonly schema: z.ZodType<T>;
  /** Turns a flag's text into the YAML form. What cannot be turned is left as text, for the schema to refuse. */
  readText(text: string): unknown;
  /** How a YAML form is written on the reference page; default: `String`. */
  readonly showShort?: (yaml: unknown) => string;
  /** Repeated flags add to the list instead of replacing it. */
  readonly list?: boolean;
  /** A flag of its own means true, and never takes the next argument. */
  readonly flagOnly?: boolean;
  /** Never shown. */
  readonly secret?: boolean;
}

/** Bounds of a number, both allowed. */
export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** Any text. */
export function string(): Value<string> {
  return { type: 'string', expects: 'a text', schema: z.string(), readText: (text) => text };
}

/** Text that is shown as asterisks only. */
export function secret(): Value<string> {
  return { ...string(), secret: true };
}

/** One of the given words. */
export function oneOf<const W extends string>(...words: readonly [W, ...W[]]): Value<W> {
  return {
    type: 'string',
    expects: `one of ${words.join(', ')}`,
    schema: z.enum(words),
    readText: (text) => text,
  };
}

/** A whole number. */
export function int(range: Range = {}): Value<number> {
  return {
    type: 'int',
    expects: `a whole number${rangeText(range, String)}`,
    schema: bounded(z.int(), range),
    readText: readInteger,
  };
}

/** A number. */
export function float(range: Range = {}): Value<number> {
  return {
    type: 'float',
    expects: `a number${rangeText(range, String)}`,
    schema: bounded(z.number(), range),
    readText: (text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text),
  };
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false] as const),
]);

/** The words that YAML 1.1 has for booleans, as Go's YAML library still takes them for a boolean field. */
const YAML_BOOLEANS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
]);

/** True or false. */
export function bool(): Value<boolean> {
  return {
    type: 'boolean',
    expects: 'true or false',
    schema: z.codec(z.union([z.boolean(), z.enum(YAML_BOOLEAN_WORDS)]), z.boolean(), {
      decode: (yaml) => (typeof yaml === 'boolean' ? yaml : YAML_BOOLEANS.get(yaml) === true),
      encode: (value) => value,
    }),
    readText: (text) => BOOLEANS.get(text) ?? text,
    flagOnly: true,
  };
}

const YAML_BOOLEAN_WORDS: readonly string[] = [...YAML_BOOLEANS.keys()].map(String);

/** A span of time: milliseconds inside, Go duration text outside. Bounds in milliseconds. */
export function durationMs(range: Range = {}): Value<number> {
  return {
    type: 'duration',
    expects: `a duration such as 30s or 1m30s${rangeText(range, formatDuration)}`,
    schema: z.codec(
      z.union([z.string().regex(DURATION_PATTERN), z.literal(0)]),
      bounded(z.number(), range),
      {
        decode: (yaml) => parseDuration(String(yaml)) ?? Number.NaN,
        encode: formatDuration,
      },
    ),
    readText: (text) => text,
    showShort: (yaml) => formatShortDuration(parseDuration(String(yaml)) ?? 0),
  };
}

/** A list of texts: a repeatable flag. In YAML a list, or one text. */
export function stringList(
  options: {
    /** Take a comma for the end of an entry. Default false. */ readonly splitCommas?: boolean;
  } = {},
): Value<readonly string[]> {
  const split = (text: string): string[] => {
    if (options.splitCommas !== true) return [text];
    return text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
  };
  return {
    type: 'list of strings',
    expects: 'a list of texts',
    schema: z.codec(z.union([z.string(), z.array(z.string())]), z.array(z.string()).readonly(), {
      decode: (yaml) => (typeof yaml === 'string' ? split(yaml) : yaml.flatMap(split)),
      encode: (value) => [...value],
    }),
    readText: split,
    showShort: (yaml) => `[${Array.isArray(yaml) ? yaml.join(',') : ''}]`,
    list: true,
  };
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** A number of bytes: plain, or with a unit (64KiB, 1MB). Written plain. */
export function bytes(range: Range = {}): Value<number> {
  return {
    type: 'int',
    expects: `a number of bytes such as 65536 or 64KiB${rangeText(range, String)}`,
    schema: z.codec(
      z.union([z.int(), z.string()]),
      bounded(z.int(), { ...range, min: range.min ?? 0 }),
      { decode: (yaml) => (typeof yaml === 'number' ? yaml : parseBytes(yaml)), encode: (v) => v },
    ),
    readText: readInteger,
  };
}

function parseBytes(text: string): number {
  const [, digits, unit = ''] = /^(\d+) ?([A-Za-z]*)$/.exec(text) ?? [];
  return Number(digits ?? Number.NaN) * (BYTE_UNITS[unit] ?? Number.NaN);
}

function readInteger(text: string): unknown {
  return /^[+-]?(\d+|0x[0-9a-f]+)$/i.test(text) ? toInteger(text) : text;
}

function toInteger(text: string): number {
  // Number() knows no sign before 0x.
  return text.startsWith('-') ? 0 - Number(text.slice(1)) : Number(text.replace(/^\+/, ''));
}

function bounded(schema: z.ZodNumber, range: Range): z.ZodNumber {
  const { min, max } = range;
  const low = min === undefined ? schema : schema.min(min);
  return max === undefined ? low : low.max(max);
}

function rangeText(range: Range, show: (bound: number) => string): string {
  const { min, max } = range;
  if (min !== undefined && max !== undefined) return ` from ${show(min)} to ${show(max)}`;
  if (min !== undefined) return `, at least ${show(min)}`;
  return max !== undefined ? `, at most ${show(max)}` : '';
}
