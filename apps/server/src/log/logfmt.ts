import type { Logger } from '@ml/runtime';
import { LOG_LEVELS, type LogLevel } from './log-options.ts';

/** Longest value of one field, in characters; what exceeds it is cut. */
const MAX_VALUE_LENGTH = 4096;

/** Where a logfmt logger writes. */
export interface LogfmtOptions {
  /** Lines below it are dropped. */
  readonly level: LogLevel;
  /** Takes one line with its line break. */
  readonly write: (line: string) => void;
  readonly unixMs: () => number;
}

/** A logger that writes `ts=… level=… msg=…`, then the fields in their order: one line each, as Go kit's logfmt. S-6 */
export function logfmtLogger(options: LogfmtOptions, bound: readonly string[] = []): Logger {
  const lowest = LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel) => (fields: object, message: string) => {
    if (LOG_LEVELS.indexOf(level) < lowest) return;
    const ts = new Date(options.unixMs()).toISOString();
    const head = [`ts=${ts}`, `level=${level}`, `msg=${quote(message)}`];
    options.write(`${[...head, ...bound, ...pairs(fields)].join(' ')}\n`);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => logfmtLogger(options, [...bound, ...pairs(fields)]),
  };
}

/** An error in one line: its message, then those of its causes that it does not already say. */
export function errorText(error: Error): string {
  const texts = [error.message];
  let cause = error.cause;
  for (let depth = 0; cause instanceof Error && depth < 4; depth++) {
    const { message } = cause;
    if (!texts.some((text) => text.includes(message))) texts.push(message);
    cause = cause.cause;
  }
  return texts.join(': ');
}

function pairs(fields: object): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key.replace(/[\s="]/g, '_')}=${quote(valueText(value))}`);
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return errorText(value);
  // bigint, function and symbol have no JSON.
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function quote(text: string): string {
  const cut = text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be quoted
  return /^[^\s="\\\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/u.test(cut)
    ? cut
    : JSON.stringify(cut);
}
