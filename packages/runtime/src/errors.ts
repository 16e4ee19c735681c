const brand = Symbol.for('@ml/error');

/**
 * Base of every failure that a caller can act on. `code` is part of the API, the message is not.
 * Programming errors are not `MlError`s: they fail an {@link assert}.
 */
export class MlError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    brandError(this);
  }

  /** Whether `value` is an MlError (of `code`, if given), also when it comes from a second copy of this package. */
  static is<C extends string>(value: unknown, code?: C): value is MlError<C> {
    return (
      value instanceof Error &&
      brand in value &&
      (code === undefined || ('code' in value && value.code === code))
    );
  }
}

/** Makes {@link MlError.is} know an error that cannot extend MlError because it extends AggregateError. */
export function brandError(error: Error): void {
  Object.defineProperty(error, brand, { value: true });
}

/** A wait was given up because its `AbortSignal` fired with no reason of its own. Nothing was changed. */
export class AbortedError extends MlError<'ML_ABORTED'> {
  constructor(what: string, options?: ErrorOptions) {
    super('ML_ABORTED', `${what} was aborted`, options);
  }
}

/** A wait took longer than its limit. Whether the other side acted is unknown. */
export class TimeoutError extends MlError<'ML_TIMEOUT'> {
  constructor(what: string, limitMs: number, options?: ErrorOptions) {
    super('ML_TIMEOUT', `${what} did not finish within ${limitMs} ms`, options);
  }
}

/** Throws a TypeError when an invariant of our own code does not hold. Never for bad input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new TypeError(`assertion failed: ${message}`);
}

/** Closes a `switch` over a union: a case that the types say cannot happen. */
export function assertNever(value: never): never {
  throw new TypeError(`assertion failed: unexpected case ${JSON.stringify(value)}`);
}
