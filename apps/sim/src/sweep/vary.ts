import { describe, nearest } from '@ml/runtime/config';
import { serverConfig } from '@ml/server/config';
import { allowedKeys } from '../allowed-keys.ts';
import { CONFIG_BLOCKS } from '../config-tree.ts';
import { ScenarioError, SimUsageError } from '../errors.ts';
import { readScenario, type ScenarioOverrides } from '../scenario.ts';
import { scenarioSchema } from '../scenario-schema.ts';

/** One `--vary`: where, and which values. */
export interface Varied {
  /** A path for {@link ScenarioOverrides.set}. */
  readonly path: string;
  /** As they were written. */
  readonly values: readonly string[];
}

/** A scenario that was read, and what is the same in all its runs. */
export interface VariedScenario {
  readonly source: string;
  readonly yaml: string;
  readonly overrides: ScenarioOverrides;
}

const OPTIONS = describe(serverConfig);
const YAML_PATHS = OPTIONS.flatMap(({ yamlPath }) => yamlPath ?? []);

/**
 * Understands `path=value,value,…`. The path is an option of ml-server, by its YAML path or its flag, or a key of the
 * scenario. Commas inside brackets, braces and quotes belong to a value.
 * @throws {SimUsageError} that names the path and those that may have been meant
 */
export function parseVary(text: string): Varied {
  const [, given = '', list = ''] = /^([^=\s]+)=(.*)$/s.exec(text) ?? [];
  const values = splitValues(list);
  if (given === '' || values.some((value) => value === '')) {
    throw new SimUsageError(
      `--vary takes path=value,value,…, as in memberlist.gossip_interval=100ms,200ms, not ${JSON.stringify(text)}`,
    );
  }
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) {
    throw new SimUsageError(`--vary ${given}: ${JSON.stringify(twice)} is there twice`);
  }
  return { path: knownPath(given), values };
}

/** Checks each value where it will stand. @throws {SimUsageError} that names the flag, the path and the value */
export function checkVaried(scenario: VariedScenario, varied: readonly Varied[]): void {
  for (const { path, values } of varied) {
    for (const value of values) {
      checkSettings(scenario, [`${path}=${value}`]);
    }
  }
}

/** Checks that a scenario can be read with these values. @throws {SimUsageError} that names the flags */
export function checkSettings(
  { source, yaml, overrides }: VariedScenario,
  settings: readonly string[],
): void {
  try {
    readScenario(source, yaml, { ...overrides, set: [...(overrides.set ?? []), ...settings] });
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    const reasons = error.faults.map(({ message }) => message).join('; ');
    throw new SimUsageError(`--vary ${settings.join(' --vary ')}: ${reasons}`, { cause: error });
  }
}

/** Every combination of values, a text `path=value` for each `--vary`; the last one changes fastest. */
export function combinations(varied: readonly Varied[]): readonly (readonly string[])[] {
  return varied.reduce<readonly (readonly string[])[]>(
    (rows, { path, values }) =>
      rows.flatMap((row) => values.map((value) => [...row, `${path}=${value}`])),
    [[]],
  );
}

function splitValues(list: string): readonly string[] {
  const values: string[] = [];
  let depth = 0;
  let quote = '';
  let value = '';
  for (const character of list) {
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if ('[{'.includes(character)) depth += 1;
    else if (']}'.includes(character)) depth -= 1;
    if (character === ',' && depth <= 0 && quote === '') {
      values.push(value.trim());
      value = '';
    } else value += character;
  }
  return [...values, value.trim()];
}

/** The path as overrides take it. */
function knownPath(given: string): string {
  const path = given.replace(/^config\./, '');
  const byFlag = OPTIONS.find(({ flag, yamlPath }) => flag === path && yamlPath !== undefined);
  if (byFlag?.yamlPath !== undefined) return byFlag.yamlPath;
  const keys = path.split('.');
  if (CONFIG_BLOCKS.includes(keys[0] ?? '')) {
    if (YAML_PATHS.includes(path)) return path;
    throw unknownPath(given, path, YAML_PATHS);
  }
  for (const [depth, key] of keys.entries()) {
    const before = keys.slice(0, depth).map((each) => `${each}.`);
    const allowed = allowedKeys(scenarioSchema, keys.slice(0, depth));
    if (allowed.includes(key)) continue;
    const known = allowed.map((each) => before.join('') + each);
    if (depth > 0) throw unknownPath(given, before.join('') + key, known);
    // The block of a server option may be mistyped, or that of a scenario.
    const [server] = nearest(path, YAML_PATHS);
    throw server === undefined
      ? unknownPath(given, key, [...known, ...CONFIG_BLOCKS])
      : unknownPath(given, path, YAML_PATHS);
  }
  return path;
}

function unknownPath(given: string, path: string, known: readonly string[]): SimUsageError {
  const meant = nearest(path, known);
  const block = path.slice(0, path.lastIndexOf('.') + 1);
  const beside = known
    .filter((each) => each.startsWith(block))
    .map((each) => each.slice(block.length));
  const allowed =
    meant.length > 0
      ? `did you mean ${meant.join(' or ')}?`
      : `write ${block === '' ? '' : `${block} and `}one of ${beside.join(', ')}`;
  return new SimUsageError(`--vary ${given}: there is nothing of that name to vary; ${allowed}`);
}
