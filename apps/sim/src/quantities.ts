import type { Findings } from './assertion.ts';
import type { HistogramSummary } from './histogram.ts';
import type { Sample } from './observer.ts';

/** What a quantity is counted in. */
export type Unit = 'count' | 'duration' | 'bytes';

/** When an assertion about a moment must hold. */
export type Timing =
  | { readonly type: 'end' }
  | { readonly type: 'throughout'; readonly fromMs: number; readonly untilMs: number }
  | { readonly type: 'at'; readonly atMs: number }
  | { readonly type: 'within'; readonly forMs: number; readonly afterMs: number | 'heal' };

/** Something that each sample tells: all of its values must satisfy what is asserted. */
export interface SampledQuantity {
  readonly unit: Unit;
  readonly values: (sample: Sample) => readonly number[];
  /** When it must hold if the assertion does not say. */
  readonly timing: Timing;
  /** Whether samples must look closer than usual: see {@link Sample.closeUp}. */
  readonly closeUp: boolean;
}

/** Something that is known once, when the run is over. */
export interface TotalQuantity {
  readonly unit: Unit;
  readonly value: (findings: Findings) => number;
}

/** Something that each sample says yes or no to. */
export interface Condition {
  readonly holds: (sample: Sample) => boolean;
}

/** At the end of the run. */
export const END: Timing = { type: 'end' };

/** In every sample. */
export const THROUGHOUT: Timing = {
  type: 'throughout',
  fromMs: 0,
  untilMs: Number.POSITIVE_INFINITY,
};

/** Conditions by the words of assertions. */
export const CONDITIONS: ReadonlyMap<string, Condition> = new Map<string, Condition>([
  ['all views equal', { holds: (sample) => sample.viewsEqual }],
  ['lookups agree', { holds: (sample) => sample.lookupsAgree }],
  ['lookups succeed', { holds: (sample) => sample.lookupsSucceed }],
]);

/** Quantities that samples tell, by the words of assertions. */
export const SAMPLED: ReadonlyMap<string, SampledQuantity> = new Map(
  Object.entries({
    members: sampled('count', (s) => [s.membersMin, s.membersMax], END),
    instances: sampled('count', (s) => [s.instancesMin, s.instancesMax], END),
    'live nodes': sampled('count', (s) => [s.live], END),
    'ready nodes': sampled('count', (s) => [s.ready], END),
    'isolated nodes': sampled('count', (s) => [s.isolated], END),
    'open suspicions': sampled('count', (s) => [s.suspicions], END),
    'queued messages': sampled('count', (s) => [s.queued], THROUGHOUT),
    'oldest heartbeat age': sampled('duration', (s) => [s.oldestHeartbeatMs], THROUGHOUT),
    'unhealthy instances': closeUp((s) => s.unhealthy, END),
    strangers: closeUp((s) => s.strangers, THROUGHOUT),
    'remembered members': closeUp((s) => s.remembered, THROUGHOUT),
    'queued changes': closeUp((s) => s.queuedChanges, THROUGHOUT),
  }),
);

/** Quantities over the whole run, by the words of assertions. */
export const TOTALS: ReadonlyMap<string, TotalQuantity> = new Map(
  Object.entries({
    suspicions: total('count', ({ totals }) => totals.suspicions),
    'false suspicions': total('count', ({ totals }) => totals.falseSuspicions),
    refutations: total('count', ({ totals }) => totals.refutations),
    deaths: total('count', ({ totals }) => totals.deaths),
    'false deaths': total('count', ({ totals }) => totals.falseDeaths),
    'unreachable deaths': total('count', ({ totals }) => totals.unreachableDeaths),
    rejoins: total('count', ({ totals }) => totals.rejoins),
    'start failures': total('count', ({ totals }) => totals.startFailures),
    'errors logged': total('count', ({ totals }) => totals.errorsLogged),
    writes: total('count', ({ writes }) => writes),
    'cas failures': total('count', ({ casFailures }) => casFailures),
    'lost writes': total('count', ({ lostWrites }) => lostWrites),
    'unseen writes': total('count', ({ unseenWrites }) => unseenWrites),
    'bytes per node': total('bytes', ({ samples, endMs }) => bytesPerNodeS(samples, endMs)),
  }),
);

const STATISTICS = ['p50', 'p90', 'p99', 'max', 'mean'] as const;
const DISTRIBUTIONS = {
  propagation: (findings: Findings) => findings.propagation,
  'full propagation': (findings: Findings) => findings.fullPropagation,
  detection: (findings: Findings) => findings.detection,
  'time to ready': (findings: Findings) => findings.timeToReady,
} as const;

/** What may stand at the beginning of an assertion, for messages and help. */
export const ASSERTION_SUBJECTS: readonly string[] = [
  ...CONDITIONS.keys(),
  ...SAMPLED.keys(),
  ...TOTALS.keys(),
  ...Object.keys(DISTRIBUTIONS).map((name) => `${name} ${STATISTICS.join('|')}`),
];

/** The statistic of a distribution that `propagation p99` and the like stand for; `undefined` when it is none. */
export function distributionQuantity(subject: string): TotalQuantity | undefined {
  for (const [name, summaryOf] of Object.entries(DISTRIBUTIONS)) {
    const statistic = STATISTICS.find((each) => subject === `${name} ${each}`);
    if (statistic !== undefined) return total('duration', (f) => pick(summaryOf(f), statistic));
  }
  return undefined;
}

/** Nothing was measured: that must not pass as fast. */
function pick(summary: HistogramSummary, statistic: (typeof STATISTICS)[number]): number {
  return summary.count === 0 ? Number.NaN : summary[statistic];
}

function bytesPerNodeS(samples: readonly Sample[], endMs: number): number {
  let bytes = 0;
  let before = 0;
  for (const { atMs, bytesPerNodeS: rate } of samples) {
    bytes += (rate * (atMs - before)) / 1000;
    before = atMs;
  }
  return endMs === 0 ? 0 : (bytes * 1000) / endMs;
}

function sampled(
  unit: Unit,
  values: (sample: Sample) => readonly number[],
  timing: Timing,
): SampledQuantity {
  return { unit, values, timing, closeUp: false };
}

/** A count that only a close look tells; without one it is not a number, which satisfies nothing. */
function closeUp(
  value: (figures: NonNullable<Sample['closeUp']>) => number,
  timing: Timing,
): SampledQuantity {
  const values = ({ closeUp: figures }: Sample): readonly number[] => [
    figures === undefined ? Number.NaN : value(figures),
  ];
  return { unit: 'count', values, timing, closeUp: true };
}

function total(unit: Unit, value: (findings: Findings) => number): TotalQuantity {
  return { unit, value };
}
