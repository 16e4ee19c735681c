import { stringify } from 'yaml';
import * as z from 'zod';
import { defaultsOf, propertyAt } from './load.ts';
import {
  type Category,
  type ConfigOf,
  encodeValue,
  type Leaf,
  leavesOf,
  type Section,
} from './section.ts';

/** What stands for a secret wherever a configuration is shown. As in dskit. */
export const HIDDEN_SECRET = '********';

/** One row of the reference: what parity tests and pages are made from. */
export interface OptionDescription {
  /** Without dash; undefined: YAML only. */
  readonly flag: string | undefined;
  /** Keys joined by dots; undefined: flag only. */
  readonly yamlPath: string | undefined;
  /** `string`, `int`, `float`, `boolean`, `duration` or `list of strings`. */
  readonly type: string;
  /** As the reference page writes it: "5m", "true", "[]", "". */
  readonly default: string;
  readonly category: Category;
  readonly help: string;
}

/** All options of a section, in the order of declaration. */
export function describe(section: Section): readonly OptionDescription[] {
  return leavesOf(section).map((leaf) => ({
    flag: leaf.flag,
    yamlPath: leaf.yamlPath?.join('.'),
    type: leaf.option.value.type,
    default: shortDefault(leaf),
    category: leaf.option.category,
    help: leaf.option.help,
  }));
}

/**
 * The text of `-help` (basic options) or, with `all`, of `-help-all`: sorted by flag, in the layout of Go's flag
 * package. Experimental options say so.
 */
export function renderHelp(section: Section, options: { readonly all: boolean }): string {
  const rows = leavesOf(section)
    .filter((leaf) => leaf.flag !== undefined)
    .filter((leaf) => options.all || leaf.option.category === 'basic')
    .sort((a, b) => (String(a.flag) < String(b.flag) ? -1 : 1));
  return rows.map(helpRow).join('');
}

function helpRow(leaf: Leaf): string {
  const { option } = leaf;
  const word = option.value.list === true ? 'value' : option.value.type;
  const operand = option.value.flagOnly === true ? '' : ` ${word}`;
  const tag = option.category === 'experimental' ? '[experimental] ' : '';
  return `  -${leaf.flag}${operand}\n    \t${tag}${option.help}${helpDefault(leaf)}\n`;
}

/** Go leaves the zero value of a type out. */
const ZERO_DEFAULTS: ReadonlySet<unknown> = new Set(['', 0, false, '0s']);

function helpDefault(leaf: Leaf): string {
  const { option } = leaf;
  if (option.defaultText !== undefined) return ` (default ${option.defaultText})`;
  const yaml = shownForm(leaf, leaf.default);
  if (ZERO_DEFAULTS.has(yaml) || (Array.isArray(yaml) && yaml.length === 0)) return '';
  if (Array.isArray(yaml)) return ` (default [${yaml.join(',')}])`;
  return ` (default ${option.value.type === 'string' ? JSON.stringify(yaml) : String(yaml)})`;
}

/** The reference page in Markdown: a table for each YAML block. */
export function renderReference(section: Section): string {
  const blocks = new Map<string, Leaf[]>();
  for (const leaf of leavesOf(section)) {
    const block = leaf.yamlPath?.slice(0, -1).join('.') ?? '';
    const title = leaf.yamlPath === undefined ? 'Flags only' : block || 'Top level';
    blocks.set(title, [...(blocks.get(title) ?? []), leaf]);
  }
  return [...blocks].map(([title, leaves]) => referenceBlock(title, leaves)).join('\n');
}

function referenceBlock(title: string, leaves: readonly Leaf[]): string {
  const isBlock = leaves.some((leaf) => (leaf.yamlPath?.length ?? 0) > 1);
  const rows = leaves.map((leaf) => {
    const cells = [
      code(leaf.flag === undefined ? '' : `-${leaf.flag}`),
      code(leaf.yamlPath?.at(-1) ?? ''),
      leaf.option.value.type,
      code(shortDefault(leaf)),
      leaf.option.category,
      leaf.option.help.replaceAll('|', '\\|').replaceAll('\n', ' '),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `## ${isBlock ? code(title) : title}`,
    '',
    '| flag | YAML | type | default | category | meaning |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function code(text: string): string {
  return text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``;
}

/** Which options {@link renderYaml} writes. */
export interface RenderYamlOptions {
  /** `all` (default), or only those that differ from their default. */
  readonly show?: 'all' | 'changed';
}

/**
 * A configuration as the YAML text that would give it, secrets as asterisks. What only a flag can set is left out.
 */
export function renderYaml<S extends Section>(
  section: S,
  config: ConfigOf<S>,
  options: RenderYamlOptions = {},
): string {
  const tree: Tree = new Map();
  for (const leaf of leavesOf(section)) {
    if (leaf.yamlPath === undefined) continue;
    const value = propertyAt(config, leaf.path);
    const changed =
      JSON.stringify(encodeValue(leaf.option.value, value)) !==
      JSON.stringify(encodeValue(leaf.option.value, leaf.default));
    if (options.show === 'changed' && !changed) continue;
    plant(tree, leaf.yamlPath, shownForm(leaf, value));
  }
  return tree.size === 0 ? '' : stringify(tree);
}

/** The defaults of a section as YAML text. */
export function renderDefaultYaml<S extends Section>(section: S): string {
  return renderYaml(section, defaultsOf(section));
}

/** Entries that are Maps are blocks. */
type Tree = Map<string, unknown>;

function plant(tree: Tree, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    tree.set(key, value);
    return;
  }
  const known = tree.get(key);
  const nested: Tree = known instanceof Map ? known : new Map();
  tree.set(key, nested);
  plant(nested, rest, value);
}

/** The JSON Schema (draft 2020-12) of the YAML form, for editors. */
export function jsonSchema(section: Section): object {
  const root: Tree = new Map();
  for (const leaf of leavesOf(section)) {
    if (leaf.yamlPath === undefined) continue;
    const { $schema: _, ...form } = z.toJSONSchema(leaf.option.value.schema, { io: 'input' });
    const description = `${leaf.option.help} (${leaf.option.category})`;
    plant(root, leaf.yamlPath, { ...form, description, default: shownForm(leaf, leaf.default) });
  }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...objectSchema(root) };
}

function objectSchema(tree: Tree): object {
  const properties = Object.fromEntries(
    [...tree].map(([key, entry]) => [key, entry instanceof Map ? objectSchema(entry) : entry]),
  );
  return { type: 'object', properties, additionalProperties: false };
}

function shortDefault(leaf: Leaf): string {
  if (leaf.option.defaultText !== undefined) return leaf.option.defaultText;
  const yaml = shownForm(leaf, leaf.default);
  const show = leaf.option.value.showShort ?? String;
  return show(yaml);
}

/** The YAML form of a value, a secret hidden. An empty secret has nothing to hide. */
function shownForm(leaf: Leaf, value: unknown): unknown {
  const yaml = encodeValue(leaf.option.value, value);
  return leaf.option.value.secret === true && yaml !== '' ? HIDDEN_SECRET : yaml;
}
