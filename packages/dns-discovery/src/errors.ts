import { MlError } from '@ml/runtime';

/**
 * A join entry (or another address) is not written as it must be. The message says how it should look. Nothing was
 * queried. Comes from configuration only, so it does not occur in normal use.
 */
export class DnsSpecError extends MlError<'ML_DNS_SPEC'> {
  /** The entry as it was given. */
  readonly spec: string;

  constructor(spec: string, message: string, options?: ErrorOptions) {
    super('ML_DNS_SPEC', message, options);
    this.spec = spec;
  }
}

/**
 * The name service did not answer a query properly: no answer in time, SERVFAIL, REFUSED, unreachable. "Not found"
 * is not a failure. Nothing was changed; occurs in normal use.
 */
export class DnsQueryError extends MlError<'ML_DNS_QUERY'> {
  /** The queried name. */
  readonly hostname: string;

  constructor(hostname: string, message: string, options?: ErrorOptions) {
    super('ML_DNS_QUERY', message, options);
    this.hostname = hostname;
  }
}

/**
 * One entry could not be looked up; `cause` is a {@link DnsQueryError} or a {@link DnsSpecError}. The entry's last
 * good addresses stay in use. Occurs in normal use, whenever the name service is down.
 */
export class DnsLookupError extends MlError<'ML_DNS_LOOKUP'> {
  /** The entry as it was given, with its prefix. */
  readonly spec: string;

  constructor(spec: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('ML_DNS_LOOKUP', `cannot look up ${JSON.stringify(spec)}: ${reason}`, { cause });
    this.spec = spec;
  }
}
