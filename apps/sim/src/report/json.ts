import type { RunResult } from '../run-scenario.ts';

/** A run as JSON, for scripts. Figures that were not measured are `null`. */
export function jsonText(result: RunResult): string {
  const text = JSON.stringify(
    result,
    (_key, value: unknown) => {
      if (value instanceof Error) return `${value.name}: ${value.message}`;
      return typeof value === 'bigint' ? value.toString() : value;
    },
    2,
  );
  return `${text}\n`;
}
