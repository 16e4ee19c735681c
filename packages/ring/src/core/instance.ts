import {
  type InstanceState,
  type KnownInstanceState,
  STATE_CODES,
  stateOfCode,
} from './instance-state.ts';
import { Tokens } from './tokens.ts';

const noVersions: ReadonlyMap<bigint, bigint> = new Map();
const noBytes = new Uint8Array(0);

/** What an instance can be made of; what is left out is zero. */
export interface InstanceInit {
  readonly id: string;
  readonly addr?: string;
  readonly zone?: string;
  readonly state?: KnownInstanceState;
  readonly tokens?: Tokens;
  readonly heartbeatUnixS?: number;
  readonly registeredUnixS?: number;
  readonly readOnly?: boolean;
  readonly readOnlyUpdatedUnixS?: number;
  readonly versions?: ReadonlyMap<bigint, bigint>;
}

/** Every field of an instance as the wire has it. */
export interface InstanceFields {
  readonly id: string;
  readonly addr: string;
  readonly heartbeatUnixS: number;
  readonly stateCode: number;
  readonly tokens: Tokens;
  readonly zone: string;
  readonly registeredUnixS: number;
  readonly encodedId: string;
  readonly readOnlyUpdatedUnixS: number;
  readonly readOnly: boolean;
  readonly versions: ReadonlyMap<bigint, bigint>;
  readonly unknownFields: Uint8Array;
}

/** One member of a ring, immutable. As `ring.InstanceDesc` in dskit. */
export class InstanceDesc implements InstanceFields {
  /** Names the instance; the key of its entry on the wire. */
  readonly id: string;
  /** `host:port` that others should dial. */
  readonly addr: string;
  /** The last heartbeat in Unix seconds: the clock that merges go by. */
  readonly heartbeatUnixS: number = 0;
  /** The state's wire number; see {@link state}. */
  readonly stateCode: number = 0;
  readonly tokens: Tokens;
  /** Availability zone; empty: none. */
  readonly zone: string;
  /** When the instance was first added, in Unix seconds; 0 or less: unknown. */
  readonly registeredUnixS: number = 0;
  /** The `id` field inside the entry. Old writers leave it empty; {@link id} is what counts. */
  readonly encodedId: string;
  /** When `readOnly` was last flipped, in Unix seconds; 0 or less: never or unknown. */
  readonly readOnlyUpdatedUnixS: number = 0;
  /** Whether the instance should get no new data. */
  readonly readOnly: boolean;
  /** Versions of what runs there, component number to version number. Only newer dskit writes them. */
  readonly versions: ReadonlyMap<bigint, bigint>;
  /** Fields of a newer schema as they came, written again as they are. */
  readonly unknownFields: Uint8Array;

  constructor(fields: InstanceFields) {
    this.id = fields.id;
    this.addr = fields.addr;
    this.heartbeatUnixS = fields.heartbeatUnixS;
    this.stateCode = fields.stateCode;
    this.tokens = fields.tokens;
    this.zone = fields.zone;
    this.registeredUnixS = fields.registeredUnixS;
    this.encodedId = fields.encodedId;
    this.readOnlyUpdatedUnixS = fields.readOnlyUpdatedUnixS;
    this.readOnly = fields.readOnly;
    this.versions = fields.versions;
    this.unknownFields = fields.unknownFields;
  }

  static of(init: InstanceInit): InstanceDesc {
    return new InstanceDesc({
      id: init.id,
      addr: init.addr ?? '',
      heartbeatUnixS: init.heartbeatUnixS ?? 0,
      stateCode: STATE_CODES[init.state ?? 'ACTIVE'],
      tokens: init.tokens ?? Tokens.none,
      zone: init.zone ?? '',
      registeredUnixS: init.registeredUnixS ?? 0,
      encodedId: init.id,
      readOnlyUpdatedUnixS: init.readOnlyUpdatedUnixS ?? 0,
      readOnly: init.readOnly ?? false,
      versions: init.versions ?? noVersions,
      unknownFields: noBytes,
    });
  }

  get state(): InstanceState {
    return stateOfCode(this.stateCode);
  }

  /** Whether this is a tombstone. */
  get isLeft(): boolean {
    return this.stateCode === STATE_CODES.LEFT;
  }

  /** A copy with some fields replaced; fields that this version does not know stay. */
  with(change: Partial<Omit<InstanceInit, 'id'>>): InstanceDesc {
    // Field by field: every heartbeat does this, and spreads would cost several times as much.
    return new InstanceDesc({
      id: this.id,
      addr: change.addr ?? this.addr,
      heartbeatUnixS: change.heartbeatUnixS ?? this.heartbeatUnixS,
      stateCode: change.state === undefined ? this.stateCode : STATE_CODES[change.state],
      tokens: change.tokens ?? this.tokens,
      zone: change.zone ?? this.zone,
      registeredUnixS: change.registeredUnixS ?? this.registeredUnixS,
      encodedId: this.id,
      readOnlyUpdatedUnixS: change.readOnlyUpdatedUnixS ?? this.readOnlyUpdatedUnixS,
      readOnly: change.readOnly ?? this.readOnly,
      versions: change.versions ?? this.versions,
      unknownFields: this.unknownFields,
    });
  }

  /** A copy with other tokens, all else as it came. */
  withTokens(tokens: Tokens): InstanceDesc {
    if (tokens === this.tokens) return this;
    // Field by field: this runs for each instance of each message, and a spread would cost several times as much.
    return new InstanceDesc({
      id: this.id,
      addr: this.addr,
      heartbeatUnixS: this.heartbeatUnixS,
      stateCode: this.stateCode,
      tokens,
      zone: this.zone,
      registeredUnixS: this.registeredUnixS,
      encodedId: this.encodedId,
      readOnlyUpdatedUnixS: this.readOnlyUpdatedUnixS,
      readOnly: this.readOnly,
      versions: this.versions,
      unknownFields: this.unknownFields,
    });
  }

  /** The tombstone of this instance: all but its tokens is kept. */
  tombstone(unixS: number): InstanceDesc {
    return new InstanceDesc({
      ...this,
      stateCode: STATE_CODES.LEFT,
      tokens: Tokens.none,
      heartbeatUnixS: unixS,
    });
  }
}

/** Whether the instance's heartbeat is fresh. A timeout of 0 turns the check off; a future heartbeat is fresh. R-30 */
export function isHeartbeatFresh(
  instance: InstanceDesc,
  nowUnixMs: number,
  heartbeatTimeoutMs: number,
): boolean {
  return (
    heartbeatTimeoutMs === 0 || nowUnixMs - instance.heartbeatUnixS * 1000 <= heartbeatTimeoutMs
  );
}

/**
 * Whether a merge takes an entry of this heartbeat and state in place of ours: a newer one, or a tombstone of the same
 * second. Where we have none, that counts as heartbeat 0. R-10
 */
export function isReplaced(
  own: InstanceDesc | undefined,
  { heartbeatUnixS, stateCode }: Pick<InstanceFields, 'heartbeatUnixS' | 'stateCode'>,
): boolean {
  const ownUnixS = own?.heartbeatUnixS ?? 0;
  const buries = stateCode === STATE_CODES.LEFT && own?.isLeft !== true;
  return heartbeatUnixS > ownUnixS || (heartbeatUnixS === ownUnixS && buries);
}

/** Whether two instances run the same versions. */
export function sameVersions(
  a: ReadonlyMap<bigint, bigint>,
  b: ReadonlyMap<bigint, bigint>,
): boolean {
  if (a.size !== b.size) return false;
  if (a === b || a.size === 0) return true;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

/** Whether two entries differ in their heartbeats at most. */
export function hasSameContent(a: InstanceDesc, b: InstanceDesc): boolean {
  return (
    a.stateCode === b.stateCode &&
    a.addr === b.addr &&
    a.zone === b.zone &&
    a.registeredUnixS === b.registeredUnixS &&
    a.readOnly === b.readOnly &&
    a.readOnlyUpdatedUnixS === b.readOnlyUpdatedUnixS &&
    a.tokens.equals(b.tokens)
  );
}
