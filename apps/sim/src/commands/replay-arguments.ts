import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SimUsageError } from '../errors.ts';
import { type ReplayRecord, readReplay } from '../replay.ts';
import { drawPlan } from '../swarm-plan.ts';
import { canaryOf, wholeNumber } from './swarm-arguments.ts';

/** What `ml-sim replay` and `ml-sim shrink` were asked for. */
export interface ReplayArguments {
  readonly replay: ReplayRecord;
  readonly out: string | undefined;
}

/** Reads a plan from a file, or draws it from a seed. @throws {SimUsageError} */
export function replayArguments(command: string, argv: readonly string[]): ReplayArguments {
  const { values, positionals } = parsed(argv);
  const [file, ...more] = positionals;
  if (more.length > 0 || (file === undefined) === (values.seed === undefined)) {
    throw new SimUsageError(`${command} takes either a file or --seed`);
  }
  const canary = canaryOf(values.canary);
  const { out } = values;
  if (file === undefined) {
    const seed = wholeNumber('--seed', values.seed ?? '', 0);
    return { replay: { canary, plan: drawPlan(seed) }, out };
  }
  const replay = readReplay(file, textOf(file));
  return { replay: canary === undefined ? replay : { ...replay, canary }, out };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(`cannot read ${JSON.stringify(file)}: ${reason}`, { cause: error });
  }
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        canary: { type: 'string' },
        out: { type: 'string' },
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(reason, { cause: error });
  }
}
