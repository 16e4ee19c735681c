import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SimUsageError } from '../errors.ts';
import { builtInNames, scenarioFile } from '../node-scenarios.ts';
import { type ScenarioRun, scenarioIndex, scenarioPage } from '../report/scenario-page.ts';
import { runScenario } from '../run-scenario.ts';
import { readScenario } from '../scenario.ts';
import type { Command, CommandContext } from './command.ts';
import { type FlagTable, givenFlags, lastText } from './flags.ts';

/** `ml-sim docs`: docs/scenarios, a page for each built-in scenario and one that lists them. */
export const docsCommand: Command = {
  name: 'docs',
  usage: '--out docs/scenarios [built-in…]',
  help: 'Runs every built-in scenario and writes a page for each, with pictures, and one that lists them. With names: their pages alone.',
  run: async (argv, context) => {
    const { out, names } = docsArguments(argv);
    const runs: ScenarioRun[] = [];
    makeFolder(out);
    for (const name of names.length > 0 ? names : builtInNames()) {
      const run = await runOf(name, context);
      if (run.result.interrupted) {
        context.stderr('interrupted: the page that lists all was not written\n');
        return INTERRUPTED;
      }
      for (const [path, text] of scenarioPage(run)) write(join(out, path), text);
      context.stdout(`${run.result.passed ? 'ok    ' : 'FAILED'} ${name}\n`);
      runs.push(run);
    }
    if (names.length === 0) write(join(out, 'README.md'), scenarioIndex(runs));
    return runs.every(({ result }) => result.passed) ? 0 : 1;
  },
};

/** As a shell counts a process that Ctrl-C ended. */
const INTERRUPTED = 130;

const FLAGS: FlagTable = { out: { type: 'string' } };

function docsArguments(argv: readonly string[]): {
  readonly out: string;
  readonly names: readonly string[];
} {
  const given = givenFlags('docs', argv, FLAGS);
  const out = lastText(given, 'out');
  if (out === undefined) throw new SimUsageError('docs takes --out, the folder to write to');
  const known = builtInNames();
  const unknown = given.positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new SimUsageError(
      `there is no built-in scenario ${JSON.stringify(unknown)}: write one of ${known.join(', ')}`,
    );
  }
  return { out, names: given.positionals };
}

async function runOf(name: string, { signal }: CommandContext): Promise<ScenarioRun> {
  const file = scenarioFile(name);
  const scenario = { ...readScenario(file.source, file.yaml), name };
  const { pain = 'not said' } = scenario.text;
  return { file, pain, result: await runScenario(scenario, { signal }) };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    throw unwritable(path, error);
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): SimUsageError {
  const reason = error instanceof Error ? error.message : String(error);
  return new SimUsageError(`--out: cannot write ${JSON.stringify(path)}: ${reason}`, {
    cause: error,
  });
}
