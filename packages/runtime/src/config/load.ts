import { assert } from '../errors.ts';
import { ConfigError, type ConfigFault } from './errors.ts';
import { type Environment, expandEnv } from './expand-env.ts';
import { type ParsedFlags, parseFlags } from './flags.ts';
import {
  type ConfigOf,
  encodeValue,
  isConfigOf,
  isRecord,
  type Leaf,
  leavesOf,
  type PartialConfig,
  runChecks,
  type Section,
} from './section.ts';
import { readYaml, type YamlValue } from './yaml.ts';

/** Where a configuration comes from. */
export interface ConfigSources {
  /** The command line behind the program's name; or what {@link parseFlags} made of it. */
  readonly argv?: readonly string[] | ParsedFlags;
  /** The text of the configuration file. */
  readonly yaml?: string | undefined;
  /** If given, variables in the YAML text are replaced from here before it is read; see `expandEnv`. */
  readonly env?: Environment | undefined;
  /** Whether arguments behind the flags are the caller's business. Default: they are a fault. */
  readonly allowPositional?: boolean;
}

/**
 * Makes a configuration: defaults, over them the YAML text, over that the flags. A repeated flag of a list adds to
 * what stands below it; of anything else the last one counts. Throws one {@link ConfigError} with everything that is
 * wrong in any of them.
 */
export function loadConfig<S extends Section>(section: S, from: ConfigSources): ConfigOf<S> {
  const leaves = leavesOf(section);
  const { argv = [] } = from;
  const flags = 'texts' in argv ? argv : parseFlags(section, argv);
  const faults: ConfigFault[] = [...flags.faults];
  if (flags.positional.length > 0 && from.allowPositional !== true) {
    faults.push(positionalFault(flags.positional));
  }

  const expanded = from.env && from.yaml !== undefined ? expandEnv(from.yaml, from.env) : undefined;
  const yaml = readYaml(leaves, expanded?.text ?? from.yaml ?? '');
  faults.push(...(expanded?.faults ?? []), ...yaml.faults);

  const values = new Map<Leaf, unknown>();
  for (const leaf of leaves) {
    const file = yaml.values.get(leaf);
    const below = file === undefined ? leaf.default : fromYaml(leaf, file, faults);
    const texts = leaf.flag === undefined ? undefined : flags.texts.get(leaf.flag);
    values.set(leaf, texts === undefined ? below : fromFlags(leaf, texts, below, faults));
  }
  return finish(section, values, faults);
}

/**
 * Fills a configuration given in code with the defaults of its section and checks it. Throws a {@link ConfigError} for
 * a wrong value or an unknown property.
 */
export function resolveConfig<S extends Section>(
  section: S,
  given: PartialConfig<ConfigOf<S>> = {},
): ConfigOf<S> {
  const faults: ConfigFault[] = [];
  unknownProperties(section, given, [], faults);
  const values = new Map<Leaf, unknown>();
  for (const leaf of leavesOf(section)) {
    const value = propertyAt(given, leaf.path) ?? leaf.default;
    values.set(leaf, value);
    const parsed = leaf.option.value.schema.safeParse(encodeValue(leaf.option.value, value));
    if (!parsed.success) faults.push(valueFault('check', leaf, nameInCode(leaf), value));
  }
  return finish(section, values, faults);
}

/** The defaults of a section. */
export function defaultsOf<S extends Section>(section: S): ConfigOf<S> {
  return nest(section, new Map(leavesOf(section).map((leaf) => [leaf, leaf.default])));
}

/** The value at a path of property names. */
export function propertyAt(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), config);
}

function finish<S extends Section>(
  section: S,
  values: ReadonlyMap<Leaf, unknown>,
  faults: ConfigFault[],
): ConfigOf<S> {
  if (faults.length === 0) {
    const config = nest(section, values);
    const byPath = new Map([...values.keys()].map((leaf) => [leaf.path.join('.'), leaf]));
    runChecks(section, config, (path, message) => {
      const leaf = byPath.get(path.join('.'));
      const name = leaf === undefined ? path.join('.') : nameOf(leaf);
      const yamlPath = leaf?.yamlPath?.join('.');
      faults.push({ source: 'check', flag: leaf?.flag, yamlPath, message: `${name} ${message}` });
    });
    if (faults.length === 0) return config;
  }
  throw new ConfigError(faults);
}

function nest<S extends Section>(section: S, values: ReadonlyMap<Leaf, unknown>): ConfigOf<S> {
  const config: Record<string, unknown> = {};
  for (const [leaf, value] of values) put(config, leaf.path, value);
  assert(isConfigOf(section, config), 'a configuration does not have the shape of its section');
  return config;
}

function put(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  assert(key !== undefined, 'an option has no name');
  if (rest.length === 0) {
    target[key] = value;
    return;
  }
  const below = target[key];
  const nested: Record<string, unknown> = isRecord(below) ? { ...below } : {};
  target[key] = nested;
  put(nested, rest, value);
}

function fromYaml(leaf: Leaf, file: YamlValue, faults: ConfigFault[]): unknown {
  const parsed = leaf.option.value.schema.safeParse(file.value);
  if (parsed.success) return parsed.data;
  const { line, column } = file;
  const where = `line ${line}, column ${column}: ${nameOf(leaf)}`;
  faults.push({ ...valueFault('yaml', leaf, where, file.value), line, column });
  return leaf.default;
}

function fromFlags(
  leaf: Leaf,
  texts: readonly string[],
  below: unknown,
  faults: ConfigFault[],
): unknown {
  const { value: kind } = leaf.option;
  const read = texts.map((text) => ({ text, parsed: kind.schema.safeParse(kind.readText(text)) }));
  for (const { text, parsed } of read) {
    if (!parsed.success) faults.push(valueFault('flag', leaf, nameOf(leaf), text));
  }
  if (kind.list !== true) return read.at(-1)?.parsed.data;
  return [below, ...read.map(({ parsed }) => parsed.data)].flat();
}

function valueFault(
  source: ConfigFault['source'],
  leaf: Leaf,
  name: string,
  value: unknown,
): ConfigFault {
  const { value: kind } = leaf.option;
  const shown = kind.secret === true ? 'a hidden value' : JSON.stringify(value);
  return {
    source,
    flag: leaf.flag,
    yamlPath: leaf.yamlPath?.join('.'),
    message: `${name} is ${shown}, which is not ${kind.expects}`,
  };
}

/** `-memberlist.gossip-interval (memberlist.gossip_interval)`. */
function nameOf(leaf: Leaf): string {
  const yaml = leaf.yamlPath?.join('.');
  if (leaf.flag === undefined) return yaml ?? nameInCode(leaf);
  return yaml === undefined ? `-${leaf.flag}` : `-${leaf.flag} (${yaml})`;
}

function nameInCode(leaf: Leaf): string {
  return leaf.path.join('.');
}

function positionalFault(positional: readonly string[]): ConfigFault {
  const [first = ''] = positional;
  const hint = /^(true|false)$/.test(first)
    ? ` A boolean flag takes its value behind an equals sign: -name=${first}.`
    : ' Flags behind it were not read.';
  return { source: 'flag', message: `unexpected argument "${first}".${hint}` };
}

function unknownProperties(
  section: Section,
  given: unknown,
  path: readonly string[],
  faults: ConfigFault[],
): void {
  if (given === undefined) return;
  if (!isRecord(given)) {
    faults.push({ source: 'check', message: `${path.join('.')} is not an object` });
    return;
  }
  for (const [key, value] of Object.entries(given)) {
    const entry = section[key];
    const name = [...path, key];
    if (entry === undefined) {
      faults.push({ source: 'check', message: `there is no option ${name.join('.')}` });
    } else if (entry.kind === 'mount') {
      unknownProperties(entry.section, value, name, faults);
    }
  }
}
