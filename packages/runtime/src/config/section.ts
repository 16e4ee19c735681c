import * as z from 'zod';
import { assert } from '../errors.ts';
import type { Value } from './value.ts';
import { valueOfSchema } from './zod-value.ts';

/** Who an option is for: `-help` shows the basic ones only. */
export type Category = 'basic' | 'advanced' | 'experimental';

/** One setting. */
export interface Option<out T> {
  readonly kind: 'option';
  readonly value: Value<T>;
  /** The flag without dash and without the prefixes of mounts; false: none. */
  readonly flag: string | false;
  /** The YAML key; false: none; undefined: made from the property's name. */
  readonly yaml: string | false | undefined;
  readonly default: T;
  /** What the reference page says instead of the default, where that depends on the machine. */
  readonly defaultText: string | undefined;
  readonly category: Category;
  readonly help: string;
}

/** A section inside another one. */
export interface Mount<out S> {
  readonly kind: 'mount';
  readonly section: S;
  /** Put before the flags of the section. */
  readonly prefix: string;
  /** The YAML block; undefined: the section's keys stand among those around it. */
  readonly yaml: string | undefined;
  /** Defaults that differ from the section's own. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** Options and mounted sections by property name. */
export interface Section {
  readonly [key: string]: Option<unknown> | Mount<Section>;
}

/** The values of a section: what `resolveConfig` and `loadConfig` return. */
export type ConfigOf<S> = {
  readonly [K in keyof S]: S[K] extends Option<infer T>
    ? T
    : S[K] extends Mount<infer M>
      ? ConfigOf<M>
      : never;
};

/**
 * The section that declares a configuration type: write the type as an interface, then
 * `export const gossipConfig: SectionOf<GossipConfig> = section({ … })`.
 */
export type SectionOf<C> = {
  readonly [K in keyof C]-?: [C[K]] extends [Plain] ? Option<C[K]> : Mount<SectionOf<C[K]>>;
};

type Plain = string | number | boolean | undefined | readonly unknown[];

/** Some of a configuration; what is missing, at any depth, is the default. */
export type PartialConfig<C> = {
  readonly [K in keyof C]?: [C[K]] extends [Plain]
    ? C[K] | undefined
    : PartialConfig<C[K]> | undefined;
};

/** Says what is wrong with the value of one property. */
export type ReportFault<K extends string> = (key: K, message: string) => void;

const CHECK: unique symbol = Symbol('check');

interface Checked {
  readonly [CHECK]?: (config: unknown, report: ReportFault<string>) => void;
}

/**
 * Declares a section. `check` sees the whole section once each value is right by itself, and reports what does not fit
 * together. A section is a plain object: leave options out or change them with a spread.
 */
export function section<const S extends Section>(
  entries: S,
  check?: (config: ConfigOf<S>, report: ReportFault<keyof S & string>) => void,
): S {
  if (check === undefined) return entries;
  const checked: Checked = {
    [CHECK]: (config, report) => {
      if (isConfigOf(entries, config)) check(config, report);
    },
  };
  return { ...entries, ...checked };
}

/** Runs the checks of a section and of those mounted in it. */
export function runChecks(
  target: Section & Checked,
  config: unknown,
  report: (path: readonly string[], message: string) => void,
): void {
  if (!isRecord(config)) return;
  for (const [key, entry] of Object.entries(target)) {
    if (entry.kind === 'option') continue;
    runChecks(entry.section, config[key], (path, message) => report([key, ...path], message));
  }
  target[CHECK]?.(config, (key, message) => report([key], message));
}

/** What is said about an option besides its value. */
export interface OptionSpec<T> {
  /** The flag without its dash; false: YAML only. */
  readonly flag: string | false;
  /** The YAML key. Default: the property's name in snake_case without a final `Ms` or `Bytes`. false: flag only. */
  readonly yaml?: string | false;
  /** The value, or text as a flag would give it ("30s"). */
  readonly default: T | string;
  /** Shown on the reference page in place of a default that depends on the machine ("<hostname>"). */
  readonly defaultText?: string;
  /** Default: basic. */
  readonly category?: Category;
  /** One or two sentences. */
  readonly help: string;
}

/** Declares one setting: of a kind of value or, for simple types, of a zod schema. */
export function option<T>(of: Value<T> | z.ZodType<T>, spec: OptionSpec<NoInfer<T>>): Option<T> {
  const value = 'readText' in of ? of : valueOfSchema(of);
  const given = spec.default;
  const name = spec.flag === false ? spec.help : `-${spec.flag}`;
  const parsed = value.schema.safeParse(
    typeof given === 'string' ? value.readText(given) : encodeValue(value, given),
  );
  assert(parsed.success, `the default ${JSON.stringify(given)} of ${name} is not ${value.expects}`);
  return {
    kind: 'option',
    value,
    flag: spec.flag,
    yaml: spec.yaml,
    default: parsed.data,
    defaultText: spec.defaultText,
    category: spec.category ?? 'basic',
    help: spec.help,
  };
}

/**
 * Puts a section into another: under the YAML block `yaml` or, without it, among the keys around it; its flags get
 * `prefix` in front ("distributor."). `defaults` replaces some of the section's own.
 */
export function mount<S extends Section>(
  target: S,
  at: {
    readonly prefix?: string;
    readonly yaml?: string;
    readonly defaults?: PartialConfig<ConfigOf<S>>;
  } = {},
): Mount<S> {
  const { prefix = '', yaml, defaults = {} } = at;
  return { kind: 'mount', section: target, prefix, yaml, defaults: { ...defaults } };
}

/** An option with all that its place in the whole gives it. */
export interface Leaf {
  /** Property names from the root. */
  readonly path: readonly string[];
  /** Without dash; undefined: none. */
  readonly flag: string | undefined;
  /** Keys from the root; undefined: not in YAML. */
  readonly yamlPath: readonly string[] | undefined;
  readonly default: unknown;
  readonly option: Option<unknown>;
}

/** All options of a section, in the order of declaration. Two options with one flag or YAML path are a programming error. */
export function leavesOf(root: Section): readonly Leaf[] {
  const leaves: Leaf[] = [];
  collect(root, { path: [], prefix: '', yamlPath: [], defaults: {} }, leaves);
  for (const names of [
    leaves.flatMap((leaf) => leaf.flag ?? []),
    leaves.flatMap((leaf) => leaf.yamlPath?.join('.') ?? []),
  ]) {
    const twice = names.find((name, i) => names.indexOf(name) < i);
    assert(twice === undefined, `two options are called ${twice}`);
  }
  return leaves;
}

interface Place {
  readonly path: readonly string[];
  readonly prefix: string;
  readonly yamlPath: readonly string[];
  readonly defaults: Readonly<Record<string, unknown>>;
}

function collect(target: Section, place: Place, leaves: Leaf[]): void {
  for (const [key, entry] of Object.entries(target)) {
    const path = [...place.path, key];
    const override = place.defaults[key];
    if (entry.kind === 'mount') {
      const nested = entry.yaml === undefined ? place.yamlPath : [...place.yamlPath, entry.yaml];
      const defaults = mergeDefaults(entry.defaults, isRecord(override) ? override : {});
      collect(
        entry.section,
        { path, prefix: place.prefix + entry.prefix, yamlPath: nested, defaults },
        leaves,
      );
      continue;
    }
    if (override !== undefined) {
      assert(
        z.safeEncode(entry.value.schema, override).success,
        `the default ${JSON.stringify(override)} of ${path.join('.')} is not ${entry.value.expects}`,
      );
    }
    leaves.push({
      path,
      flag: entry.flag === false ? undefined : place.prefix + entry.flag,
      yamlPath: entry.yaml === false ? undefined : [...place.yamlPath, entry.yaml ?? yamlName(key)],
      default: override ?? entry.default,
      option: entry,
    });
  }
}

/** `outer` wins: who mounts decides over what is mounted. */
function mergeDefaults(
  inner: Readonly<Record<string, unknown>>,
  outer: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const merged: Record<string, unknown> = { ...inner };
  for (const [key, value] of Object.entries(outer)) {
    const below = merged[key];
    merged[key] = isRecord(below) && isRecord(value) ? mergeDefaults(below, value) : value;
  }
  return merged;
}

/** `gossipIntervalMs` → `gossip_interval`. */
function yamlName(key: string): string {
  return key
    .replace(/(?:Ms|Bytes)$/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** Whether `value` has every property of the section, each with a value of its option's kind. */
export function isConfigOf<S extends Section>(target: S, value: unknown): value is ConfigOf<S> {
  if (!isRecord(value)) return false;
  return Object.entries(target).every(([key, entry]) =>
    entry.kind === 'mount'
      ? isConfigOf(entry.section, value[key])
      : z.safeEncode(entry.value.schema, value[key]).success,
  );
}

/** The YAML form of a value. */
export function encodeValue(kind: Value<unknown>, value: unknown): unknown {
  return z.safeEncode(kind.schema, value).data;
}

/** Whether `value` is an object with string keys. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
