import type { Logger } from '@ml/runtime';
import type { EventLogLevel, SimEvent } from './events.ts';
import { TRACE_KINDS, type Trace } from './trace.ts';

/** What a {@link SimLog} is made of. */
export interface SimLogOptions {
  readonly node: string;
  /** Number of the node in the trace. */
  readonly number: number;
  readonly trace: Trace;
  readonly now: () => number;
  readonly alive: () => boolean;
  readonly emit: (event: SimEvent) => void;
}

/**
 * The log of one node: every line goes into the trace and becomes an event. Lines that tell of suspicions and deaths
 * are marks: they are understood, and become events of their own. Other lines of level debug are dropped.
 */
export class SimLog implements Logger {
  readonly #options: SimLogOptions;
  readonly #fields: object;

  constructor(options: SimLogOptions, fields: object = {}) {
    this.#options = options;
    this.#fields = fields;
  }

  debug(fields: object, message: string): void {
    const mark = MARKS.get(message);
    if (mark === undefined || !this.#options.alive()) return;
    this.#trace('debug', message, fields);
    this.#mark(mark, fields);
  }

  info(fields: object, message: string): void {
    this.#line('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#line('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#line('error', fields, message);
  }

  child(fields: object): Logger {
    return new SimLog(this.#options, { ...this.#fields, ...fields });
  }

  #line(level: EventLogLevel, fields: object, message: string): void {
    const { node, now, alive, emit } = this.#options;
    if (!alive()) return;
    this.#trace(level, message, fields);
    const mark = MARKS.get(message);
    if (mark !== undefined) this.#mark(mark, fields);
    else emit({ type: 'log', atMs: now(), node, level, message, fields });
  }

  #trace(level: string, message: string, fields: object): void {
    const { trace, number } = this.#options;
    trace.line(
      TRACE_KINDS.log,
      number,
      `${level} ${message} ${fieldsText({ ...this.#fields, ...fields })}`,
    );
  }

  #mark(type: Mark, fields: object): void {
    const { node, now, emit } = this.#options;
    const atMs = now();
    const member = textField(fields, 'member');
    switch (type) {
      case 'suspect':
      case 'confirmed':
        emit({ type, atMs, node, member, from: textField(fields, 'from') });
        return;
      case 'refuted':
      case 'left':
        emit({ type, atMs, node, member });
        return;
      default:
        emit({ type, atMs, node, member, suspectMs: numberField(fields, 'suspectMs') });
    }
  }
}

/** What a log line of the membership may tell of. */
export type Mark = 'suspect' | 'confirmed' | 'refuted' | 'dead' | 'left';

/** Log lines of the membership that are understood here, by their constant text. A test sees each of them happen. */
export const MARKS: ReadonlyMap<string, Mark> = new Map<string, Mark>([
  ['member is suspect', 'suspect'],
  ['suspicion is confirmed', 'confirmed'],
  ['member refuted a suspicion', 'refuted'],
  ['member is dead: nobody refuted the suspicion in time', 'dead'],
  ['member is dead: another says so', 'dead'],
  ['member has left', 'left'],
]);

/** Fields of a log line as one line of JSON, the same in every run: errors by name and message, never their stack. */
export function fieldsText(fields: object): string {
  return JSON.stringify(fields, (_key, value: unknown) => {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    return typeof value === 'bigint' ? value.toString() : value;
  });
}

function textField(fields: object, name: string): string {
  const value: unknown = Object.entries(fields).find(([key]) => key === name)?.[1];
  return typeof value === 'string' ? value : '';
}

function numberField(fields: object, name: string): number | undefined {
  const value: unknown = Object.entries(fields).find(([key]) => key === name)?.[1];
  return typeof value === 'number' ? value : undefined;
}
