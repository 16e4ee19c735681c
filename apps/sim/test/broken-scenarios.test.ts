import { expect, test } from 'vitest';
import { readScenario, runScenario } from '../src/index.ts';
import { scenarioFile } from '../src/node-scenarios.ts';
import { BREAKS } from './breaks.ts';

test.each(BREAKS)(
  '$scenario notices when what it is about is broken: $fails',
  {
    timeout: 120_000,
  },
  async ({ scenario, set = [], replace, fails }) => {
    const { source, yaml } = scenarioFile(scenario);
    const broken = replace === undefined ? yaml : yaml.replace(replace[0], replace[1]);
    expect(broken === yaml).toBe(replace === undefined);
    const { verdicts } = await runScenario(readScenario(source, broken, { set }));
    expect(verdicts.find(({ text }) => text === fails)).toMatchObject({ held: false });
  },
);
