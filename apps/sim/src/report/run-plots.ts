import type { KeptEvent, Sample } from '../observer.ts';
import type { RunResult } from '../run-scenario.ts';
import type { PlotOptions, Series } from './plot.ts';

/** How fast writes reached one other node, and all. Without series when nothing was written. */
export function propagationPlot(result: RunResult): PlotOptions {
  return {
    title: 'Propagation of writes',
    xLabel: 'milliseconds',
    yLabel: 'share',
    series: [
      distribution('to one node', result.propagationCdf),
      distribution('to all nodes', result.fullPropagationCdf),
    ].filter(({ points }) => points.length > 0),
  };
}

/** The age of the oldest heartbeat over time. */
export function heartbeatPlot(result: RunResult): PlotOptions {
  return {
    ...overTime(result),
    title: 'Oldest heartbeat in any ring',
    yLabel: 'age in seconds',
    series: [over(result, 'oldest heartbeat', (s) => s.oldestHeartbeatMs / 1000)],
  };
}

/** Nodes that live, and the fewest and most that any of them sees. */
export function membersPlot(result: RunResult): PlotOptions {
  return {
    ...overTime(result),
    title: 'Members as nodes see them',
    yLabel: 'members',
    series: [
      over(result, 'live nodes', (s) => s.live),
      over(result, 'most seen', (s) => s.membersMax),
      over(result, 'fewest seen', (s) => s.membersMin),
    ],
  };
}

/** What each node sent. */
export function trafficPlot(result: RunResult): PlotOptions {
  return {
    ...overTime(result),
    title: 'Bytes sent',
    yLabel: 'bytes per node and second',
    series: [over(result, 'bytes', (s) => s.bytesPerNodeS)],
  };
}

/** Who was suspected and held for dead, counted from the start. */
export function suspicionsPlot(result: RunResult): PlotOptions {
  const { events } = result;
  return {
    ...overTime(result),
    title: 'Suspicions and deaths',
    yLabel: 'since the start',
    series: [
      counted('suspicions', events, (e) => e.event.type === 'suspect'),
      counted('deaths', events, (e) => e.event.type === 'dead'),
      counted('false deaths', events, (e) => e.event.type === 'dead' && e.wrong),
      over(result, 'suspicions open now', (s) => s.suspicions),
    ],
  };
}

/** All pictures of a run. */
export function runPlots(result: RunResult): readonly PlotOptions[] {
  return [
    propagationPlot(result),
    heartbeatPlot(result),
    membersPlot(result),
    trafficPlot(result),
    suspicionsPlot(result),
  ];
}

function overTime({ events }: RunResult): Pick<PlotOptions, 'xLabel' | 'marks'> {
  const marks = events.flatMap(({ event }) => {
    return event.type === 'note' ? [{ x: event.atMs / 1000, text: event.text }] : [];
  });
  return { xLabel: 'virtual seconds', marks };
}

function over({ samples }: RunResult, name: string, value: (sample: Sample) => number): Series {
  const points = samples.map((sample): readonly [number, number] => [
    sample.atMs / 1000,
    value(sample),
  ]);
  return { name, points: withoutLevels(points) };
}

/** Leaves out points on a level line between others. */
function withoutLevels(
  points: readonly (readonly [number, number])[],
): readonly (readonly [number, number])[] {
  return points.filter(([, y], index) => {
    return points[index - 1]?.[1] !== y || points[index + 1]?.[1] !== y;
  });
}

function distribution(
  name: string,
  points: readonly { readonly value: number; readonly share: number }[],
): Series {
  return { name, points: points.map(({ value, share }) => [value, share]) };
}

function counted(
  name: string,
  events: readonly KeptEvent[],
  counts: (event: KeptEvent) => boolean,
): Series {
  const found = events.filter(counts);
  return {
    name,
    step: true,
    points: found.map(({ event }, index) => [event.atMs / 1000, index + 1]),
  };
}
