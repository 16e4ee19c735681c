import { spreadTokens } from '../core/spread-tokens.ts';
import { Tokens } from '../core/tokens.ts';

/**
 * What may be done with a partition: nothing yet, writing and reading, only reading. `Deleted` is a tombstone;
 * `Unknown` stands for the number 0 and for numbers that this version has no name for. As `PartitionState` in dskit,
 * without its prefix. R-3
 */
export type PartitionState = 'Unknown' | 'Pending' | 'Active' | 'Inactive' | 'Deleted';

/** `Deleted` is a tombstone. As `OwnerState` in dskit. */
export type OwnerState = 'Unknown' | 'Active' | 'Deleted';

/** Wire numbers of partition states. */
export const PARTITION_STATE_CODES: Readonly<Record<PartitionState, number>> = {
  Unknown: 0,
  Pending: 1,
  Active: 2,
  Inactive: 3,
  Deleted: 4,
};

/** Wire numbers of owner states. */
export const OWNER_STATE_CODES: Readonly<Record<OwnerState, number>> = {
  Unknown: 0,
  Active: 1,
  Deleted: 2,
};

const PARTITION_STATES: readonly PartitionState[] = [
  'Unknown',
  'Pending',
  'Active',
  'Inactive',
  'Deleted',
];
const OWNER_STATES: readonly OwnerState[] = ['Unknown', 'Active', 'Deleted'];
const noBytes = new Uint8Array(0);

/** The state of the name that dskit gives it (`PartitionActive`); `undefined` if there is none. */
export function parsePartitionState(name: string): PartitionState | undefined {
  return PARTITION_STATES.find((state) => name === `Partition${state}`);
}

/** Every field of a partition as the wire has it. */
export interface PartitionFields {
  readonly id: number;
  readonly tokens: Tokens;
  readonly stateCode: number;
  readonly stateUnixS: number;
  readonly encodedId: number;
  readonly locked: boolean;
  readonly lockedUnixS: number;
  readonly tokenScheme: string;
  readonly unknownFields: Uint8Array;
}

/** One partition, immutable. As `ring.PartitionDesc` in dskit. */
export class PartitionDesc implements PartitionFields {
  /** Names the partition, from 0; the key of its entry on the wire. */
  readonly id: number;
  /** Never change during the partition's life: merges keep the first ones seen. */
  readonly tokens: Tokens;
  /** The state's wire number; see {@link state}. */
  readonly stateCode: number;
  /** When the state changed, in Unix seconds: the clock that merges go by. */
  readonly stateUnixS: number;
  /** The `id` field inside the entry. */
  readonly encodedId: number;
  /** Whether an operator has locked the state. Only newer dskit writes it. */
  readonly locked: boolean;
  /** When {@link locked} changed, in Unix seconds; merges go by it for the lock alone. */
  readonly lockedUnixS: number;
  /** How tokens follow from the id, for partitions written without tokens; empty: not at all. */
  readonly tokenScheme: string;
  /** Fields of a newer schema as they came, written again as they are. */
  readonly unknownFields: Uint8Array;

  constructor(fields: PartitionFields) {
    this.id = fields.id;
    this.tokens = fields.tokens;
    this.stateCode = fields.stateCode;
    this.stateUnixS = fields.stateUnixS;
    this.encodedId = fields.encodedId;
    this.locked = fields.locked;
    this.lockedUnixS = fields.lockedUnixS;
    this.tokenScheme = fields.tokenScheme;
    this.unknownFields = fields.unknownFields;
  }

  static of(init: {
    readonly id: number;
    readonly tokens?: Tokens;
    readonly state?: PartitionState;
    readonly stateUnixS?: number;
    readonly locked?: boolean;
    readonly lockedUnixS?: number;
  }): PartitionDesc {
    return new PartitionDesc({
      id: init.id,
      tokens: init.tokens ?? Tokens.none,
      stateCode: PARTITION_STATE_CODES[init.state ?? 'Unknown'],
      stateUnixS: init.stateUnixS ?? 0,
      encodedId: init.id,
      locked: init.locked ?? false,
      lockedUnixS: init.lockedUnixS ?? 0,
      tokenScheme: '',
      unknownFields: noBytes,
    });
  }

  get state(): PartitionState {
    return PARTITION_STATES[this.stateCode] ?? 'Unknown';
  }

  /** Whether this is a tombstone. */
  get isDeleted(): boolean {
    return this.stateCode === PARTITION_STATE_CODES.Deleted;
  }

  /** A copy with some fields replaced. */
  with(change: Partial<Omit<PartitionFields, 'id'>>): PartitionDesc {
    return new PartitionDesc({ ...this, ...change });
  }

  withState(state: PartitionState, stateUnixS: number): PartitionDesc {
    return this.with({ stateCode: PARTITION_STATE_CODES[state], stateUnixS });
  }
}

/** Every field of an owner as the wire has it. */
export interface OwnerFields {
  readonly id: string;
  readonly partitionId: number;
  readonly stateCode: number;
  readonly updatedUnixS: number;
  readonly unknownFields: Uint8Array;
}

/** An instance that owns a partition, immutable. As `ring.OwnerDesc` in dskit. */
export class OwnerDesc implements OwnerFields {
  /** The instance's id; of an owner of several partitions `<instance>/<partition>`. */
  readonly id: string;
  readonly partitionId: number;
  readonly stateCode: number;
  /** When the entry changed, in Unix seconds: the clock that merges go by. */
  readonly updatedUnixS: number;
  /** Fields of a newer schema as they came. */
  readonly unknownFields: Uint8Array;

  constructor(fields: OwnerFields) {
    this.id = fields.id;
    this.partitionId = fields.partitionId;
    this.stateCode = fields.stateCode;
    this.updatedUnixS = fields.updatedUnixS;
    this.unknownFields = fields.unknownFields;
  }

  static of(init: {
    readonly id: string;
    readonly partitionId: number;
    readonly state?: OwnerState;
    readonly updatedUnixS?: number;
  }): OwnerDesc {
    return new OwnerDesc({
      id: init.id,
      partitionId: init.partitionId,
      stateCode: OWNER_STATE_CODES[init.state ?? 'Active'],
      updatedUnixS: init.updatedUnixS ?? 0,
      unknownFields: noBytes,
    });
  }

  get state(): OwnerState {
    return OWNER_STATES[this.stateCode] ?? 'Unknown';
  }

  /** Whether this is a tombstone. */
  get isDeleted(): boolean {
    return this.stateCode === OWNER_STATE_CODES.Deleted;
  }

  /** The tombstone of this owner. */
  tombstone(updatedUnixS: number): OwnerDesc {
    return new OwnerDesc({ ...this, stateCode: OWNER_STATE_CODES.Deleted, updatedUnixS });
  }
}

/** The tokens of a partition: those of the spread-minimizing generator for the instance of its number, zone id 0. R-70 */
export function partitionTokens(id: number): Tokens {
  return Tokens.normalised(spreadTokens(0, id));
}
