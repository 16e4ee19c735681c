import { readFileSync } from 'node:fs';
import { MlError } from '@ml/runtime';
import {
  bool,
  ConfigError,
  int,
  loadConfig,
  mount,
  option,
  parseFlags,
  renderHelp,
  type SectionOf,
  section,
  string,
} from '@ml/runtime/config';
import { checkServerConfig, type ServerConfig, serverConfig } from './config.ts';

/** What the command line asks for. */
export type Command =
  | { readonly type: 'run'; readonly config: ServerConfig }
  | { readonly type: 'dev'; readonly dev: DevConfig }
  | { readonly type: 'printConfig'; readonly config: ServerConfig }
  | { readonly type: 'help'; readonly text: string }
  | { readonly type: 'version' };

/** The configuration file cannot be read. `cause` is the system's error. Normal when the path is mistyped. */
export class ConfigFileError extends MlError<'ML_SERVER_CONFIG_FILE'> {
  constructor(path: string, options: ErrorOptions) {
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      'ML_SERVER_CONFIG_FILE',
      `cannot read -config.file ${JSON.stringify(path)}: ${reason}`,
      options,
    );
  }
}

/** Flags that steer the program and are no setting of the node. */
interface ProgramConfig {
  readonly configFile: string;
  readonly configExpandEnv: boolean;
  readonly help: boolean;
  readonly helpAll: boolean;
  readonly version: boolean;
  readonly printConfig: boolean;
}

const programConfig: SectionOf<ProgramConfig> = section({
  configFile: option(string(), {
    flag: 'config.file',
    yaml: false,
    default: '',
    help: 'YAML file to read options from; flags win over it.',
  }),
  configExpandEnv: option(bool(), {
    flag: 'config.expand-env',
    yaml: false,
    default: false,
    help: 'Replace variables of the environment ($VAR in braces, with :- before a fallback) in the configuration file.',
  }),
  help: option(bool(), {
    flag: 'help',
    yaml: false,
    default: false,
    help: 'Print the basic flags and exit.',
  }),
  helpAll: option(bool(), {
    flag: 'help-all',
    yaml: false,
    default: false,
    help: 'Print every flag, advanced and experimental ones too, and exit.',
  }),
  version: option(bool(), {
    flag: 'version',
    yaml: false,
    default: false,
    help: 'Print the version and exit.',
  }),
  printConfig: option(bool(), {
    flag: 'print.config',
    yaml: false,
    default: false,
    help: 'Print the resulting configuration as YAML, secrets masked, and exit.',
  }),
});

interface RootConfig extends ServerConfig {
  readonly program: ProgramConfig;
}

/** Every flag of `ml-server`. */
export const rootConfig: SectionOf<RootConfig> = section({
  program: mount(programConfig),
  ...serverConfig,
});

/** What `ml-server dev` can be told. */
export interface DevConfig {
  readonly nodes: number;
  readonly httpPort: number;
  readonly help: boolean;
}

const devConfig: SectionOf<DevConfig> = section({
  nodes: option(int({ min: 1, max: 32 }), {
    flag: 'nodes',
    yaml: false,
    default: 3,
    help: 'How many nodes the local cluster has.',
  }),
  httpPort: option(int({ min: 0, max: 65535 }), {
    flag: 'http-port',
    yaml: false,
    default: 4040,
    help: 'Port of the first node; the others take the next ones. A port in use is skipped. 0 takes any free ones.',
  }),
  help: option(bool(), {
    flag: 'help',
    yaml: false,
    default: false,
    help: 'Print the flags of dev and exit.',
  }),
});

const USAGE = `Usage:
  ml-server [flags]      run one node
  ml-server dev [flags]  run a local cluster; see ml-server dev -help

Flags:
`;

/**
 * Reads the command line, and the configuration file that it names. S-3 S-4
 * @throws {ConfigError} with everything that is wrong. @throws {ConfigFileError}
 */
export function readCommand(given: readonly string[], env: NodeJS.ProcessEnv): Command {
  const argv = given.map((argument) => (/^--?h$/.test(argument) ? '-help' : argument));
  if (argv[0] === 'dev') return readDevCommand(argv.slice(1));
  const flags = parseFlags(rootConfig, argv);
  const path = flags.texts.get('config.file')?.at(-1) ?? '';
  const expand = lastBoolean(flags.texts.get('config.expand-env'));
  const wanted = flags.faults.length === 0 ? informative(flags.texts) : undefined;
  if (wanted !== undefined) return wanted;
  // A wrong flag is said before the file is looked at.
  const yaml = path === '' || flags.faults.length > 0 ? '' : readConfigFile(path);
  const { program, ...config } = loadConfig(rootConfig, {
    argv: flags,
    yaml,
    ...(expand && { env }),
  });
  checkServerConfig(config);
  return { type: program.printConfig ? 'printConfig' : 'run', config };
}

/** Help and version need no usable configuration. */
function informative(texts: ReadonlyMap<string, readonly string[]>): Command | undefined {
  if (lastBoolean(texts.get('version'))) return { type: 'version' };
  const all = lastBoolean(texts.get('help-all'));
  if (!all && !lastBoolean(texts.get('help'))) return undefined;
  return { type: 'help', text: USAGE + renderHelp(rootConfig, { all }) };
}

function readDevCommand(argv: readonly string[]): Command {
  const dev = loadConfig(devConfig, { argv });
  if (!dev.help) return { type: 'dev', dev };
  const usage =
    'Usage: ml-server dev [flags]\n\nRuns a local cluster on loopback until Ctrl-C.\n\nFlags:\n';
  return { type: 'help', text: usage + renderHelp(devConfig, { all: true }) };
}

function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigFileError(path, { cause });
  }
}

function lastBoolean(texts: readonly string[] | undefined): boolean {
  const text = texts?.at(-1);
  return text !== undefined && bool().readText(text) === true;
}

/** The exit code for what {@link readCommand} threw: 2 for a wrong command line, 1 for anything else. */
export function exitCodeOf(error: unknown): 1 | 2 {
  return error instanceof ConfigError && error.usage ? 2 : 1;
}
