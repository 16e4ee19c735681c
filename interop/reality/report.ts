import { cpus, release } from 'node:os';
import { type PlotOptions, plotSvg } from '@ml/sim/plot';

import {
  ALLOWED_DEVIATION,
  type Comparison,
  comparisonTable,
  conditionsText,
} from './comparison.ts';

/** A file of the report, by its path below docs/. */
export interface ReportFile {
  readonly path: string;
  readonly text: string;
}

/** One for each number of nodes, otherwise alike. */
export type Comparisons = readonly [Comparison, ...Comparison[]];

/** What the report cannot know by itself. */
export interface ReportFacts {
  readonly command: string;
  readonly commit: string;
  readonly date: string;
  /** Processes that wanted a processor when the run began. */
  readonly load: number;
}

/** The report as files: Markdown, and a picture for each number of nodes. */
export function realityReport(comparisons: Comparisons, facts: ReportFacts): readonly ReportFile[] {
  const pictures = comparisons.map((comparison) => ({
    path: pictureOf(comparison),
    text: plotSvg(plotOf(comparison)),
  }));
  return [{ path: 'reality.md', text: markdown(comparisons, facts) }, ...pictures];
}

function pictureOf({ nodes }: Comparison): string {
  return `images/reality-${nodes}.svg`;
}

function markdown(comparisons: Comparisons, facts: ReportFacts): string {
  const percent = ALLOWED_DEVIATION * 100;
  const [{ scenario, seeds, rounds }] = comparisons;
  const { latencyMs, jitterMs, everyMs } = scenario;
  return `# Simulator and reality

Written by \`${facts.command}\` on ${facts.date} at commit ${facts.commit}, on ${machine()}, load ${facts.load.toFixed(1)} at the beginning.

One scenario, \`apps/sim/scenarios/propagation.yaml\`, run twice: by the simulator in virtual time, and by real processes of
ours, each in a network namespace of its own, over \`interop/go/cmd/faultnet\`, which delays every packet of TCP by as much as
the scenario says: ${latencyMs - jitterMs} to ${latencyMs + jitterMs} ms, each packet by its own draw. Nodes write small values by CAS, one each ${everyMs} ms, a random node each time.
Propagation is the time from the return of the CAS on the writer to the moment at which the watch on another node has the value: one value for
each write and each other node. Real processes read it from the machine's monotonic clock, which they share. A pair that
does not meet within 2 s of the last write (4 s in the simulator) counts as longer than all others.

${seeds} seeds are simulated; real clusters are started ${rounds} times, for the phases of the members' gossip rounds are drawn at the
start. In brackets: 95 % confidence, by bootstrap over seeds and over writes. \`interop/reality.interop.ts\` runs the
same comparison with fewer seeds and rounds, and fails when p50 or p99 differ by more than ${percent} % of what was measured,
twice in a row. The real processes have a real-time priority where the machine grants it: other work must not look like a slow network.

${comparisonTable(comparisons)}

${comparisons.map(conditionsText).join('.\n\n')}.

${beyondChance(comparisons)}

The simulator gives turns of a node no time, timers no lateness, and a connection's end the delay of its last data. Real
timers of Node.js fire up to a millisecond late, each hop costs both sides some processor time, and the acknowledgement, the data
and the end of a connection are packets with a draw each, of which the last to come counts. A hop is so some milliseconds slower in
reality. With a write all the time a value mostly waits for the next round of gossip, up to 200 ms, beside which that is
little; with a write now and then, where it is sent at once and p50 is one hop, the same milliseconds weigh more.

${comparisons.map((comparison) => `![Propagation over ${comparison.nodes} nodes, simulated and measured](${pictureOf(comparison)})`).join('\n\n')}
`;
}

/** Which quantiles differ by more than the draws of the runs explain. */
function beyondChance(comparisons: Comparisons): string {
  const names = comparisons.flatMap(({ nodes, rows }) =>
    rows
      .filter(({ simulatedInterval: a, measuredInterval: b }) => a.low > b.high || b.low > a.high)
      .map(({ name }) => `${name} over ${nodes} nodes`),
  );
  if (names.length === 0) return 'All intervals overlap: chance explains what differs.';
  return `The intervals do not overlap for ${names.join(', ')}: chance alone does not explain what differs there.`;
}

function machine(): string {
  const [cpu] = cpus();
  const model = cpu?.model.trim() || 'an unnamed processor';
  return `${cpus().length} × ${model}, Linux ${release().split('-', 1).join()}, Node.js ${process.version}`;
}

type Point = readonly [ms: number, share: number];

/** As many points as a picture can show apart. */
function thinned(points: readonly Point[]): readonly Point[] {
  const kept: Point[] = [];
  for (const [index, point] of points.entries()) {
    const step = point[1] - (kept.at(-1)?.[1] ?? Number.NEGATIVE_INFINITY);
    if (step >= 1 / 400 || index === points.length - 1) kept.push(point);
  }
  return kept;
}

/** Both distributions up to where the slower one is all but complete. */
function plotOf({ nodes, simulated, measured }: Comparison): PlotOptions {
  const endMs = 1.5 * Math.max(simulated.quantile(0.99), measured.propagation.quantile(0.99));
  const curve = (name: string, points: readonly Point[]) => ({
    name,
    step: true,
    points: thinned([[0, 0], ...points.filter(([ms]) => ms <= endMs)]),
  });
  return {
    title: `Propagation over ${nodes} nodes`,
    xLabel: 'milliseconds',
    yLabel: 'share of values',
    series: [
      curve('simulated', simulated.cumulative()),
      curve('measured', measured.propagation.cumulative()),
    ],
  };
}
