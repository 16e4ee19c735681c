import { expect, test } from 'vitest';
import { SimUsageError } from '../src/errors.ts';
import { type Detector, runLifeguardCell } from '../src/lifeguard.ts';
import {
  LIFEGUARD_GRID,
  type LifeguardResult,
  lifeguardCells,
  ratio,
  summarize,
} from '../src/lifeguard-grid.ts';
import { lifeguardPlot } from '../src/lifeguard-plot.ts';
import { lifeguardReport } from '../src/lifeguard-report.ts';
import { formatResult, readResults } from '../src/lifeguard-results.ts';

/** A corner of the sweep, with fewer members and a shorter time than docs/lifeguard.md has. */
async function run(detector: Detector): Promise<LifeguardResult> {
  const cell = { detector, concurrent: 4, durationMs: 32_768, intervalMs: 64, seed: 1 };
  const scale = { members: 48, anomaliesMs: 60_000, settleMs: 20_000 };
  return { cell, outcome: await runLifeguardCell(cell, scale) };
}

test('Lifeguard has fifty times fewer false positives than SWIM, and finds slow members as fast within 5 %', async () => {
  const results = [await run('swim'), await run('lifeguard')];
  const swim = summarize('swim', results);
  const lifeguard = summarize('lifeguard', results);
  expect(swim.falsePositives).toBeGreaterThan(500);
  expect(ratio(swim.falsePositives, lifeguard.falsePositives)).toBeGreaterThanOrEqual(50);
  expect(
    ratio(swim.falsePositivesAtHealthy, lifeguard.falsePositivesAtHealthy),
  ).toBeGreaterThanOrEqual(50);
  expect(swim.detections).toBe(4);
  expect(Math.abs(lifeguard.firstMedianMs / swim.firstMedianMs - 1)).toBeLessThan(0.05);
  expect(Math.abs(lifeguard.fullMedianMs / swim.fullMedianMs - 1)).toBeLessThan(0.05);
  const report = lifeguardReport(results, 2);
  expect(report).toContain('(images/lifeguard.svg)');
  expect(lifeguardPlot(results).match(/<polyline/g)).toHaveLength(2);
  expect(report).toContain(`| 32768 | 64 | ${swim.falsePositives} | ${lifeguard.falsePositives} |`);
}, 120_000);

test('the sweep has every point once: five detectors, 45 points, five seeds', () => {
  const cells = lifeguardCells(LIFEGUARD_GRID);
  expect(cells).toHaveLength(5 * 45 * 5);
  expect(new Set(cells.map((cell) => JSON.stringify(cell))).size).toBe(cells.length);
  expect(new Set(cells.slice(0, 225).map(({ seed }) => seed))).toEqual(new Set([1]));
});

test('results survive being kept in a file, and a line that is none is named', () => {
  const [cell] = lifeguardCells(LIFEGUARD_GRID);
  if (cell === undefined) throw new TypeError('the sweep is empty');
  const outcome = {
    falsePositives: 3,
    falsePositivesAtHealthy: 1,
    firstDetectionMs: [12_000],
    fullDetectionMs: [],
  };
  const line = formatResult({ cell, outcome });
  expect(readResults('r.jsonl', line)).toEqual([{ cell, outcome }]);
  expect(() => readResults('r.jsonl', `${line}{}\n`)).toThrow(SimUsageError);
  expect(() => readResults('r.jsonl', `${line}{}\n`)).toThrow(/line 2 of r\.jsonl/);
});

test('a ratio without false positives at all is one, and infinite when only SWIM has some', () => {
  expect(ratio(0, 0)).toBe(1);
  expect(ratio(5, 0)).toBe(Number.POSITIVE_INFINITY);
  expect(ratio(100, 4)).toBe(25);
});
