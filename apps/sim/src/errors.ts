import { MlError } from '@ml/runtime';

/** The simulation was asked for something that makes no sense: a node that does not exist, or is in the wrong state. */
export class SimUsageError extends MlError<'ML_SIM_USAGE'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_SIM_USAGE', message, options);
  }
}

/** One thing that is wrong with a scenario. */
export interface ScenarioFault {
  /** Place in the file, from 1; absent for what the command line set. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** Where in the scenario: `timeline.2.kill`. */
  readonly path: string;
  /** What is wrong, and what may stand there. */
  readonly message: string;
}

/** A scenario cannot be used; the message has a line for each fault. Normal in use: someone mistyped. */
export class ScenarioError extends MlError<'ML_SIM_SCENARIO'> {
  readonly faults: readonly ScenarioFault[];

  constructor(name: string, faults: readonly ScenarioFault[], options?: ErrorOptions) {
    super('ML_SIM_SCENARIO', faults.map((fault) => faultText(name, fault)).join('\n'), options);
    this.faults = faults;
  }
}

function faultText(name: string, { line, column, path, message }: ScenarioFault): string {
  const place = line === undefined ? name : `${name}:${line}:${column ?? 1}`;
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}
