import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { defaultsOf } from '@ml/runtime/config';
import { serverConfig } from '@ml/server/config';
import type { Conditions } from '../advise/conditions.ts';
import { SimUsageError } from '../errors.ts';
import { commit } from '../node-commit.ts';
import { utcDate } from '../node-wall-clock.ts';
import { measureLadders } from '../tuning/ladders.ts';
import { tuningPage } from '../tuning/tuning-report.ts';
import type { Command } from './command.ts';
import { type FlagTable, givenFlags, lastText } from './flags.ts';
import { writeOutput } from './output.ts';
import { wholeNumber } from './swarm-arguments.ts';

/** `ml-sim tuning`: docs/tuning.md, what each of the four knobs does and costs. */
export const tuningCommand: Command = {
  name: 'tuning',
  usage: '--out docs/tuning.md [--nodes N] [--seeds N] [--tokens N] [--workers N]',
  help: 'Moves each of the four gossip knobs alone, and writes what it does and costs, with pictures in the folder images beside the file.',
  run: async (argv, context) => {
    const { out, conditions, seeds, workers, command } = tuningArguments(argv);
    const found = await measureLadders({
      conditions,
      seeds,
      periods: PERIODS,
      workers,
      signal: context.signal,
      progress: context.showsProgress ? context.stderr : undefined,
    });
    if (found === undefined) {
      context.stderr('interrupted: nothing was written, for a page needs all of its runs\n');
      return 1;
    }
    const provenance = { command, commit: commit(context.env), date: utcDate(context.env) };
    const { markdown, images } = tuningPage(found, provenance);
    const folder = join(dirname(out), 'images');
    mkdirSync(folder, { recursive: true });
    for (const [name, svg] of images) writeOutput('out', join(folder, name), svg);
    writeOutput('out', out, markdown);
    return 0;
  },
};

const PERIODS = 5;
const DEFAULT_NODES = 20;
const DEFAULT_SEEDS = 24;
const MAX_NODES = 200;

const FLAGS: FlagTable = {
  out: { type: 'string' },
  nodes: { type: 'string' },
  seeds: { type: 'string' },
  tokens: { type: 'string' },
  workers: { type: 'string' },
};

function tuningArguments(argv: readonly string[]): {
  readonly out: string;
  readonly conditions: Conditions;
  readonly seeds: number;
  readonly workers: number;
  readonly command: string;
} {
  const given = givenFlags('tuning', argv, FLAGS);
  const out = lastText(given, 'out');
  if (out === undefined || given.positionals.length > 0) {
    throw new SimUsageError('tuning takes --out FILE, the page to write, and no other file');
  }
  const number = (flag: string, least: number, most: number): number | undefined => {
    const text = lastText(given, flag);
    return text === undefined ? undefined : wholeNumber(`--${flag}`, text, least, most);
  };
  const nodes = number('nodes', 2, MAX_NODES) ?? DEFAULT_NODES;
  const seeds = number('seeds', 1, 100) ?? DEFAULT_SEEDS;
  const tokens = number('tokens', 1, 4096);
  const more = [
    ...(nodes === DEFAULT_NODES ? [] : [`--nodes ${nodes}`]),
    ...(seeds === DEFAULT_SEEDS ? [] : [`--seeds ${seeds}`]),
    ...(tokens === undefined ? [] : [`--tokens ${tokens}`]),
  ];
  return {
    out,
    conditions: {
      nodes,
      zones: 1,
      rttMs: 1,
      zoneRttMs: 1,
      loss: 0,
      heartbeatPeriodMs: 15_000,
      tokens: tokens ?? defaultsOf(serverConfig).ring.numTokens,
    },
    seeds,
    workers: number('workers', 1, 256) ?? availableParallelism(),
    command: ['ml-sim tuning --out docs/tuning.md', ...more].join(' '),
  };
}
