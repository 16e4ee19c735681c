import { MlError } from '@ml/runtime';
import { parseDuration } from '@ml/runtime/config';
import type { HistogramSummary } from './histogram.ts';
import type { Sample, Totals } from './observer.ts';
import {
  ASSERTION_SUBJECTS,
  CONDITIONS,
  type Condition,
  distributionQuantity,
  END,
  SAMPLED,
  type SampledQuantity,
  THROUGHOUT,
  type Timing,
  TOTALS,
  type Unit,
} from './quantities.ts';

/** The text of an assertion cannot be understood. The message says what is allowed in its place. */
export class AssertionSyntaxError extends MlError<'ML_SIM_ASSERTION_SYNTAX'> {
  constructor(text: string, reason: string) {
    super('ML_SIM_ASSERTION_SYNTAX', `assertion ${JSON.stringify(text)}: ${reason}`);
  }
}

/** What a run came to, as far as assertions look at it. */
export interface Findings {
  readonly samples: readonly Sample[];
  readonly totals: Readonly<Totals>;
  readonly propagation: HistogramSummary;
  readonly fullPropagation: HistogramSummary;
  readonly detection: HistogramSummary;
  /** From the start of a node until it was ready. */
  readonly timeToReady: HistogramSummary;
  readonly writes: number;
  readonly casFailures: number;
  /** Accepted writes that a later one of the same node did not build on. */
  readonly lostWrites: number;
  readonly unseenWrites: number;
  /** When the last fault ended, in virtual milliseconds; 0 when there was none. */
  readonly healedAtMs: number;
  readonly endMs: number;
}

/** Whether an assertion held, and what was found. */
export interface Verdict {
  readonly text: string;
  readonly held: boolean;
  readonly found: string;
}

/** One assertion, understood. */
export interface Assertion {
  readonly text: string;
  /** Moments at which it needs a sample, besides the regular ones; `undefined` where that depends on the run. */
  readonly sampleAtMs: number | undefined;
  /** When it looks for a duration behind the last fault, that duration in milliseconds. */
  readonly afterHealMs: number | undefined;
  /** Whether samples must look closely: see {@link Sample.closeUp}. */
  readonly closeUp: boolean;
  check(findings: Findings): Verdict;
}

type Operator = '<' | '<=' | '==' | '!=' | '>=' | '>';

const TIMINGS =
  'at 30s, at end, throughout, after 10s, before 1m, within 10s after heal, within 10s after 30s';

/**
 * Understands an assertion: a condition (`all views equal`) or a quantity, a comparison and a value (`false deaths == 0`,
 * `propagation p99 < 2s`, `bytes per node < 15kB/s`), then for what can be seen at a moment the moment.
 * @throws {AssertionSyntaxError}
 */
export function parseAssertion(text: string): Assertion {
  const words = text.trim().split(/\s+/).join(' ');
  for (const [name, condition] of longestFirst(CONDITIONS)) {
    if (words !== name && !words.startsWith(`${name} `)) continue;
    const timing = timingOf(text, words.slice(name.length).trim(), END);
    return assertionOf(text, timing, (findings) => checkCondition(condition, timing, findings));
  }
  const match = /^(.*?)\s*(<=|>=|==|!=|<|>)\s*(\S+)\s*(.*)$/.exec(words);
  if (match === null) throw unknownSubject(text, words);
  const [, subject = '', operator = '', value = '', rest = ''] = match;
  const compare: Comparison = { operator: operatorOf(operator), value, text };
  const quantity = SAMPLED.get(subject);
  if (quantity !== undefined) return sampledAssertion(quantity, compare, rest);
  if (rest !== '')
    throw new AssertionSyntaxError(
      text,
      `nothing may follow the value, but ${JSON.stringify(rest)} does`,
    );
  const summed = TOTALS.get(subject) ?? distributionQuantity(subject);
  if (summed === undefined) throw unknownSubject(text, subject);
  const wanted = wantedValue(compare, summed.unit);
  return assertionOf(text, undefined, (findings) => {
    const found = summed.value(findings);
    return { held: compares(found, compare.operator, wanted), found: show(found, summed.unit) };
  });
}

interface Comparison {
  readonly operator: Operator;
  readonly value: string;
  readonly text: string;
}

function sampledAssertion(quantity: SampledQuantity, compare: Comparison, rest: string): Assertion {
  const { text, operator } = compare;
  const wanted = wantedValue(compare, quantity.unit);
  const timing = timingOf(text, rest.replace(/^on all nodes\s*/, ''), quantity.timing);
  const worst = (sample: Sample): number => hardest(quantity.values(sample), operator, wanted);
  const assertion = assertionOf(text, timing, (findings) => {
    const samples = samplesOf(timing, findings);
    const good = (sample: Sample): boolean => compares(worst(sample), operator, wanted);
    if (timing.type === 'within') {
      const first = samples.find(good);
      const last = samples.at(-1);
      return first === undefined
        ? {
            held: false,
            found: last === undefined ? 'no sample' : show(worst(last), quantity.unit),
          }
        : { held: true, found: `${show(worst(first), quantity.unit)} at ${seconds(first.atMs)}` };
    }
    const bad = samples.find((sample) => !good(sample));
    const shown = bad ?? mostExtreme(samples, worst, operator);
    if (shown === undefined) return { held: false, found: 'no sample' };
    return {
      held: bad === undefined,
      found: `${show(worst(shown), quantity.unit)} at ${seconds(shown.atMs)}`,
    };
  });
  return { ...assertion, closeUp: quantity.closeUp };
}

function checkCondition(
  { holds }: Condition,
  timing: Timing,
  findings: Findings,
): Pick<Verdict, 'held' | 'found'> {
  const samples = samplesOf(timing, findings);
  if (timing.type === 'within') {
    const first = samples.find(holds);
    return first === undefined
      ? { held: false, found: 'never in that time' }
      : { held: true, found: `at ${seconds(first.atMs)}` };
  }
  const bad = samples.find((sample) => !holds(sample));
  if (samples.length === 0) return { held: false, found: 'no sample' };
  return bad === undefined
    ? { held: true, found: 'yes' }
    : { held: false, found: `not at ${seconds(bad.atMs)}` };
}

function assertionOf(
  text: string,
  timing: Timing | undefined,
  check: (findings: Findings) => Pick<Verdict, 'held' | 'found'>,
): Assertion {
  const within = timing?.type === 'within' ? timing : undefined;
  const fixed =
    within !== undefined && within.afterMs !== 'heal' ? within.afterMs + within.forMs : undefined;
  return {
    text,
    sampleAtMs: timing?.type === 'at' ? timing.atMs : fixed,
    afterHealMs: within?.afterMs === 'heal' ? within.forMs : undefined,
    closeUp: false,
    check: (findings) => ({ text, ...check(findings) }),
  };
}

function samplesOf(timing: Timing, { samples, healedAtMs }: Findings): readonly Sample[] {
  switch (timing.type) {
    case 'end':
      return samples.slice(-1);
    case 'at':
      return samples.filter(({ atMs }) => atMs >= timing.atMs).slice(0, 1);
    case 'throughout':
      return samples.filter(({ atMs }) => atMs >= timing.fromMs && atMs <= timing.untilMs);
    default: {
      const from = timing.afterMs === 'heal' ? healedAtMs : timing.afterMs;
      return samples.filter(({ atMs }) => atMs >= from && atMs <= from + timing.forMs);
    }
  }
}

function timingOf(text: string, words: string, otherwise: Timing): Timing {
  if (words === '') return otherwise;
  if (words === 'at end') return END;
  if (words === 'throughout') return THROUGHOUT;
  const within = /^within (\S+) after (\S+)$/.exec(words);
  if (within !== null) {
    const [, forText = '', after = ''] = within;
    const afterMs = after === 'heal' ? 'heal' : durationOf(text, after);
    return { type: 'within', forMs: durationOf(text, forText), afterMs };
  }
  const single = /^(at|after|before) (\S+)$/.exec(words);
  if (single === null) {
    throw new AssertionSyntaxError(text, `${JSON.stringify(words)} is no moment; write ${TIMINGS}`);
  }
  const [, word, moment = ''] = single;
  const ms = durationOf(text, moment);
  if (word === 'at') return { type: 'at', atMs: ms };
  return word === 'after'
    ? { type: 'throughout', fromMs: ms, untilMs: Number.POSITIVE_INFINITY }
    : { type: 'throughout', fromMs: 0, untilMs: ms };
}

function durationOf(text: string, value: string): number {
  const ms = parseDuration(value);
  if (ms !== undefined && ms >= 0) return ms;
  throw new AssertionSyntaxError(
    text,
    `${JSON.stringify(value)} is no duration; write 500ms, 20s or 2m`,
  );
}

function wantedValue({ text, value }: Comparison, unit: Unit): number {
  if (unit === 'duration') return durationOf(text, value);
  const match = /^(\d+(?:\.\d+)?)(%|[kMG]?B(?:\/s)?)?$/.exec(value);
  const [, digits = '', suffix] = match ?? [];
  if (match === null || (unit === 'count' && suffix !== undefined)) {
    const form = unit === 'count' ? 'a number' : 'bytes per second, as in 15kB/s';
    throw new AssertionSyntaxError(text, `${JSON.stringify(value)} is not ${form}`);
  }
  const factor = { k: 1000, M: 1_000_000, G: 1_000_000_000 }[suffix?.charAt(0) ?? ''] ?? 1;
  return Number(digits) * factor;
}

function unknownSubject(text: string, subject: string): AssertionSyntaxError {
  if (/^[^<>=!]*=[^=]*$/.test(subject)) {
    return new AssertionSyntaxError(text, 'write == to compare, or one of <, <=, !=, >= and >');
  }
  return new AssertionSyntaxError(
    text,
    `${JSON.stringify(subject)} is nothing that can be asserted; write one of: ${ASSERTION_SUBJECTS.join(', ')}`,
  );
}

function operatorOf(text: string): Operator {
  switch (text) {
    case '<':
    case '<=':
    case '!=':
    case '>=':
    case '>':
      return text;
    default:
      return '==';
  }
}

function compares(found: number, operator: Operator, wanted: number): boolean {
  switch (operator) {
    case '<':
      return found < wanted;
    case '<=':
      return found <= wanted;
    case '>':
      return found > wanted;
    case '>=':
      return found >= wanted;
    case '!=':
      return found !== wanted;
    default:
      return found === wanted;
  }
}

/** Of several values the one that fails if any does. */
function hardest(values: readonly number[], operator: Operator, wanted: number): number {
  const failing = values.find((value) => !compares(value, operator, wanted));
  return failing ?? values[0] ?? 0;
}

function mostExtreme(
  samples: readonly Sample[],
  value: (sample: Sample) => number,
  operator: Operator,
): Sample | undefined {
  const sign = operator === '>' || operator === '>=' ? -1 : 1;
  return samples.reduce<Sample | undefined>((best, sample) => {
    return best === undefined || sign * value(sample) > sign * value(best) ? sample : best;
  }, undefined);
}

function show(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return 'nothing was measured';
  if (unit === 'duration') return seconds(value);
  return unit === 'bytes' ? `${(value / 1000).toFixed(2)}kB/s` : String(value);
}

/** Milliseconds as people read them: `850ms`, `12.3s`. */
export function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${Number((ms / 1000).toFixed(2))}s`;
}

function longestFirst<T>(table: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...table].sort((a, b) => b[0].length - a[0].length);
}
