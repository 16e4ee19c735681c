import type { Verdict } from '../assertion.ts';
import type { HistogramSummary } from '../histogram.ts';
import { type Progress, type RunResult, runScenario } from '../run-scenario.ts';
import { readScenario } from '../scenario.ts';
import { type HeartbeatFigures, HeartbeatWatch, type HeartbeatWindow } from './heartbeat-watch.ts';

/** One run of a sweep: all that a worker thread needs to make it. */
export interface Cell {
  /** Number of the combination of values, from 0. */
  readonly row: number;
  readonly seed: number;
  /** Stands in messages: the file, or the name of a built-in scenario. */
  readonly source: string;
  /** The scenario file. */
  readonly yaml: string;
  /** `path=value` each. */
  readonly set: readonly string[];
  /** In the place of the scenario's number of nodes. */
  readonly nodes?: number | undefined;
  /** Follows heartbeats in this time. Default: not at all. */
  readonly heartbeats?: HeartbeatWindow | undefined;
}

/** What a run came to, as far as tables show it. Everything follows from the {@link Cell}. */
export interface CellOutcome {
  readonly verdicts: readonly Verdict[];
  readonly endMs: number;
  readonly executedEvents: number;
  /** Of the scenario's workload; of nothing without one. */
  readonly propagation: HistogramSummary;
  readonly heartbeats: HeartbeatFigures | undefined;
  /** Age of the oldest heartbeat in any ring at any sample, in milliseconds; 0 without rings. */
  readonly oldestHeartbeatMs: number;
  /** Bytes that a node sent per second, over the whole run. */
  readonly bytesPerNodeS: number;
  readonly suspicions: number;
  readonly deaths: number;
  readonly falseDeaths: number;
  /**
   * From the end of the last fault (the start of the run without faults) to the first sample at which all views were
   * equal, in milliseconds; `undefined` when they never were.
   */
  readonly convergedMs: number | undefined;
  readonly traceSha256: string;
}

/** How a {@link Cell} is run. */
export interface RunCellOptions {
  /** Ends the run early; there is no outcome then. */
  readonly signal?: AbortSignal | undefined;
  /** Is told now and then how far the run is. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Makes one run of a sweep; `undefined` when the signal ended it.
 * @throws {ScenarioError} when the scenario, with these values, makes no sense
 */
export async function runCell(
  cell: Cell,
  { signal, onProgress }: RunCellOptions = {},
): Promise<CellOutcome | undefined> {
  const { source, yaml, set, seed, nodes, heartbeats: window } = cell;
  const scenario = readScenario(source, yaml, { set, seed, nodes });
  let watch: HeartbeatWatch | undefined;
  try {
    const result = await runScenario(scenario, {
      ...(signal !== undefined && { signal }),
      ...(onProgress !== undefined && { onProgress }),
      onCluster: (cluster) => {
        if (window !== undefined) watch = new HeartbeatWatch(cluster, window);
      },
    });
    return result.interrupted ? undefined : outcomeOf(result, watch?.finish());
  } finally {
    watch?.[Symbol.dispose]();
  }
}

function outcomeOf(result: RunResult, heartbeats: HeartbeatFigures | undefined): CellOutcome {
  const { findings, samples, nodes, verdicts } = result;
  const { totals, propagation, endMs } = findings;
  const sent = nodes.reduce(
    (sum, { traffic }) => sum + traffic.sentPacketBytes + traffic.sentStreamBytes,
    0,
  );
  return {
    verdicts,
    endMs,
    executedEvents: result.executedEvents,
    propagation,
    heartbeats,
    oldestHeartbeatMs: samples.reduce((most, each) => Math.max(most, each.oldestHeartbeatMs), 0),
    bytesPerNodeS: nodes.length > 0 && endMs > 0 ? (sent * 1000) / endMs / nodes.length : 0,
    suspicions: totals.suspicions,
    deaths: totals.deaths,
    falseDeaths: totals.falseDeaths,
    convergedMs: convergedMs(result),
    traceSha256: result.traceSha256,
  };
}

function convergedMs({ findings, samples }: RunResult): number | undefined {
  const { healedAtMs } = findings;
  const first = samples.find(
    ({ atMs, viewsEqual, live }) => atMs >= healedAtMs && viewsEqual && live > 0,
  );
  return first === undefined ? undefined : first.atMs - healedAtMs;
}
