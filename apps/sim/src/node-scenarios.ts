import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { SimUsageError } from './errors.ts';

const BUILT_INS = new URL('../scenarios/', import.meta.url);
const ENDING = '.yaml';

/** A scenario file that was read. */
export interface ScenarioFile {
  readonly name: string;
  /** What stands in messages: the path, or the name of a built-in. */
  readonly source: string;
  readonly yaml: string;
}

/** Names of the scenarios that come with the simulator, sorted. */
export function builtInNames(): readonly string[] {
  return readdirSync(BUILT_INS)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort((a, b) => (a < b ? -1 : 1));
}

/** The scenario of that name, or the file at that path. @throws {SimUsageError} */
export function scenarioFile(nameOrPath: string): ScenarioFile {
  if (builtInNames().includes(nameOrPath)) {
    const yaml = readFileSync(new URL(nameOrPath + ENDING, BUILT_INS), 'utf8');
    return { name: nameOrPath, source: nameOrPath, yaml };
  }
  try {
    const name = basename(nameOrPath).replace(/\.ya?ml$/, '');
    return { name, source: nameOrPath, yaml: readFileSync(nameOrPath, 'utf8') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(
      `${JSON.stringify(nameOrPath)} is neither a built-in scenario (${builtInNames().join(', ')}) nor a file that can be read: ${reason}`,
      { cause: error },
    );
  }
}
