import { MlError } from '@ml/runtime';

/**
 * Text is not an address or an IP. Nothing was changed. Happens only with a wrong setting or argument: addresses
 * that arrive from peers are parsed with the functions that return undefined.
 */
export class AddressError extends MlError<'ML_TRANSPORT_ADDRESS'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_TRANSPORT_ADDRESS', message, options);
  }
}

/** A listener could not be opened. None of the bind addresses is left open. */
export class BindError extends MlError<'ML_TRANSPORT_BIND'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_TRANSPORT_BIND', message, options);
  }
}

/** No address could be found to tell other members. Listeners are closed again. */
export class AdvertiseError extends MlError<'ML_TRANSPORT_ADVERTISE'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_TRANSPORT_ADVERTISE', message, options);
  }
}

/** TLS settings contradict each other, or one of their files cannot be used. Thrown before anything listens. */
export class TlsConfigError extends MlError<'ML_TRANSPORT_TLS_CONFIG'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_TRANSPORT_TLS_CONFIG', message, options);
  }
}

/**
 * A TLS handshake failed; the message says why and what to do, `cause` is the system's error. Normal while
 * certificates or TLS itself are being introduced.
 */
export class TlsHandshakeError extends MlError<'ML_TRANSPORT_TLS_HANDSHAKE'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_TRANSPORT_TLS_HANDSHAKE', message, options);
  }
}

/**
 * Why a stream could not be opened:
 * `refused` nobody listens there; `timeout` no answer in time; `unreachable` no route or the host is down;
 * `tls` the handshake failed; `closed` our transport is closed; `invalid` the address is not an IP and port;
 * `broken` the connection went away before it was usable; `limit` too many streams are open.
 */
export type DialFailure =
  | 'refused'
  | 'timeout'
  | 'unreachable'
  | 'tls'
  | 'closed'
  | 'invalid'
  | 'broken'
  | 'limit';

/** A stream could not be opened; {@link reason} says why. Normal while peers come and go; nothing is left open. */
export class DialError extends MlError<'ML_TRANSPORT_DIAL'> {
  readonly reason: DialFailure;

  constructor(reason: DialFailure, message: string, options?: ErrorOptions) {
    super('ML_TRANSPORT_DIAL', message, options);
    this.reason = reason;
  }
}

/**
 * A stream was used after its end, or its connection broke. Bytes written before may or may not have arrived.
 * Normal while peers come and go.
 */
export class StreamError extends MlError<'ML_TRANSPORT_STREAM'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_TRANSPORT_STREAM', message, options);
  }
}
