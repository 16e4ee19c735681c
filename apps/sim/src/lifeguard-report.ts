import { LIFEGUARD_ALPHA, LIFEGUARD_BETA, LIFEGUARD_SCALE } from './lifeguard.ts';
import {
  type DetectorSummary,
  LIFEGUARD_GRID,
  type LifeguardResult,
  ratio,
  summarize,
} from './lifeguard-grid.ts';

/** docs/lifeguard.md, which shows images/lifeguard.svg, from results so far; `wanted` is how many the whole sweep has. */
export function lifeguardReport(results: readonly LifeguardResult[], wanted: number): string {
  const complete = comparable(results);
  return [
    introduction(results.length, wanted),
    '## All points together\n',
    'Points and seeds that both SWIM and the detector in question have been run at.\n',
    overview(results),
    `\n## By duration and interval\n\nFalse positives, ${complete.length} runs of SWIM and of Lifeguard at the same points and seeds, all numbers of slow members together.\n`,
    byTime(complete),
    '\n## By number of slow members\n',
    '![False positives by number of slow members](images/lifeguard.svg)',
    '',
    byConcurrency(complete),
    '',
  ].join('\n');
}

function introduction(runs: number, wanted: number): string {
  const { members, anomaliesMs, settleMs } = LIFEGUARD_SCALE;
  const { concurrent, durationMs, intervalMs } = LIFEGUARD_GRID;
  return `# Lifeguard against SWIM

Written by \`ml-sim lifeguard --results docs/lifeguard.jsonl --out docs/lifeguard.md\`, which goes on where the results
file ends. ${runs === wanted ? `All ${wanted}` : `${runs} of the ${wanted}`} runs of the sweep are in it; a run takes four to five seconds of processor time, all of
them an hour and a half.

The experiment is that of §V of "Lifeguard: Local Health Awareness for More Accurate Failure Detection" (arXiv
1707.00788), with the code of production in virtual time: ${members} members at the LAN settings, α = ${LIFEGUARD_ALPHA}
(\`suspicionMult\`), β = ${LIFEGUARD_BETA} (\`suspicionMaxTimeoutMult\`). C of them, drawn by the seed, stop handling
messages, both ways, for D milliseconds, work for I milliseconds, and so on for ${anomaliesMs / 1000} s; their timers run on. Then all is
well for ${settleMs / 1000} s. C goes through ${concurrent.join(', ')}; D through ${durationMs.join(', ')}; I through ${intervalMs.join(', ')}.

A false positive is a member that was well all the time and that another held for dead: counted once for each who did, FP at
all observers, FP− at those that were well themselves. Latency is that of the first anomaly: from its beginning until the
first healthy member, or all of them, held the slow one for dead, where D is long enough for that.
`;
}

function overview(results: readonly LifeguardResult[]): string {
  const rows = LIFEGUARD_GRID.detectors.map((detector) => {
    const own = results.filter(({ cell }) => cell.detector === detector);
    const points = new Set(own.map(({ cell }) => pointOf(cell)));
    const same = results.filter(
      ({ cell }) => cell.detector === 'swim' && points.has(pointOf(cell)),
    );
    const both = new Set(same.map(({ cell }) => pointOf(cell)));
    const paired = own.filter(({ cell }) => both.has(pointOf(cell)));
    return row(summarize('swim', same), summarize(detector, paired));
  });
  return [
    '| detector | runs | FP | SWIM ÷ FP | FP− | SWIM ÷ FP− | first detection, median | p99 | against SWIM | known to all, median | against SWIM |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...rows,
  ].join('\n');
}

function row(swim: DetectorSummary, own: DetectorSummary): string {
  const cells = [
    NAMES[own.detector],
    own.runs,
    own.falsePositives,
    times(ratio(swim.falsePositives, own.falsePositives)),
    own.falsePositivesAtHealthy,
    times(ratio(swim.falsePositivesAtHealthy, own.falsePositivesAtHealthy)),
    seconds(own.firstMedianMs),
    seconds(own.firstP99Ms),
    percent(own.firstMedianMs / swim.firstMedianMs - 1),
    seconds(own.fullMedianMs),
    percent(own.fullMedianMs / swim.fullMedianMs - 1),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** How the reports call the detectors. */
export const NAMES: Readonly<Record<DetectorSummary['detector'], string>> = {
  swim: 'SWIM',
  awareness: 'local health of probes (LHA-Probe)',
  suspicion: 'shrinking suspicion (LHA-Suspicion)',
  buddy: 'buddy system',
  lifeguard: 'all of Lifeguard',
};

function byTime(results: readonly LifeguardResult[]): string {
  const rows = LIFEGUARD_GRID.durationMs.flatMap((durationMs) =>
    LIFEGUARD_GRID.intervalMs.map((intervalMs) => {
      const here = results.filter(
        ({ cell }) => cell.durationMs === durationMs && cell.intervalMs === intervalMs,
      );
      return `| ${durationMs} | ${intervalMs} | ${pair(here)} |`;
    }),
  );
  return ['| D ms | I ms | SWIM | Lifeguard | ratio |', '|---:|---:|---:|---:|---:|', ...rows].join(
    '\n',
  );
}

function byConcurrency(results: readonly LifeguardResult[]): string {
  const rows = LIFEGUARD_GRID.concurrent.map((concurrent) => {
    const here = results.filter(({ cell }) => cell.concurrent === concurrent);
    return `| ${concurrent} | ${pair(here)} |`;
  });
  return ['| C | SWIM | Lifeguard | ratio |', '|---:|---:|---:|---:|', ...rows].join('\n');
}

function pair(results: readonly LifeguardResult[]): string {
  const swim = summarize('swim', results).falsePositives;
  const lifeguard = summarize('lifeguard', results).falsePositives;
  return `${swim} | ${lifeguard} | ${times(ratio(swim, lifeguard))}`;
}

/** Points that both ends were run at. */
export function comparable(results: readonly LifeguardResult[]): readonly LifeguardResult[] {
  const has = (detector: DetectorSummary['detector']): ReadonlySet<string> =>
    new Set(
      results.filter(({ cell }) => cell.detector === detector).map(({ cell }) => pointOf(cell)),
    );
  const [swim, lifeguard] = [has('swim'), has('lifeguard')];
  return results.filter(({ cell }) => {
    const point = pointOf(cell);
    const isEnd = cell.detector === 'swim' || cell.detector === 'lifeguard';
    return isEnd && swim.has(point) && lifeguard.has(point);
  });
}

function pointOf({ concurrent, durationMs, intervalMs, seed }: LifeguardResult['cell']): string {
  return `${concurrent} ${durationMs} ${intervalMs} ${seed}`;
}

function times(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '∞';
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function seconds(ms: number): string {
  return Number.isNaN(ms) ? '–' : `${(ms / 1000).toFixed(2)} s`;
}

function percent(share: number): string {
  if (Number.isNaN(share)) return '–';
  return `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)} %`;
}
