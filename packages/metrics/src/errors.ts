import { MlError } from '@ml/runtime';

/**
 * A metric cannot be registered: its name is taken by one of another type or with other labels, or is not a valid
 * name. Nothing was registered.
 */
export class MetricError extends MlError<'ML_METRIC'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_METRIC', message, options);
  }
}
