import { ConfigError, loadConfig } from '@ml/runtime/config';
import { type ServerConfig, serverConfig } from '@ml/server/config';
import { type Document, isMap, isNode, LineCounter, type Node, parse, parseDocument } from 'yaml';
import type * as z from 'zod';
import { allowedKeys } from './allowed-keys.ts';
import { type Assertion, parseAssertion } from './assertion.ts';
import {
  CONFIG_BLOCKS,
  type ConfigTree,
  configOf,
  isTree,
  mergeTrees,
  withValue,
} from './config-tree.ts';
import { ScenarioError, type ScenarioFault, SimUsageError } from './errors.ts';
import { type ScenarioText, scenarioSchema } from './scenario-schema.ts';
import { selectorFaults } from './selector-faults.ts';

/** What a command line changes in a scenario. */
export interface ScenarioOverrides {
  readonly seed?: number | undefined;
  /** In the place of the scenario's number of nodes; with groups, of the first group's. */
  readonly nodes?: number | undefined;
  /** `path=value`: an option of the server (`memberlist.gossip_interval=500ms`) or a key of the scenario (`network.loss=1%`). */
  readonly set?: readonly string[] | undefined;
}

/** A scenario, read and checked. */
export interface Scenario {
  readonly name: string;
  readonly text: ScenarioText;
  /** The `config` block: what nodes have in common. */
  readonly config: ServerConfig;
  readonly assertions: readonly Assertion[];
}

/**
 * Reads the text of a scenario file strictly. `name` stands in messages.
 * @throws {ScenarioError} with every fault and its place
 * @throws {SimUsageError} when an override is no `path=value`
 */
export function readScenario(
  name: string,
  yaml: string,
  overrides: ScenarioOverrides = {},
): Scenario {
  const lines = new LineCounter();
  const document = parseDocument(yaml, { lineCounter: lines, prettyErrors: false });
  const places = new Places(document, lines);
  if (document.errors.length > 0) {
    const faults = document.errors.map((error) => ({
      ...places.at(error.pos[0]),
      path: '',
      message: error.message.split('\n', 1)[0] ?? error.message,
    }));
    throw new ScenarioError(name, faults);
  }
  const given: unknown = document.toJS();
  if (!isTree(given)) {
    const message = 'a scenario is a block of keys and values, description and duration among them';
    throw new ScenarioError(name, [{ line: 1, path: '', message }]);
  }
  const parsed = scenarioSchema.safeParse(overridden(given, overrides));
  const faults = parsed.success ? [] : parsed.error.issues.map((issue) => faultOf(issue, places));
  faults.push(...configFaults(yaml, document, lines));
  if (parsed.success) {
    for (const { path, message } of selectorFaults(parsed.data)) {
      faults.push({ ...places.of(path), path: path.map(String).join('.'), message });
    }
  }
  if (!parsed.success || faults.length > 0) throw new ScenarioError(name, faults);
  return {
    name,
    text: parsed.data,
    config: checkedConfig(name, parsed.data),
    assertions: parsed.data.assert.map(parseAssertion),
  };
}

/** Checks that every configuration of the scenario holds together, what the command line sets included. */
function checkedConfig(name: string, text: ScenarioText): ServerConfig {
  const patches: readonly (readonly [path: string, tree: ConfigTree | undefined])[] = [
    ['config', {}],
    ...text.nodes.map(({ config }, index) => [`nodes.${index}.config`, config] as const),
    ...text.timeline.flatMap((entry, index) => [
      [`timeline.${index}.config.set`, entry.config?.set] as const,
      [`timeline.${index}.ip_reuse.config`, entry.ip_reuse?.config] as const,
      [`timeline.${index}.rolling_update.config`, entry.rolling_update?.config] as const,
    ]),
  ];
  const faults: ScenarioFault[] = [];
  for (const [path, tree] of patches) {
    if (tree === undefined) continue;
    try {
      configOf(text.config, tree);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // Places in the merged text mean nothing to the reader.
      const messages = error.faults.map(({ message }) => message.replace(PLACE, ''));
      faults.push(...messages.map((message) => ({ path, message })));
    }
  }
  if (faults.length > 0) throw new ScenarioError(name, faults);
  return configOf(text.config);
}

const PLACE = /^line \d+, column \d+: /;

function overridden(given: ConfigTree, overrides: ScenarioOverrides): ConfigTree {
  const { seed, nodes, set = [] } = overrides;
  let tree = given;
  for (const text of set) {
    const [, path = '', value = ''] = /^([^=\s]+)=(.*)$/s.exec(text) ?? [];
    if (path === '') {
      throw new SimUsageError(
        `--set takes path=value, as in memberlist.gossip_interval=500ms, not ${JSON.stringify(text)}`,
      );
    }
    const keys = path.split('.');
    const inConfig = CONFIG_BLOCKS.includes(keys[0] ?? '');
    const parsed: unknown = parse(value);
    tree = withValue(tree, inConfig ? ['config', ...keys] : keys, parsed);
  }
  if (seed !== undefined) tree = { ...tree, seed };
  if (nodes === undefined) return tree;
  const { nodes: groups } = tree;
  return { ...tree, nodes: withCount(groups, nodes) };
}

function withCount(nodes: unknown, count: number): unknown {
  if (!Array.isArray(nodes)) return count;
  const groups: readonly unknown[] = nodes;
  const [first, ...rest] = groups;
  return [isTree(first) ? { ...first, count } : first, ...rest];
}

/** Where things stand in the file. */
class Places {
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  at(offset: number): Pick<ScenarioFault, 'line' | 'column'> {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  /** The place of a value, or of the closest block around it that stands in the file; of a key in it if one is named. */
  of(path: readonly PropertyKey[], key?: string): Pick<ScenarioFault, 'line' | 'column'> {
    for (let length = path.length; length >= 0; length--) {
      const node: unknown = this.#document.getIn(path.slice(0, length), true);
      if (!isNode(node)) continue;
      const keyNode = length === path.length && key !== undefined ? keyIn(node, key) : undefined;
      return this.at((keyNode ?? node).range?.[0] ?? 0);
    }
    return { line: 1, column: 1 };
  }
}

function keyIn(node: Node, key: string): Node | undefined {
  if (!isMap(node)) return undefined;
  const found = node.items.find((pair) => isNode(pair.key) && String(pair.key) === key)?.key;
  return isNode(found) ? found : undefined;
}

function faultOf(issue: z.core.$ZodIssue, places: Places): ScenarioFault {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const [first = ''] = issue.keys;
    const keys = issue.keys.map((key) => JSON.stringify(key)).join(', ');
    const allowed = allowedKeys(scenarioSchema, issue.path);
    const hint = allowed.length > 0 ? `; write one of ${allowed.join(', ')}` : '';
    return { ...places.of(issue.path, first), path, message: `unknown key ${keys}${hint}` };
  }
  const missing = issue.code === 'invalid_type' && issue.input === undefined;
  const message = missing && /undefined/.test(issue.message) ? 'is missing' : issue.message;
  return { ...places.of(issue.path), path, message };
}

/** Lets the server's own checks read each block of its options, at the place where it stands. */
function configFaults(
  yaml: string,
  document: Document,
  lines: LineCounter,
): readonly ScenarioFault[] {
  const faults: ScenarioFault[] = [];
  for (const path of configPaths(document)) {
    const node: unknown = document.getIn(path, true);
    if (!isMap(node) || node.range === undefined || node.range === null) continue;
    const [from, to] = node.range;
    const { line, col } = lines.linePos(from);
    // Blank lines in the place of what stands before keep the numbers of lines.
    const block = `${'\n'.repeat(line - 1)}${' '.repeat(col - 1)}${yaml.slice(from, to)}`;
    try {
      loadConfig(serverConfig, { yaml: block });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const fault of error.faults) {
        const message = fault.message.replace(PLACE, '');
        faults.push({
          line: fault.line ?? line,
          column: fault.column,
          path: path.join('.'),
          message,
        });
      }
    }
  }
  return faults;
}

function configPaths(document: Document): readonly (readonly (string | number)[])[] {
  const given: unknown = document.toJS();
  if (!isTree(given)) return [];
  const listed = (key: string, ...below: readonly (readonly string[])[]) => {
    const value = given[key];
    if (!Array.isArray(value)) return [];
    return value.flatMap((_, index) => below.map((path) => [key, index, ...path]));
  };
  return [
    ['config'],
    ...listed('nodes', ['config']),
    ...listed('timeline', ['config', 'set'], ['ip_reuse', 'config'], ['rolling_update', 'config']),
  ];
}

/** The `memberlist` block of several trees, later ones over earlier ones. */
export function memberlistBlock(...trees: readonly ConfigTree[]): ConfigTree {
  const { memberlist } = mergeTrees(...trees);
  return isTree(memberlist) ? memberlist : {};
}
