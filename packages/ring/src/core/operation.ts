import type { InstanceDesc } from './instance.ts';
import { type KnownInstanceState, STATE_CODES, STATE_NAMES } from './instance-state.ts';

const EXTEND_SHIFT = 16;

/**
 * What a look-up is for: in which states an instance may take part, and in which it makes the look-up go on to one
 * more instance. As `ring.Operation` in dskit, whose 32-bit masks {@link mask} equals. R-31
 */
export class Operation {
  /** Bit s: state s takes part; bit 16 + s: state s extends the replica set. */
  readonly mask: number;

  private constructor(mask: number) {
    this.mask = mask;
  }

  static of(
    healthyStates: readonly KnownInstanceState[],
    extendOn: readonly KnownInstanceState[] = [],
  ): Operation {
    let mask = 0;
    for (const state of healthyStates) mask |= 1 << STATE_CODES[state];
    for (const state of extendOn) mask |= 1 << (EXTEND_SHIFT + STATE_CODES[state]);
    return new Operation(mask);
  }

  /** By mask, as configuration and other programs write it. */
  static ofMask(mask: number): Operation {
    return new Operation(mask | 0);
  }

  /** The states that take part. */
  get healthyStates(): readonly KnownInstanceState[] {
    return STATE_NAMES.filter((state) => this.accepts(STATE_CODES[state]));
  }

  /** The states that extend the replica set. */
  get extendsOn(): readonly KnownInstanceState[] {
    return STATE_NAMES.filter((state) => this.extends(STATE_CODES[state]));
  }

  /** Whether an instance in the state of this wire number takes part. */
  accepts(stateCode: number): boolean {
    return stateCode >= 0 && stateCode < EXTEND_SHIFT && ((this.mask >>> stateCode) & 1) === 1;
  }

  /** Whether an instance in the state of this wire number extends the replica set. */
  extends(stateCode: number): boolean {
    return (
      stateCode >= 0 &&
      stateCode < EXTEND_SHIFT &&
      ((this.mask >>> (EXTEND_SHIFT + stateCode)) & 1) === 1
    );
  }

  /** Whether the instance may take part, heartbeat aside. */
  acceptsInstance(instance: InstanceDesc): boolean {
    return this.accepts(instance.stateCode);
  }
}

/** Writes: only active instances, and one more for each that is not. */
export const Write: Operation = Operation.of(['ACTIVE'], ['LEAVING', 'PENDING', 'JOINING', 'LEFT']);

/** Writes that fail rather than go to an instance outside the replica set. */
export const WriteNoExtend: Operation = Operation.of(['ACTIVE']);

/** Reads: also from instances that come or go, and one more for each that never had the data. */
export const Read: Operation = Operation.of(
  ['ACTIVE', 'PENDING', 'LEAVING'],
  ['PENDING', 'JOINING', 'LEFT'],
);

/** Looking at instances, whatever state they are in. The mask includes states without a name. */
export const Reporting: Operation = Operation.ofMask(0xffff);
