import { brandError, MlError } from '@ml/runtime';
import type { InstanceDesc } from './core/instance.ts';

/** No message lists more replicas. */
const MAX_LISTED = 10;

/** A request to one replica that failed. */
export interface ReplicaFailure {
  readonly instance: InstanceDesc;
  readonly error: unknown;
}

/**
 * So many replicas failed that the quorum cannot be reached any more. `cause` is the failure that decided it,
 * {@link failures} (and `errors`) are all so far, in the order in which they came. What replicas did is unknown.
 * Normal while instances are down.
 */
export class QuorumFailedError extends AggregateError {
  readonly code = 'ML_RING_QUORUM_FAILED' as const;
  readonly failures: readonly ReplicaFailure[];

  constructor(what: string, failures: readonly ReplicaFailure[]) {
    const errors = failures.map(({ error }) => error);
    super(errors, `${what}: ${describe(failures)}`, { cause: errors.at(-1) });
    this.name = 'QuorumFailedError';
    this.failures = failures;
    brandError(this);
  }
}

/**
 * A key of a batch could not be written to enough replicas. Other keys, and other replicas of this key, may have
 * been written. `cause` is the error of the family that decided it. Normal while instances are down.
 */
export class BatchFailedError extends AggregateError {
  readonly code = 'ML_RING_BATCH_FAILED' as const;
  /** Position of the key in the batch. */
  readonly index: number;
  readonly key: number;
  /** Replicas of the key that failed so far. */
  readonly failures: readonly ReplicaFailure[];
  /** Whether the deciding error was the client's fault, so that sending the same again makes no sense. */
  readonly clientError: boolean;

  constructor(options: {
    readonly index: number;
    readonly key: number;
    readonly failures: readonly ReplicaFailure[];
    readonly clientError: boolean;
    readonly cause: unknown;
  }) {
    const { index, key, failures, cause } = options;
    super(
      failures.map(({ error }) => error),
      `key ${key} (number ${index} of the batch) did not reach enough replicas: ${describe(failures)}`,
      { cause },
    );
    this.name = 'BatchFailedError';
    this.index = index;
    this.key = key;
    this.failures = failures;
    this.clientError = options.clientError;
    brandError(this);
  }
}

/**
 * Why a call was told to stop:
 * - `quorum-reached`: enough others have answered, or the result was returned and the call's signal is over with it
 * - `quorum-failed`: the quorum cannot be reached any more, or an error was terminal
 * - `zone-failed`: another instance of the zone failed, so no answer of the zone counts
 * - `other-set-failed`: one of the other replication sets asked together failed
 * - `released`: the caller was done with the call
 */
export type CallCancelReason =
  | 'quorum-reached'
  | 'quorum-failed'
  | 'zone-failed'
  | 'other-set-failed'
  | 'released';

const CANCEL_TEXTS: Readonly<Record<CallCancelReason, string>> = {
  'quorum-reached': 'the quorum is reached, this answer is not needed',
  'quorum-failed': 'the quorum cannot be reached',
  'zone-failed': 'another instance of the same zone failed, no answer of this zone counts',
  'other-set-failed': 'another replication set of the same request failed',
  released: 'the caller is done with this call',
};

/** The reason of a call's signal; calls that honour their signal reject with it. It never reaches the caller of a quorum. */
export class CallCancelledError extends MlError<'ML_RING_CALL_CANCELLED'> {
  readonly reason: CallCancelReason;

  constructor(reason: CallCancelReason, options?: ErrorOptions) {
    super('ML_RING_CALL_CANCELLED', CANCEL_TEXTS[reason], options);
    this.reason = reason;
  }
}

function describe(failures: readonly ReplicaFailure[]): string {
  const shown = failures.slice(0, MAX_LISTED).map(({ instance, error }) => {
    const who = instance.addr === '' ? instance.id : `${instance.id} (${instance.addr})`;
    return `${who}: ${error instanceof Error ? error.message : String(error)}`;
  });
  const more = failures.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
