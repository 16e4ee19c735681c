import { availableParallelism } from 'node:os';
import { SimUsageError } from '../errors.ts';
import { commit } from '../node-commit.ts';
import { scenarioFile } from '../node-scenarios.ts';
import {
  isComplete,
  type SweepReport,
  sweepHtml,
  sweepJson,
  sweepText,
} from '../report/sweep-report.ts';
import { readScenario } from '../scenario.ts';
import type { Cell } from '../sweep/cell.ts';
import { sweepRow } from '../sweep/rows.ts';
import { sweep } from '../sweep/sweep.ts';
import {
  checkSettings,
  checkVaried,
  combinations,
  parseVary,
  type Varied,
  type VariedScenario,
} from '../sweep/vary.ts';
import type { Command } from './command.ts';
import { type FlagTable, givenFlags, lastText } from './flags.ts';
import { writeOutput } from './output.ts';
import { wholeNumber } from './swarm-arguments.ts';

/** `ml-sim sweep`: one scenario with every combination of some values. */
export const sweepCommand: Command = {
  name: 'sweep',
  usage:
    '<scenario.yaml | built-in> --vary path=value,value,… [--vary …] [--seeds N] [--first-seed S] [--nodes N] [--set path=value]… [--workers N] [--json FILE] [--html FILE]',
  help: 'Runs a scenario with every combination of values and every seed, and prints a row for each combination. Exit code 0: every assertion held in every run; 1: one did not, or it was interrupted; 2: wrong use.',
  run: async (argv, context) => {
    const given = sweepArguments(argv);
    const { scenario, varied, seeds } = given;
    const { text } = readScenario(scenario.source, scenario.yaml, scenario.overrides);
    checkVaried(scenario, varied);
    const rows = combinations(varied);
    for (const settings of rows) checkSettings(scenario, settings);
    const revision = commit(context.env);
    context.stdout(
      `commit ${revision}\nscenario ${given.name}: ${text.description}\nruns ${rows.length} rows, seeds ${seeds.join(', ')}\n\n`,
    );
    const found = await sweep(cellsOf(given, rows), {
      workers: given.workers,
      signal: context.signal,
      runMs: text.duration,
      progress: context.showsProgress ? context.stderr : undefined,
    });
    const report: SweepReport = {
      scenario: given.name,
      description: text.description,
      commit: revision,
      varied,
      seeds,
      wanted: rows.length,
      rows: [...found].map(([row, results]) => sweepRow(rows[row] ?? [], results)),
    };
    if (given.json !== undefined) writeOutput('json', given.json, sweepJson(report));
    if (given.html !== undefined) writeOutput('html', given.html, sweepHtml(report));
    context.stdout(sweepText(report));
    const held = report.rows.every((row) => row.held === row.runs.length);
    return held && isComplete(report) ? 0 : 1;
  },
};

interface SweepArguments {
  readonly name: string;
  readonly scenario: VariedScenario;
  readonly varied: readonly Varied[];
  readonly seeds: readonly number[];
  readonly workers: number;
  readonly json: string | undefined;
  readonly html: string | undefined;
}

const FLAGS: FlagTable = {
  vary: { type: 'string', multiple: true },
  seeds: { type: 'string' },
  'first-seed': { type: 'string' },
  nodes: { type: 'string' },
  set: { type: 'string', multiple: true },
  workers: { type: 'string' },
  json: { type: 'string' },
  html: { type: 'string' },
};

const MAX_RUNS = 10_000;

function sweepArguments(argv: readonly string[]): SweepArguments {
  const given = givenFlags('sweep', argv, FLAGS);
  const [nameOrPath, ...more] = given.positionals;
  if (nameOrPath === undefined || more.length > 0) {
    throw new SimUsageError(
      `sweep takes one scenario, the name of a built-in one (see ml-sim list) or a YAML file, not ${nameOrPath === undefined ? 'none' : given.positionals.join(' ')}`,
    );
  }
  const varied = (given.texts.get('vary') ?? []).map(parseVary);
  refuseFewOrTwice(varied);
  const count = wholeNumber('--seeds', lastText(given, 'seeds') ?? '1', 1, MAX_RUNS);
  const first = wholeNumber('--first-seed', lastText(given, 'first-seed') ?? '1', 0);
  const runs = count * varied.reduce((product, { values }) => product * values.length, 1);
  if (runs > MAX_RUNS) {
    throw new SimUsageError(
      `--vary and --seeds together are ${runs} runs, and at most ${MAX_RUNS} can be made: give fewer values or seeds`,
    );
  }
  const nodes = lastText(given, 'nodes');
  const workers = lastText(given, 'workers');
  const { name, source, yaml } = scenarioFile(nameOrPath);
  const overrides = {
    set: given.texts.get('set') ?? [],
    ...(nodes !== undefined && { nodes: wholeNumber('--nodes', nodes, 1, 100_000) }),
  };
  return {
    name,
    scenario: { source, yaml, overrides },
    varied,
    seeds: Array.from({ length: count }, (_, index) => first + index),
    workers:
      workers === undefined ? availableParallelism() : wholeNumber('--workers', workers, 1, 256),
    json: lastText(given, 'json'),
    html: lastText(given, 'html'),
  };
}

function refuseFewOrTwice(varied: readonly Varied[]): void {
  if (varied.length === 0) {
    throw new SimUsageError(
      'sweep needs --vary path=value,value,…, as in --vary memberlist.gossip_interval=100ms,200ms',
    );
  }
  const paths = varied.map(({ path }) => path);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice === undefined) return;
  throw new SimUsageError(`--vary ${twice} is given twice: write all its values in one`);
}

function cellsOf(
  { scenario, seeds }: SweepArguments,
  rows: readonly (readonly string[])[],
): readonly Cell[] {
  const { source, yaml, overrides } = scenario;
  return rows.flatMap((settings, row) =>
    seeds.map((seed) => ({
      row,
      seed,
      source,
      yaml,
      set: [...(overrides.set ?? []), ...settings],
      nodes: overrides.nodes,
    })),
  );
}
