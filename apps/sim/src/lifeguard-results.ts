import * as z from 'zod';
import { SimUsageError } from './errors.ts';
import { DETECTORS } from './lifeguard.ts';
import type { LifeguardResult } from './lifeguard-grid.ts';

const count = z.int().min(0);
const times = z.array(z.number().min(0)).readonly();

const result = z.strictObject({
  cell: z.strictObject({
    detector: z.enum(DETECTORS),
    concurrent: count,
    durationMs: count,
    intervalMs: count,
    seed: count,
  }),
  outcome: z.strictObject({
    falsePositives: count,
    falsePositivesAtHealthy: count,
    firstDetectionMs: times,
    fullDetectionMs: times,
  }),
});

/** One line of a results file; times in whole milliseconds. */
export function formatResult({ cell, outcome }: LifeguardResult): string {
  const whole = (all: readonly number[]): readonly number[] => all.map((ms) => Math.round(ms));
  const rounded = {
    ...outcome,
    firstDetectionMs: whole(outcome.firstDetectionMs),
    fullDetectionMs: whole(outcome.fullDetectionMs),
  };
  return `${JSON.stringify({ cell, outcome: rounded })}\n`;
}

/** The results in a file, one a line. @throws {SimUsageError} that names the line that is none */
export function readResults(source: string, text: string): readonly LifeguardResult[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, index) => {
    try {
      return result.parse(JSON.parse(line));
    } catch (error) {
      const where = `line ${index + 1} of ${source}`;
      throw new SimUsageError(`${where} is no result of ml-sim lifeguard`, { cause: error });
    }
  });
}
