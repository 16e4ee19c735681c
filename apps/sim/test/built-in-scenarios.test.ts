import { describe, expect, test } from 'vitest';
import { readScenario, runScenario } from '../src/index.ts';
import { builtInNames, scenarioFile } from '../src/node-scenarios.ts';

/** Too dear for every run of the tests: a step of its own runs them with `ml-sim run`. */
const DEAR: readonly string[] = ['big-ring'];

const NAMES = builtInNames();

test('there are at least twenty built-in scenarios, and each says what it is about', () => {
  expect(NAMES.length).toBeGreaterThanOrEqual(20);
  for (const name of NAMES) {
    const { source, yaml } = scenarioFile(name);
    const { text } = readScenario(source, yaml);
    expect(text.pain, name).toMatch(/^[A-Z].*\.$/);
    expect(text.description, name).toMatch(/^[A-Z].*\.$/);
    expect(text.assert.length, name).toBeGreaterThanOrEqual(3);
  }
});

describe('the built-in scenario', () => {
  test.each(NAMES.filter((name) => !DEAR.includes(name)))(
    '%s holds',
    {
      timeout: 240_000,
    },
    async (name) => {
      const { source, yaml } = scenarioFile(name);
      const result = await runScenario(readScenario(source, yaml));
      expect(result.verdicts.filter(({ held }) => !held)).toEqual([]);
      expect(result.passed).toBe(true);
    },
  );
});
