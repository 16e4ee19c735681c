import { parseArgs } from 'node:util';
import { SimUsageError } from '../errors.ts';
import type { ScenarioOverrides } from '../scenario.ts';

/** What `ml-sim run` was asked for. */
export interface RunArguments {
  readonly scenario: string;
  readonly overrides: ScenarioOverrides;
  readonly json: string | undefined;
  readonly html: string | undefined;
  /** Shows how far the run is even where standard error is no terminal. */
  readonly progress: boolean;
}

/** Reads the arguments of `run`. @throws {SimUsageError} */
export function runArguments(argv: readonly string[]): RunArguments {
  const { values, positionals } = parsed(argv);
  const [scenario, ...more] = positionals;
  if (scenario === undefined) {
    throw new SimUsageError(
      'run takes a scenario: the name of a built-in one (see ml-sim list) or a YAML file',
    );
  }
  if (more.length > 0)
    throw new SimUsageError(`run takes one scenario, but got ${positionals.join(' ')}`);
  return {
    scenario,
    overrides: {
      seed: wholeNumber('--seed', values.seed, 0),
      nodes: wholeNumber('--nodes', values.nodes, 1),
      set: values.set ?? [],
    },
    json: values.json,
    html: values.html,
    progress: values.progress ?? false,
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        nodes: { type: 'string' },
        set: { type: 'string', multiple: true },
        json: { type: 'string' },
        html: { type: 'string' },
        progress: { type: 'boolean' },
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(reason, { cause: error });
  }
}

function wholeNumber(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new SimUsageError(
    `${flag} takes a whole number from ${least}, not ${JSON.stringify(text)}`,
  );
}
