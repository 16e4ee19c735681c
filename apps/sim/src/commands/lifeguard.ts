import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { SimUsageError } from '../errors.ts';
import { runLifeguardCell } from '../lifeguard.ts';
import {
  cellKey,
  LIFEGUARD_GRID,
  type LifeguardResult,
  lifeguardCells,
} from '../lifeguard-grid.ts';
import { lifeguardPlot } from '../lifeguard-plot.ts';
import { lifeguardReport } from '../lifeguard-report.ts';
import { formatResult, readResults } from '../lifeguard-results.ts';
import type { Command } from './command.ts';
import { writeOutput } from './output.ts';
import { wholeNumber } from './swarm-arguments.ts';

/** `ml-sim lifeguard`: false positives of SWIM, of each part of Lifeguard, and of all parts together. */
export const lifeguardCommand: Command = {
  name: 'lifeguard',
  usage: '[--seeds N] [--shard i/n] [--results FILE] [--out FILE] [--report-only]',
  help: 'Repeats the experiment of the Lifeguard paper. Points that the results file holds are not run again.',
  run: async (argv, { stdout, signal }) => {
    const { seeds, shard, results, out, reportOnly } = argumentsOf(argv);
    const cells = lifeguardCells({ ...LIFEGUARD_GRID, seeds });
    const known = results === undefined ? [] : resultsIn(results);
    const found = new Map<string, LifeguardResult>(
      known.map((result) => [cellKey(result.cell), result]),
    );
    for (const [index, cell] of cells.entries()) {
      if (reportOnly || signal.aborted) break;
      if (index % shard.of !== shard.index || found.has(cellKey(cell))) continue;
      const result = { cell, outcome: await runLifeguardCell(cell) };
      found.set(cellKey(cell), result);
      if (results !== undefined) appendFileSync(results, formatResult(result));
    }
    const wanted = new Set(cells.map(cellKey));
    const counted = [...found.values()].filter(({ cell }) => wanted.has(cellKey(cell)));
    const report = lifeguardReport(counted, cells.length);
    if (out === undefined) {
      stdout(report);
      return 0;
    }
    const folder = join(dirname(out), 'images');
    mkdirSync(folder, { recursive: true });
    writeOutput('out', join(folder, 'lifeguard.svg'), `${lifeguardPlot(counted)}\n`);
    writeOutput('out', out, report);
    return 0;
  },
};

interface LifeguardArguments {
  readonly seeds: readonly number[];
  readonly shard: { readonly index: number; readonly of: number };
  readonly results: string | undefined;
  readonly out: string | undefined;
  readonly reportOnly: boolean;
}

function argumentsOf(argv: readonly string[]): LifeguardArguments {
  const values = parsed(argv);
  const all = LIFEGUARD_GRID.seeds;
  const count = wholeNumber('--seeds', values.seeds ?? String(all.length), 1, 1000);
  const [index = '', of = ''] = (values.shard ?? '0/1').split('/', 2);
  const shards = wholeNumber('--shard, behind the slash,', of, 1, 1000);
  return {
    seeds: Array.from({ length: count }, (_, seed) => seed + 1),
    shard: {
      index: wholeNumber('--shard, before the slash,', index, 0, shards - 1),
      of: shards,
    },
    results: values.results,
    out: values.out,
    reportOnly: values['report-only'] ?? false,
  };
}

function resultsIn(file: string): readonly LifeguardResult[] {
  return existsSync(file) ? readResults(file, readFileSync(file, 'utf8')) : [];
}

function parsed(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        seeds: { type: 'string' },
        shard: { type: 'string' },
        results: { type: 'string' },
        out: { type: 'string' },
        'report-only': { type: 'boolean' },
      },
    });
    return values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(reason, { cause: error });
  }
}
