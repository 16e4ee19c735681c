import { MlError } from '@ml/runtime';

/** The simulation was asked for something that makes no sense: a node that does not exist, or is in the wrong state. */
export class SimUsageError extends MlError<'ML_SIM_USAGE'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_SIM_USAGE', message, options);
  }
}
