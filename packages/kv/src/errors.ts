import { MlError } from '@ml/runtime';

/** Bytes are not a value of the codec's type, or a value does not fit its format. Nothing was stored. Normal with foreign or damaged peers. */
export class CodecError extends MlError<'ML_KV_CODEC'> {
  readonly codecId: string;

  constructor(codecId: string, problem: string, options?: ErrorOptions) {
    super('ML_KV_CODEC', `codec ${JSON.stringify(codecId)}: ${problem}`, options);
    this.codecId = codecId;
  }
}

/** A client was asked for with a codec that the store was not created with. A mistake in the set-up: list the codec in `codecs`. */
export class CodecNotRegisteredError extends MlError<'ML_KV_CODEC_NOT_REGISTERED'> {
  constructor(codecId: string, registered: readonly string[]) {
    super(
      'ML_KV_CODEC_NOT_REGISTERED',
      `codec ${JSON.stringify(codecId)} is not registered in this store; registered are: ${registered.join(', ') || 'none'}. Add it to the codecs given at creation`,
    );
  }
}

/** The key holds a value of another codec. Nothing was read or changed. Two users share one key by mistake. */
export class CodecMismatchError extends MlError<'ML_KV_CODEC_MISMATCH'> {
  constructor(key: string, stored: string, asked: string) {
    super(
      'ML_KV_CODEC_MISMATCH',
      `key ${JSON.stringify(key)} holds a value of codec ${JSON.stringify(stored)}, not ${JSON.stringify(asked)}; use another key or the codec it was written with`,
    );
  }
}

/** The key is empty, too long, or holds half a surrogate pair, so that it has no UTF-8 form. Nothing was changed. */
export class InvalidKeyError extends MlError<'ML_KV_INVALID_KEY'> {
  constructor(key: string, problem: string) {
    super('ML_KV_INVALID_KEY', `key ${JSON.stringify(key.slice(0, 200))} ${problem}`);
  }
}

/** Each attempt met a newer value, written between its read and its write. Nothing was changed; calling again is fine. */
export class CasConflictError extends MlError<'ML_KV_CAS_CONFLICT'> {
  readonly key: string;

  constructor(key: string, attempts: number, options?: ErrorOptions) {
    super(
      'ML_KV_CAS_CONFLICT',
      `could not update key ${JSON.stringify(key)}: another writer was faster in each of ${attempts} attempts`,
      options,
    );
    this.key = key;
  }
}

/**
 * Each attempt gave a value that merges into nothing new, as it happens when an item changes twice within the
 * resolution of its timestamp. Nothing was changed. To leave a key as it is, return `undefined` instead.
 */
export class CasNoChangeError extends MlError<'ML_KV_CAS_NO_CHANGE'> {
  readonly key: string;

  constructor(key: string, attempts: number, options?: ErrorOptions) {
    super(
      'ML_KV_CAS_NO_CHANGE',
      `could not update key ${JSON.stringify(key)}: the new value changed nothing in any of ${attempts} attempts; return undefined to leave a key as it is`,
      options,
    );
    this.key = key;
  }
}

/** The new value of a CAS could not be merged. The `cause` says why; nothing was changed. */
export class CasMergeError extends MlError<'ML_KV_CAS_MERGE'> {
  readonly key: string;

  constructor(key: string, options: ErrorOptions) {
    super(
      'ML_KV_CAS_MERGE',
      `could not update key ${JSON.stringify(key)}: the new value does not merge with the stored one`,
      options,
    );
    this.key = key;
  }
}

/** The store has been closed, or its start failed (then `cause` says why). */
export class KvClosedError extends MlError<'ML_KV_CLOSED'> {
  constructor(options?: ErrorOptions) {
    super('ML_KV_CLOSED', 'the key-value store is closed', options);
  }
}

/** Bytes are not the protobuf message they should be. Nothing was stored. Normal with foreign or damaged peers. */
export class WireError extends MlError<'ML_KV_WIRE'> {
  constructor(problem: string, options?: ErrorOptions) {
    super('ML_KV_WIRE', problem, options);
  }
}

/** A new key beyond the limit of the store. Nothing was changed. Peers that write made-up keys can cause it. */
export class StoreFullError extends MlError<'ML_KV_STORE_FULL'> {
  constructor(key: string, maxKeys: number) {
    super(
      'ML_KV_STORE_FULL',
      `key ${JSON.stringify(key)} was not stored: the store holds its limit of ${maxKeys} keys; delete some or raise maxKeys`,
    );
  }
}

/** None of the join addresses answered while starting. Nothing was left running. */
export class FastJoinError extends MlError<'ML_KV_FAST_JOIN'> {
  constructor(reason: string, options?: ErrorOptions) {
    super('ML_KV_FAST_JOIN', `no member was reached at startup: ${reason}`, options);
  }
}

/** An attempt to join reached nobody, or joining was given up after the last attempt. */
export class ClusterJoinError extends MlError<'ML_KV_JOIN'> {
  constructor(reason: string, options?: ErrorOptions) {
    super('ML_KV_JOIN', `could not join the cluster: ${reason}`, options);
  }
}

/** The options that a store was to be made from cannot work. Nothing was started. A mistake in the set-up. */
export class KvOptionsError extends MlError<'ML_KV_OPTIONS'> {
  constructor(problem: string, options?: ErrorOptions) {
    super('ML_KV_OPTIONS', problem, options);
  }
}

/** For an update to throw when it wants a CAS to end without a write and its caller to know; not counted as a failed request. */
export class CasAbortedError extends MlError<'ML_KV_CAS_ABORTED'> {
  constructor(reason: string, options?: ErrorOptions) {
    super('ML_KV_CAS_ABORTED', reason, options);
  }
}
