import type { Freshness } from './freshness.ts';
import type { InstanceDesc } from './instance.ts';
import type { Operation } from './operation.ts';
import type { ReplicationSet } from './replication-set.ts';

/** The instance takes part in the operation and its heartbeat is fresh. */
export const USABLE = 1;
/** The instance makes a walk go on to one more. */
export const EXTENDS = 2;

/** States that an operation can tell apart. */
const STATES = 16;

/** What health is worked out from. */
export interface Heartbeats {
  readonly instances: readonly InstanceDesc[];
  readonly freshness: Freshness;
}

/** The parts of an {@link OperationHealth}. */
interface Parts {
  readonly operationMask: number;
  readonly flagsOfState: Uint8Array;
  readonly flags: Uint8Array;
  readonly others: number;
  readonly afterUnixMs: number;
  readonly untilUnixMs: number;
}

/**
 * Who is healthy for an operation, worked out once for a span of time in which no heartbeat expires: a look-up
 * compares the time with the two ends of the span instead of with each heartbeat.
 */
export class OperationHealth {
  /** The mask of the operation; not named like the operation's, or V8 would mix up what it learns of the two. */
  readonly operationMask: number = 0;
  /** {@link USABLE} and {@link EXTENDS} by position. */
  readonly flags: Uint8Array;
  /** The answers to questions about the whole ring, once they were asked. */
  wholeRing: ReplicationSet | undefined;
  allHealthy: ReplicationSet | undefined;
  readonly #flagsOfState: Uint8Array;
  /** Instances that are not just usable. */
  readonly #others: number = 0;
  /** Heartbeats that have expired did so by this time. */
  readonly #afterUnixMs: number = 0;
  /** The others expire after this time. */
  readonly #untilUnixMs: number = 0;

  private constructor(parts: Parts) {
    this.operationMask = parts.operationMask;
    this.flags = parts.flags;
    this.wholeRing = undefined;
    this.allHealthy = undefined;
    this.#flagsOfState = parts.flagsOfState;
    this.#others = parts.others;
    this.#afterUnixMs = parts.afterUnixMs;
    this.#untilUnixMs = parts.untilUnixMs;
  }

  static of(heartbeats: Heartbeats, operation: Operation, nowUnixMs: number): OperationHealth {
    const { instances } = heartbeats;
    const unknown = new OperationHealth({
      operationMask: operation.mask,
      flagsOfState: Uint8Array.from({ length: STATES }, (_, state) => flagsFor(operation, state)),
      flags: new Uint8Array(instances.length),
      others: instances.length,
      afterUnixMs: Number.NEGATIVE_INFINITY,
      untilUnixMs: Number.POSITIVE_INFINITY,
    });
    return unknown.after(heartbeats, [...instances.keys()], nowUnixMs);
  }

  /**
   * The health after a change of the instances at some positions; shares the flags when those stay as they are. It may
   * hold for a shorter time than it could, never for a longer one. This one must hold at `nowUnixMs`.
   */
  after(
    { instances, freshness }: Heartbeats,
    replaced: readonly number[],
    nowUnixMs: number,
  ): OperationHealth {
    const flagsOfState = this.#flagsOfState;
    let { flags } = this;
    let others = this.#others;
    let afterUnixMs = this.#afterUnixMs;
    let untilUnixMs = this.#untilUnixMs;
    for (const position of replaced) {
      const instance = instances[position];
      if (instance === undefined) continue;
      let own = flagsOfState[instance.stateCode] ?? 0;
      const freshUntil = freshness.untilUnixMs(instance);
      if ((own & USABLE) !== 0) {
        if (nowUnixMs <= freshUntil) {
          untilUnixMs = Math.min(untilUnixMs, freshUntil);
        } else {
          own &= ~USABLE;
          afterUnixMs = Math.max(afterUnixMs, freshUntil);
        }
      }
      const before = flags[position];
      if (own === before) continue;
      if (flags === this.flags) flags = flags.slice();
      flags[position] = own;
      others += (own === USABLE ? 0 : 1) - (before === USABLE ? 0 : 1);
    }
    const { operationMask } = this;
    return new OperationHealth({
      operationMask,
      flagsOfState,
      flags,
      others,
      afterUnixMs,
      untilUnixMs,
    });
  }

  /** Whether all instances are usable and none extends a walk. */
  get uniform(): boolean {
    return this.#others === 0;
  }

  /** Whether this still holds at the time, which may also lie before the time it was made for. */
  holdsAt(nowUnixMs: number): boolean {
    return nowUnixMs <= this.#untilUnixMs && nowUnixMs > this.#afterUnixMs;
  }
}

function flagsFor(operation: Operation, state: number): number {
  return (operation.accepts(state) ? USABLE : 0) | (operation.extends(state) ? EXTENDS : 0);
}
