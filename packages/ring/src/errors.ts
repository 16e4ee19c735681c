import { MlError } from '@ml/runtime';
import type { InstanceDesc } from './core/instance.ts';
import type { InstanceState } from './core/instance-state.ts';

/** No message lists more instances. */
const MAX_LISTED = 10;

/** Bytes are not a ring message. Nothing was read. Normal with foreign or damaged peers; the codec wraps it. */
export class WireError extends MlError<'ML_RING_WIRE'> {
  constructor(problem: string) {
    super('ML_RING_WIRE', problem);
  }
}

/** The ring has no instances, or none with tokens. Normal before the first instance has joined. As `ErrEmptyRing` in dskit. */
export class EmptyRingError extends MlError<'ML_RING_EMPTY'> {
  constructor() {
    super('ML_RING_EMPTY', 'the ring is empty: no instance with tokens has joined it');
  }
}

/** What a look-up found too little of. */
export interface QuorumShortage {
  /** How many healthy instances are needed. */
  readonly required: number;
  /** How many there are. */
  readonly healthy: number;
  /** The instances that do not count, in the order in which they were met. */
  readonly unhealthy: readonly InstanceDesc[];
  readonly zoneAware: boolean;
}

/**
 * Too few of a key's instances are healthy for the operation. Normal while instances come and go; the same look-up
 * can succeed after the next heartbeat. {@link unhealthy} says which to look at.
 */
export class TooFewHealthyInstancesError extends MlError<'ML_RING_TOO_FEW_HEALTHY'> {
  readonly required: number;
  readonly healthy: number;
  readonly unhealthy: readonly InstanceDesc[];

  constructor(shortage: QuorumShortage) {
    const where = shortage.zoneAware ? ' in different zones' : '';
    const who =
      shortage.unhealthy.length === 0 ? '' : `; unhealthy: ${addresses(shortage.unhealthy)}`;
    super(
      'ML_RING_TOO_FEW_HEALTHY',
      `the key has ${shortage.healthy} healthy replicas${where} and needs ${shortage.required}${who}`,
    );
    this.required = shortage.required;
    this.healthy = shortage.healthy;
    this.unhealthy = shortage.unhealthy;
  }
}

/** So many instances or zones of the whole ring are unhealthy that reading from all of it cannot succeed. As `ErrTooManyUnhealthyInstances` in dskit. */
export class TooManyUnhealthyInstancesError extends MlError<'ML_RING_TOO_MANY_UNHEALTHY'> {
  readonly unhealthy: readonly InstanceDesc[];

  constructor(unhealthy: readonly InstanceDesc[]) {
    super(
      'ML_RING_TOO_MANY_UNHEALTHY',
      `too much of the ring is unhealthy to read from all of it: ${addresses(unhealthy)}`,
    );
    this.unhealthy = unhealthy;
  }
}

/** A look-up asks for more replicas than the ring's strategy can give. A mistake of the caller. */
export class ReplicationFactorError extends MlError<'ML_RING_REPLICATION_FACTOR'> {
  constructor(asked: number, configured: number) {
    super(
      'ML_RING_REPLICATION_FACTOR',
      `${asked} replicas were asked for, but this ring keeps ${configured} and its replication strategy cannot expand that`,
    );
  }
}

/** The ring does not hold the instance asked for. {@link nearest} lists ids that look like it. Nothing was changed. */
export class UnknownInstanceError extends MlError<'ML_RING_UNKNOWN_INSTANCE'> {
  readonly id: string;
  readonly nearest: readonly string[];

  constructor(id: string, nearest: readonly string[]) {
    const hint = nearest.length === 0 ? '' : `; similar ids: ${nearest.join(', ')}`;
    super(
      'ML_RING_UNKNOWN_INSTANCE',
      `instance ${JSON.stringify(id)} not found in the ring${hint}`,
    );
    this.id = id;
    this.nearest = nearest;
  }
}

/** Token ranges were asked for where they mean nothing: the message says which condition is missing. */
export class TokenRangesError extends MlError<'ML_RING_TOKEN_RANGES'> {
  constructor(problem: string) {
    super('ML_RING_TOKEN_RANGES', problem);
  }
}

/** The state machine of an instance has no such transition. Nothing was changed. */
export class StateTransitionError extends MlError<'ML_RING_STATE_TRANSITION'> {
  constructor(from: InstanceState, to: InstanceState) {
    super(
      'ML_RING_STATE_TRANSITION',
      `changing instance state from ${from} to ${to} is not allowed`,
    );
  }
}

/** A lifecycler was asked for something after it had been closed. Nothing was changed. */
export class LifecyclerClosedError extends MlError<'ML_RING_LIFECYCLER_CLOSED'> {
  constructor(ring: string) {
    super('ML_RING_LIFECYCLER_CLOSED', `the lifecycler of ring ${JSON.stringify(ring)} is closed`);
  }
}

/** The instance could not be registered at start; `cause` says why. The ring may or may not hold its entry. */
export class JoinRingError extends MlError<'ML_RING_JOIN'> {
  constructor(ring: string, options: ErrorOptions) {
    super('ML_RING_JOIN', `could not join the ring ${JSON.stringify(ring)}`, options);
  }
}

/** Why an instance is not ready, for programs. */
export type NotReadyReason =
  | 'no-tokens'
  | 'kv-error'
  | 'no-ring'
  | 'instance-missing'
  | 'heartbeat-stale'
  | 'wrong-state'
  | 'ring-without-tokens'
  | 'waiting';

/** The instance or its ring is not ready for work yet; the message says what is missing. Normal after a start. */
export class NotReadyError extends MlError<'ML_RING_NOT_READY'> {
  readonly reason: NotReadyReason;

  constructor(reason: NotReadyReason, message: string, options?: ErrorOptions) {
    super('ML_RING_NOT_READY', message, options);
    this.reason = reason;
  }
}

/** Another instance must register first; a token generator's `canJoin` says so. Normal while instances start together. */
export class CannotJoinError extends MlError<'ML_RING_CANNOT_JOIN'> {
  constructor(problem: string) {
    super('ML_RING_CANNOT_JOIN', problem);
  }
}

/** Stored tokens cannot be used: the message names the place and the fault. Remove or repair what is stored there. */
export class TokensStoreError extends MlError<'ML_RING_TOKENS_STORE'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_RING_TOKENS_STORE', message, options);
  }
}

/** The set-up of a ring or lifecycler makes no sense; the message names option and value. */
export class RingOptionsError extends MlError<'ML_RING_OPTIONS'> {
  constructor(problem: string) {
    super('ML_RING_OPTIONS', problem);
  }
}

function addresses(instances: readonly InstanceDesc[]): string {
  const shown = instances.slice(0, MAX_LISTED).map(({ addr, id }) => (addr === '' ? id : addr));
  const more = instances.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
