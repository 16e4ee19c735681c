import { describe } from '@ml/runtime/config';
import { serverConfig } from '@ml/server/config';

/** One of the four settings that decide how soon everybody knows. */
export interface Knob {
  /** Its flag without dash, as Pyroscope has it. */
  readonly flag: string;
  /** Its place in the configuration file. */
  readonly yamlPath: string;
  /** What ml-server and dskit use, as the configuration writes it. */
  readonly defaultText: string;
  /** The next value that spreads news sooner, and one that is cheaper. */
  readonly sooner: string;
  readonly cheaper: string;
  /** Values to measure it at, the one that should spread news latest first; the default is among them. */
  readonly ladder: readonly string[];
}

/** Values of the four knobs, in the order of {@link KNOBS}. */
export type Settings = readonly string[];

/** The knobs, in the order in which tables show them. */
export const KNOBS: readonly Knob[] = [
  knob('gossip_interval', '100ms', '500ms', ['1s', '500ms', '200ms', '100ms', '50ms']),
  knob('gossip_nodes', '5', '2', ['1', '2', '3', '5', '8']),
  knob('pull_push_interval', '10s', '1m', ['2m', '1m', '30s', '10s', '5s']),
  knob('retransmit_factor', '6', '2', ['1', '2', '4', '6', '8']),
];

/** The settings that ml-server and dskit have without being told. */
export const DEFAULT_SETTINGS: Settings = KNOBS.map(({ defaultText }) => defaultText);

/** The defaults but for some knobs, named by the last word of their YAML path. */
export function settingsWith(change: Readonly<Record<string, string>>): Settings {
  return KNOBS.map(({ yamlPath, defaultText }) => change[nameOf(yamlPath)] ?? defaultText);
}

/** Settings as `path=value` each, for {@link ScenarioOverrides.set}. */
export function overridesOf(settings: Settings): readonly string[] {
  return KNOBS.map(({ yamlPath }, index) => `${yamlPath}=${settings[index] ?? ''}`);
}

/** Settings as flags to paste: Pyroscope's, and ml-server's. */
export function flagsOf(settings: Settings): readonly string[] {
  return KNOBS.map(({ flag }, index) => `-${flag}=${settings[index] ?? ''}`);
}

/** Settings as a block of ml-server's configuration file, all four of them. */
export function yamlOf(settings: Settings): string {
  const lines = KNOBS.map(
    ({ yamlPath }, index) => `  ${nameOf(yamlPath)}: ${settings[index] ?? ''}`,
  );
  return `memberlist:\n${lines.join('\n')}\n`;
}

/** Whether these are the defaults. */
export function areDefault(settings: Settings): boolean {
  return settings.every((text, index) => text === DEFAULT_SETTINGS[index]);
}

/** The last word of a YAML path. */
export function nameOf(yamlPath: string): string {
  return yamlPath.slice(yamlPath.lastIndexOf('.') + 1);
}

function knob(name: string, sooner: string, cheaper: string, ladder: readonly string[]): Knob {
  const yamlPath = `memberlist.${name}`;
  const option = describe(serverConfig).find((each) => each.yamlPath === yamlPath);
  return {
    flag: option?.flag ?? yamlPath,
    yamlPath,
    defaultText: option?.default ?? '',
    sooner,
    cheaper,
    ladder,
  };
}
