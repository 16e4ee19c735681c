import type { Operation } from './operation.ts';
import type { ReplicationSet } from './replication-set.ts';

/** The instance takes part in the operation and its heartbeat is fresh. */
export const USABLE = 1;
/** The instance makes a walk go on to one more. */
export const EXTENDS = 2;

/** States that an operation can tell apart. */
const STATES = 16;

/** The columns of a view that change with every heartbeat. */
export interface HealthColumns {
  /** Wire numbers of the states. */
  readonly stateCodes: Int32Array;
  /** Until when each heartbeat counts as fresh, in Unix milliseconds. */
  readonly freshUntilUnixMs: Float64Array;
}

/**
 * Who is healthy for an operation, worked out once for the span of time in which no heartbeat expires: a look-up
 * compares the time with the two ends of the span instead of with each heartbeat.
 */
export class OperationHealth {
  readonly mask: number;
  /** {@link USABLE} and {@link EXTENDS} by position. */
  readonly flags: Uint8Array;
  /** Whether all instances are usable and none extends a walk. */
  readonly uniform: boolean;
  /** The answers to questions about the whole ring, once they were asked. */
  wholeRing: ReplicationSet | undefined;
  allHealthy: ReplicationSet | undefined;
  /** The last heartbeat that has expired did so at this time. */
  readonly #afterUnixMs: number;
  /** The next heartbeat expires after this time. */
  readonly #untilUnixMs: number;

  constructor(columns: HealthColumns, operation: Operation, nowUnixMs: number) {
    const { stateCodes, freshUntilUnixMs } = columns;
    this.mask = operation.mask;
    this.flags = new Uint8Array(stateCodes.length);
    const flagsOfState = Uint8Array.from({ length: STATES }, (_, state) =>
      flagsFor(operation, state),
    );
    const flags = this.flags;
    let after = Number.NEGATIVE_INFINITY;
    let until = Number.POSITIVE_INFINITY;
    let uniform = true;
    for (let i = 0; i < flags.length; i++) {
      let own = flagsOfState[stateCodes[i] ?? 0] ?? 0;
      const freshUntil = freshUntilUnixMs[i] ?? 0;
      if ((own & USABLE) !== 0) {
        if (nowUnixMs <= freshUntil) {
          if (freshUntil < until) until = freshUntil;
        } else {
          own &= ~USABLE;
          if (freshUntil > after) after = freshUntil;
        }
      }
      if (own !== USABLE) uniform = false;
      flags[i] = own;
    }
    this.uniform = uniform;
    this.#afterUnixMs = after;
    this.#untilUnixMs = until;
    this.wholeRing = undefined;
    this.allHealthy = undefined;
  }

  /** Whether this still holds at the time, which may also lie before the time it was made for. */
  holdsAt(nowUnixMs: number): boolean {
    return nowUnixMs <= this.#untilUnixMs && nowUnixMs > this.#afterUnixMs;
  }
}

function flagsFor(operation: Operation, state: number): number {
  return (operation.accepts(state) ? USABLE : 0) | (operation.extends(state) ? EXTENDS : 0);
}
