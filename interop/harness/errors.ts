import { MlError } from '@ml/runtime';

/** A tool of the harness is missing, did not start or did not answer as it must. The message says which and why. */
export class HarnessError extends MlError<'ML_INTEROP_HARNESS'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_INTEROP_HARNESS', message, options);
  }
}

/** The text of whatever was thrown. */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
