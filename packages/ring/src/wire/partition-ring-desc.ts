import { varintLength } from '../core/packed-tokens.ts';
import { unpackSet } from '../core/token-unpacker.ts';
import { Tokens } from '../core/tokens.ts';
import { utf8Length, writeUtf8 } from '../core/utf8.ts';
import { WireError } from '../errors.ts';
import { PartitionRingDesc } from '../partition/desc.ts';
import {
  OwnerDesc,
  type OwnerFields,
  PartitionDesc,
  type PartitionFields,
  partitionTokens,
} from '../partition/partition.ts';
import { BYTES, int64Length, ProtoReader, VARINT, writeInt64, writeUint32 } from './proto.ts';

const noBytes = new Uint8Array(0);

/** The two maps of the ring, and the tags inside their entries. */
const PARTITIONS = (1 << 3) | BYTES;
const OWNERS = (2 << 3) | BYTES;
const NUMBER_KEY = (1 << 3) | VARINT;
const TEXT_KEY = (1 << 3) | BYTES;
const VALUE = (2 << 3) | BYTES;

/** Fields of a partition. */
const TOKENS = (1 << 3) | BYTES;
const ONE_TOKEN = (1 << 3) | VARINT;
const STATE = (2 << 3) | VARINT;
const STATE_TIME = (3 << 3) | VARINT;
const ID = (4 << 3) | VARINT;
const LOCKED = (5 << 3) | VARINT;
const LOCKED_TIME = (6 << 3) | VARINT;
const TOKEN_SCHEME = (7 << 3) | BYTES;
const LAST_PARTITION_FIELD = 7;

/** Fields of an owner. */
const OWNED_PARTITION = (1 << 3) | VARINT;
const OWNER_STATE = (2 << 3) | VARINT;
const UPDATED_TIME = (3 << 3) | VARINT;
const LAST_OWNER_FIELD = 3;

/** Deriving tokens costs time that grows with the number; peers cannot make us derive those of a larger one. */
const MAX_DERIVED_ID = 2047;

export interface PartitionDecodeOptions {
  /** Names of schemes by which a partition's tokens follow from its number; see `PartitionDesc.tokenScheme`. */
  readonly derivedTokenSchemes: ReadonlySet<string>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Reads `ring.PartitionRingDesc`. `bytes` must not change afterwards.
 * @throws {WireError} when the bytes are not such a message
 */
export function decodePartitionRing(
  bytes: Uint8Array,
  options: PartitionDecodeOptions,
): PartitionRingDesc {
  const reader = new ProtoReader(bytes, 0, bytes.length);
  const partitions: PartitionDesc[] = [];
  const owners: OwnerDesc[] = [];
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === PARTITIONS) partitions.push(readPartitionEntry(reader, options));
    else if (tag === OWNERS) owners.push(readOwnerEntry(reader));
    else if (tag >>> 3 <= 2) throw wrongType('a partition ring', tag);
    else reader.skip(tag);
  }
  return PartitionRingDesc.of(partitions, owners);
}

/** Writes `ring.PartitionRingDesc`: zero fields left out, ascending ids, unknown fields of entries kept. R-4 */
export function encodePartitionRing(ring: PartitionRingDesc): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const partition of ring.partitions) {
    const id = int64Field(NUMBER_KEY, partition.id, true);
    parts.push(entry(PARTITIONS, id, partitionBody(partition)));
  }
  for (const owner of ring.owners) {
    parts.push(entry(OWNERS, textField(TEXT_KEY, owner.id, true), ownerBody(owner)));
  }
  return concat(parts);
}

/** Runs `read` over the bytes of the length that follows. */
function within<T>(reader: ProtoReader, read: () => T): T {
  const outer = reader.end;
  const length = reader.length();
  reader.end = reader.pos + length;
  const result = read();
  reader.end = outer;
  return result;
}

function readPartitionEntry(reader: ProtoReader, options: PartitionDecodeOptions): PartitionDesc {
  return within(reader, () => {
    let id = 0;
    let fields: Mutable<PartitionFields> = emptyPartition();
    while (!reader.done) {
      const tag = reader.tag();
      if (tag === NUMBER_KEY) id = reader.uint32() | 0;
      else if (tag === VALUE) fields = readPartition(reader);
      else if (tag >>> 3 <= 2) throw wrongType('an entry of partitions', tag);
      else reader.skip(tag);
    }
    fields.id = id;
    if (fields.tokenScheme !== '' && fields.tokens.isEmpty) {
      fields.tokens = derivedTokens(fields, options);
    }
    return new PartitionDesc(fields);
  });
}

function derivedTokens(
  { id, tokenScheme }: PartitionFields,
  { derivedTokenSchemes }: PartitionDecodeOptions,
): Tokens {
  if (!derivedTokenSchemes.has(tokenScheme)) {
    throw new WireError(
      `partition ${id} has no tokens but a token scheme that is not known here: ${JSON.stringify(tokenScheme.slice(0, 100))}`,
    );
  }
  if (id < 0 || id > MAX_DERIVED_ID) {
    throw new WireError(
      `partition ${id} has no tokens; they are derived for numbers 0 to ${MAX_DERIVED_ID} only`,
    );
  }
  return partitionTokens(id);
}

function emptyPartition(): Mutable<PartitionFields> {
  return {
    id: 0,
    tokens: Tokens.none,
    stateCode: 0,
    stateUnixS: 0,
    encodedId: 0,
    locked: false,
    lockedUnixS: 0,
    tokenScheme: '',
    unknownFields: noBytes,
  };
}

function readPartition(reader: ProtoReader): Mutable<PartitionFields> {
  return within(reader, () => {
    const fields = emptyPartition();
    const packed: Tokens[] = [];
    const single: number[] = [];
    const unknown: Uint8Array[] = [];
    while (!reader.done) {
      const start = reader.pos;
      const tag = reader.tag();
      if (tag === TOKENS) packed.push(readPacked(reader));
      else if (tag === ONE_TOKEN) single.push(reader.uint32());
      else if (readPartitionField(reader, tag, fields)) continue;
      else if (tag >>> 3 <= LAST_PARTITION_FIELD) throw wrongType('a partition', tag);
      else {
        reader.skip(tag);
        unknown.push(reader.bytes.subarray(start, reader.pos));
      }
    }
    fields.tokens = joinTokens(packed, single);
    if (unknown.length > 0) fields.unknownFields = concat(unknown);
    return fields;
  });
}

function readPartitionField(
  reader: ProtoReader,
  tag: number,
  fields: Mutable<PartitionFields>,
): boolean {
  switch (tag) {
    case STATE:
      fields.stateCode = reader.uint32() | 0;
      return true;
    case STATE_TIME:
      fields.stateUnixS = reader.int64();
      return true;
    case ID:
      fields.encodedId = reader.uint32() | 0;
      return true;
    case LOCKED:
      fields.locked = reader.bool();
      return true;
    case LOCKED_TIME:
      fields.lockedUnixS = reader.int64();
      return true;
    case TOKEN_SCHEME:
      fields.tokenScheme = reader.string();
      return true;
    default:
      return false;
  }
}

function readPacked(reader: ProtoReader): Tokens {
  const length = reader.length();
  const start = reader.pos;
  reader.pos += length;
  return unpackSet({ message: reader.view, start, end: reader.pos });
}

function joinTokens(packed: readonly Tokens[], single: readonly number[]): Tokens {
  const [only] = packed;
  if (only !== undefined && packed.length === 1 && single.length === 0) return only;
  const parts = [...packed.map(({ values }) => values), Uint32Array.from(single)];
  const all = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return Tokens.normalised(all);
}

function readOwnerEntry(reader: ProtoReader): OwnerDesc {
  return within(reader, () => {
    let id = '';
    let fields: Mutable<OwnerFields> = emptyOwner();
    while (!reader.done) {
      const tag = reader.tag();
      if (tag === TEXT_KEY) id = reader.string();
      else if (tag === VALUE) fields = readOwner(reader);
      else if (tag >>> 3 <= 2) throw wrongType('an entry of owners', tag);
      else reader.skip(tag);
    }
    fields.id = id;
    return new OwnerDesc(fields);
  });
}

function emptyOwner(): Mutable<OwnerFields> {
  return { id: '', partitionId: 0, stateCode: 0, updatedUnixS: 0, unknownFields: noBytes };
}

function readOwner(reader: ProtoReader): Mutable<OwnerFields> {
  return within(reader, () => {
    const fields = emptyOwner();
    const unknown: Uint8Array[] = [];
    while (!reader.done) {
      const start = reader.pos;
      const tag = reader.tag();
      if (tag === OWNED_PARTITION) fields.partitionId = reader.uint32() | 0;
      else if (tag === OWNER_STATE) fields.stateCode = reader.uint32() | 0;
      else if (tag === UPDATED_TIME) fields.updatedUnixS = reader.int64();
      else if (tag >>> 3 <= LAST_OWNER_FIELD) throw wrongType('an owner', tag);
      else {
        reader.skip(tag);
        unknown.push(reader.bytes.subarray(start, reader.pos));
      }
    }
    if (unknown.length > 0) fields.unknownFields = concat(unknown);
    return fields;
  });
}

function wrongType(where: string, tag: number): WireError {
  return new WireError(`field ${tag >>> 3} of ${where} has wire type ${tag & 7}`);
}

function partitionBody(partition: PartitionDesc): Uint8Array {
  const { tokens } = partition;
  const { packed } = tokens;
  return concat([
    packed.length === 0 ? noBytes : lengthPrefix(TOKENS, packed.length),
    packed,
    int64Field(STATE, partition.stateCode),
    int64Field(STATE_TIME, partition.stateUnixS),
    int64Field(ID, partition.encodedId),
    int64Field(LOCKED, partition.locked ? 1 : 0),
    int64Field(LOCKED_TIME, partition.lockedUnixS),
    textField(TOKEN_SCHEME, partition.tokenScheme),
    partition.unknownFields,
  ]);
}

function ownerBody(owner: OwnerDesc): Uint8Array {
  return concat([
    int64Field(OWNED_PARTITION, owner.partitionId),
    int64Field(OWNER_STATE, owner.stateCode),
    int64Field(UPDATED_TIME, owner.updatedUnixS),
    owner.unknownFields,
  ]);
}

/** A map entry: both parts are always written, also when they are empty. */
function entry(tag: number, key: Uint8Array, value: Uint8Array): Uint8Array {
  const body = concat([key, lengthPrefix(VALUE, value.length), value]);
  return concat([lengthPrefix(tag, body.length), body]);
}

function lengthPrefix(tag: number, length: number): Uint8Array {
  const bytes = new Uint8Array(1 + varintLength(length));
  bytes[0] = tag;
  writeUint32(length, bytes, 1);
  return bytes;
}

function int64Field(tag: number, value: number, always = false): Uint8Array {
  if (value === 0 && !always) return noBytes;
  const bytes = new Uint8Array(1 + int64Length(value));
  bytes[0] = tag;
  writeInt64(value, bytes, 1);
  return bytes;
}

function textField(tag: number, text: string, always = false): Uint8Array {
  if (text === '' && !always) return noBytes;
  const length = utf8Length(text);
  const prefix = lengthPrefix(tag, length);
  const bytes = new Uint8Array(prefix.length + length);
  bytes.set(prefix);
  writeUtf8(text, bytes, prefix.length);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
