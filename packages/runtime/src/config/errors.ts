import { MlError } from '../errors.ts';

/** One thing that is wrong with a configuration. */
export interface ConfigFault {
  /** Where it was set. `check`: the values do not fit together, or a caller passed them in code. */
  readonly source: 'flag' | 'yaml' | 'check';
  /** The option's flag without dash, if it has one and the fault is about an option. */
  readonly flag?: string | undefined;
  /** The option's YAML path ("memberlist.gossip_interval"), if it has one. */
  readonly yamlPath?: string | undefined;
  /** Place in the YAML text, from 1. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** What is wrong and what to do: a whole text, with the names in it. */
  readonly message: string;
}

/**
 * A configuration cannot be used. `faults` has all that is wrong with it; the message has one line for each (two for
 * an unknown flag). Normal in use: someone mistyped.
 */
export class ConfigError extends MlError<'ML_CONFIG'> {
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[], options?: ErrorOptions) {
    super('ML_CONFIG', faults.map((fault) => fault.message).join('\n'), options);
    this.faults = faults;
  }

  /** Whether the command line itself is wrong, which by custom ends a program with exit code 2. */
  get usage(): boolean {
    return this.faults.some((fault) => fault.source === 'flag');
  }
}
