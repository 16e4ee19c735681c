import { assert } from '@ml/runtime';
import {
  DETECTORS,
  type Detector,
  type LifeguardCell,
  type LifeguardOutcome,
} from './lifeguard.ts';

/** The values that a sweep goes through, each with each. */
export interface LifeguardGrid {
  readonly detectors: readonly Detector[];
  readonly concurrent: readonly number[];
  readonly durationMs: readonly number[];
  readonly intervalMs: readonly number[];
  readonly seeds: readonly number[];
}

/** The sweep of docs/lifeguard.md. */
export const LIFEGUARD_GRID: LifeguardGrid = {
  detectors: DETECTORS,
  concurrent: [1, 4, 8, 16, 32],
  durationMs: [2048, 8192, 32_768],
  intervalMs: [64, 1024, 16_384],
  seeds: [1, 2, 3, 4, 5],
};

/** A point and what it came to. */
export interface LifeguardResult {
  readonly cell: LifeguardCell;
  readonly outcome: LifeguardOutcome;
}

/**
 * All points of a grid: first all of one seed, then those of the next, so that a sweep that was cut short is balanced.
 * Within a seed the two ends, SWIM and all of Lifeguard, come before the parts.
 */
export function lifeguardCells(grid: LifeguardGrid): readonly LifeguardCell[] {
  const isEnd = (detector: Detector): boolean => detector === 'swim' || detector === 'lifeguard';
  const groups = [
    grid.detectors.filter(isEnd),
    grid.detectors.filter((detector) => !isEnd(detector)),
  ];
  return grid.seeds.flatMap((seed) =>
    groups.flatMap((detectors) => cellsOf({ ...grid, detectors, seeds: [seed] })),
  );
}

function cellsOf(grid: LifeguardGrid): readonly LifeguardCell[] {
  const cells: LifeguardCell[] = [];
  for (const seed of grid.seeds) {
    for (const durationMs of grid.durationMs.toReversed()) {
      for (const intervalMs of grid.intervalMs) {
        for (const concurrent of grid.concurrent) {
          for (const detector of grid.detectors) {
            cells.push({ detector, concurrent, durationMs, intervalMs, seed });
          }
        }
      }
    }
  }
  return cells;
}

/** What names a point: the same text for the same point. */
export function cellKey({
  detector,
  concurrent,
  durationMs,
  intervalMs,
  seed,
}: LifeguardCell): string {
  return `${detector} C=${concurrent} D=${durationMs} I=${intervalMs} seed=${seed}`;
}

/** What all runs of one detector came to. */
export interface DetectorSummary {
  readonly detector: Detector;
  readonly runs: number;
  readonly falsePositives: number;
  readonly falsePositivesAtHealthy: number;
  /** Detections of slow members that the latencies are made of. */
  readonly detections: number;
  readonly firstMedianMs: number;
  readonly firstP99Ms: number;
  readonly fullMedianMs: number;
  readonly fullP99Ms: number;
}

/** What one detector's runs came to, over all points. */
export function summarize(
  detector: Detector,
  results: readonly LifeguardResult[],
): DetectorSummary {
  const own = results.filter(({ cell }) => cell.detector === detector);
  const first = sorted(own.flatMap(({ outcome }) => outcome.firstDetectionMs));
  const full = sorted(own.flatMap(({ outcome }) => outcome.fullDetectionMs));
  return {
    detector,
    runs: own.length,
    falsePositives: sum(own.map(({ outcome }) => outcome.falsePositives)),
    falsePositivesAtHealthy: sum(own.map(({ outcome }) => outcome.falsePositivesAtHealthy)),
    detections: first.length,
    firstMedianMs: quantile(first, 0.5),
    firstP99Ms: quantile(first, 0.99),
    fullMedianMs: quantile(full, 0.5),
    fullP99Ms: quantile(full, 0.99),
  };
}

/** How many times as many false positives SWIM has; infinite when the other has none. */
export function ratio(swim: number, other: number): number {
  if (other > 0) return swim / other;
  return swim > 0 ? Number.POSITIVE_INFINITY : 1;
}

/** The value that a share of `q` of ascending values does not exceed; NaN without values. */
export function quantile(ascending: readonly number[], q: number): number {
  assert(q > 0 && q <= 1, `${q} is no share`);
  return ascending[Math.ceil(q * ascending.length) - 1] ?? Number.NaN;
}

function sorted(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
