import { RingDesc } from '../core/desc.ts';
import { InstanceDesc, type InstanceFields, sameFields } from '../core/instance.ts';
import { STATE_CODES } from '../core/instance-state.ts';
import { varintLength } from '../core/packed-tokens.ts';
import { TokenUnpacker } from '../core/token-unpacker.ts';
import { Tokens } from '../core/tokens.ts';
import { utf8Length, writeUtf8 } from '../core/utf8.ts';
import { WireError } from '../errors.ts';
import {
  BYTES,
  int64Length,
  ProtoReader,
  passLength,
  passNumber,
  passText,
  uint64Length,
  VARINT,
  writeInt64,
  writeUint32,
  writeUint64,
} from './proto.ts';

const noVersions: ReadonlyMap<bigint, bigint> = new Map();
const noBytes = new Uint8Array(0);

/** Field numbers of an instance, with the wire type they are written with. */
const ADDR = (1 << 3) | BYTES;
const HEARTBEAT = (2 << 3) | VARINT;
const STATE = (3 << 3) | VARINT;
const TOKENS = (6 << 3) | BYTES;
const ONE_TOKEN = (6 << 3) | VARINT;
const ZONE = (7 << 3) | BYTES;
const REGISTERED = (8 << 3) | VARINT;
const ID = (9 << 3) | BYTES;
const READ_ONLY_UPDATED = (10 << 3) | VARINT;
const READ_ONLY = (11 << 3) | VARINT;
const VERSIONS = (12 << 3) | BYTES;
const LAST_KNOWN_FIELD = 12;
const RESERVED_FIELDS: ReadonlySet<number> = new Set([4, 5]);

/** Tags inside a map entry, and of the map of instances itself. */
const KEY = (1 << 3) | BYTES;
const VALUE = (2 << 3) | BYTES;
const NUMBER_KEY = (1 << 3) | VARINT;
const NUMBER_VALUE = (2 << 3) | VARINT;
const INSTANCES = (1 << 3) | BYTES;

type Fields = { -readonly [K in keyof InstanceFields]: InstanceFields[K] };

/** Shorter messages hold a few entries of a ring only; see {@link Entries}. */
const LIKELY_ENTRY_BYTES = 64;

/**
 * Reads `ring.Desc`. Nothing of `bytes` is kept. What `known`, usually the ring that the result will be merged into,
 * has in common with the message is taken from there: an entry that says the same is the very same object, tokens are
 * compared byte by byte and decoded only when they differ. The result means the same without.
 * @throws {WireError} when the bytes are not such a message.
 */
export function decodeRingDesc(bytes: Uint8Array, known: RingDesc = RingDesc.empty): RingDesc {
  const reader = new RingReader(bytes, 0, bytes.length);
  const entries = new Entries(known, bytes.length);
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === INSTANCES) entries.read(reader);
    else if (tag >>> 3 === 1) throw wrongType('ingesters', tag);
    else reader.skip(tag);
  }
  reader.unpacker.finish();
  return entries.finish();
}

/**
 * Writes `ring.Desc`: zero fields left out, instances in the ring's order, unknown fields of an instance kept. R-4
 * @param into where to write when it is long enough; the result is then a view of it.
 */
export function encodeRingDesc(desc: RingDesc, into: Uint8Array = noBytes): Uint8Array {
  const instances = desc.unordered;
  const lengths = new Float64Array(instances.length);
  let total = 0;
  for (let i = 0; i < instances.length; i++) {
    const instance = instances[i];
    if (instance === undefined) continue;
    const body = bodyLength(instance);
    lengths[i] = body;
    const entry = entryLength(instance, body);
    total += 1 + varintLength(entry) + entry;
  }
  const out = into.length < total ? new Uint8Array(total) : into.subarray(0, total);
  let at = 0;
  for (let i = 0; i < instances.length; i++) {
    const instance = instances[i];
    if (instance !== undefined) at = writeEntry(instance, lengths[i] ?? 0, out, at);
  }
  return out;
}

function writeEntry(instance: InstanceDesc, body: number, out: Uint8Array, from: number): number {
  let at = from;
  out[at++] = INSTANCES;
  at = writeUint32(entryLength(instance, body), out, at);
  // Both parts of an entry are always written, also when they are empty.
  out[at++] = KEY;
  at = writeUint32(utf8Length(instance.id), out, at);
  at = writeUtf8(instance.id, out, at);
  out[at++] = VALUE;
  at = writeUint32(body, out, at);
  return writeBody(instance, out, at);
}

class RingReader extends ProtoReader {
  readonly unpacker: TokenUnpacker = new TokenUnpacker();
}

/** The entries of one message, beside those of the known ring. */
class Entries {
  readonly #known: RingDesc;
  readonly #instances: readonly InstanceDesc[];
  /** Entries with a known id at the place of that id; absent for messages of a few entries. */
  readonly #slots: (InstanceDesc | undefined)[] | undefined;
  readonly #others: InstanceDesc[] = [];
  #filled = 0;
  /** Where the next entry would stand if the message were in order, as those of our own writing are. */
  #next = 0;

  constructor(known: RingDesc, messageBytes: number) {
    this.#known = known;
    this.#instances = known.instances;
    const all = known.size > 0 && messageBytes >= known.size * LIKELY_ENTRY_BYTES;
    this.#slots = all ? new Array(known.size).fill(undefined) : undefined;
  }

  read(reader: RingReader): void {
    const outer = reader.end;
    const length = reader.length();
    reader.end = reader.pos + length;
    let id = '';
    let at = -1;
    let own: InstanceDesc | undefined;
    let record: InstanceDesc | undefined;
    while (!reader.done) {
      const tag = reader.tag();
      if (tag === KEY) {
        id = reader.string(this.#instances[this.#next]?.id);
        at = this.#positionOf(id);
        own = this.#instances[at];
      } else if (tag === VALUE) record = readInstance(reader, id, own);
      else if (tag >>> 3 <= 2) throw wrongType('an entry of ingesters', tag);
      else reader.skip(tag);
    }
    reader.end = outer;
    if (record === undefined) record = finishInstance(clear(draft), id, own);
    // The key counts that came last, be it behind the value.
    else if (record.id !== id) record = new InstanceDesc({ ...record, id });
    this.#add(record, at);
  }

  finish(): RingDesc {
    const slots = this.#slots;
    if (slots === undefined) return RingDesc.of(this.#others);
    const records = slots.filter((record) => record !== undefined);
    return this.#others.length === 0 && this.#filled === slots.length
      ? this.#known.replaceAll(records)
      : RingDesc.of([...records, ...this.#others]);
  }

  #positionOf(id: string): number {
    const next = this.#next;
    const at = this.#instances[next]?.id === id ? next : this.#known.positionOf(id);
    this.#next = at + 1;
    return at;
  }

  #add(record: InstanceDesc, at: number): void {
    if (this.#slots === undefined || at < 0) {
      this.#others.push(record);
      return;
    }
    if (this.#slots[at] === undefined) this.#filled++;
    this.#slots[at] = record;
  }
}

/** What an entry is read into; one for all, since most entries turn out to be known. */
const draft: Fields = {
  id: '',
  addr: '',
  heartbeatUnixS: 0,
  stateCode: 0,
  tokens: Tokens.none,
  zone: '',
  registeredUnixS: 0,
  encodedId: '',
  readOnlyUpdatedUnixS: 0,
  readOnly: false,
  versions: noVersions,
  unknownFields: noBytes,
};

function clear(fields: Fields): Fields {
  fields.id = '';
  fields.addr = '';
  fields.heartbeatUnixS = 0;
  fields.stateCode = 0;
  fields.tokens = Tokens.none;
  fields.zone = '';
  fields.registeredUnixS = 0;
  fields.encodedId = '';
  fields.readOnlyUpdatedUnixS = 0;
  fields.readOnly = false;
  fields.versions = noVersions;
  fields.unknownFields = noBytes;
  return fields;
}

/** The entry of `id`; `own` itself when it says the same. */
function readInstance(reader: RingReader, id: string, own: InstanceDesc | undefined): InstanceDesc {
  const outer = reader.end;
  const length = reader.length();
  const end = reader.pos + length;
  if (own !== undefined && isWrittenAs(own, reader.bytes, reader.pos, end)) {
    reader.pos = end;
    return own;
  }
  reader.end = end;
  const fields = clear(draft);
  let pieces: Pieces | undefined;
  while (!reader.done) {
    const start = reader.pos;
    const tag = reader.tag();
    if (!readField(reader, tag, fields, own)) {
      pieces ??= new Pieces(fields);
      pieces.read(reader, { tag, start });
    }
  }
  pieces?.join(reader.bytes);
  reader.end = outer;
  return finishInstance(fields, id, own);
}

function finishInstance(fields: Fields, id: string, own: InstanceDesc | undefined): InstanceDesc {
  fields.id = id;
  // A tombstone holds no tokens, whatever came in. R-9
  if (fields.stateCode === STATE_CODES.LEFT) fields.tokens = Tokens.none;
  return own !== undefined && sameFields(own, fields) ? own : new InstanceDesc(fields);
}

/**
 * Whether `bytes[start, end)` are just what is written for `own`. False also where finding out would take longer than
 * reading: fields that few writers know, texts beyond ASCII.
 */
function isWrittenAs(own: InstanceDesc, bytes: Buffer, start: number, end: number): boolean {
  if (own.versions.size > 0 || own.unknownFields.length > 0) return false;
  const { packed } = own.tokens;
  let at = passText(ADDR, own.addr, bytes, start);
  at = passNumber(HEARTBEAT, own.heartbeatUnixS, bytes, at);
  at = passNumber(STATE, own.stateCode, bytes, at);
  at = passLength(TOKENS, packed.length, bytes, at);
  if (at < 0) return false;
  const tokensAt = at;
  at = passText(ZONE, own.zone, bytes, at + packed.length);
  at = passNumber(REGISTERED, own.registeredUnixS, bytes, at);
  at = passText(ID, own.encodedId, bytes, at);
  at = passNumber(READ_ONLY_UPDATED, own.readOnlyUpdatedUnixS, bytes, at);
  at = passNumber(READ_ONLY, own.readOnly ? 1 : 0, bytes, at);
  return at === end && own.tokens.isPackedAs(bytes, tokensAt, tokensAt + packed.length);
}

/** Reads one of the fields that usually occur once; false: it is another one, and its value is not read. */
function readField(
  reader: RingReader,
  tag: number,
  fields: Fields,
  own: InstanceDesc | undefined,
): boolean {
  switch (tag) {
    case ADDR:
      fields.addr = reader.string(own?.addr);
      return true;
    case HEARTBEAT:
      fields.heartbeatUnixS = reader.int64();
      return true;
    case STATE:
      fields.stateCode = reader.uint32() | 0;
      return true;
    case TOKENS:
      if (!fields.tokens.isEmpty) return false;
      fields.tokens = readPackedTokens(reader, own?.tokens);
      return true;
    case ZONE:
      fields.zone = reader.string(own?.zone);
      return true;
    case REGISTERED:
      fields.registeredUnixS = reader.int64();
      return true;
    case ID:
      fields.encodedId = reader.string(own?.encodedId);
      return true;
    case READ_ONLY_UPDATED:
      fields.readOnlyUpdatedUnixS = reader.int64();
      return true;
    case READ_ONLY:
      fields.readOnly = reader.bool();
      return true;
    default:
      return false;
  }
}

function readPackedTokens(reader: RingReader, own?: Tokens): Tokens {
  const length = reader.length();
  const start = reader.pos;
  reader.pos += length;
  if (own?.isPackedAs(reader.bytes, start, reader.pos) === true) return own;
  return reader.unpacker.unpack({ message: reader.view, start, end: reader.pos });
}

/** What may come in many pieces: collected, and joined once at the end, so that reading stays linear. */
class Pieces {
  readonly #fields: Fields;
  readonly #packed: Tokens[] = [];
  readonly #single: number[] = [];
  readonly #versions = new Map<bigint, bigint>();
  /** Ranges of unknown fields, `[start, end, start, end, …]`. */
  readonly #unknown: number[] = [];

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  read(reader: RingReader, field: { readonly tag: number; readonly start: number }): void {
    const { tag } = field;
    if (tag === TOKENS) this.#packed.push(readPackedTokens(reader));
    else if (tag === ONE_TOKEN) this.#single.push(reader.uint32());
    else if (tag === VERSIONS) readVersion(reader, this.#versions);
    else this.#readUnknown(reader, field);
  }

  join(bytes: Uint8Array): void {
    this.#joinTokens();
    if (this.#versions.size > 0) this.#fields.versions = this.#versions;
    if (this.#unknown.length > 0) this.#fields.unknownFields = joinRanges(bytes, this.#unknown);
  }

  #joinTokens(): void {
    if (this.#packed.length === 0 && this.#single.length === 0) return;
    const parts = [this.#fields.tokens, ...this.#packed].map((part) => part.values);
    parts.push(Uint32Array.from(this.#single));
    const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    this.#fields.tokens = Tokens.normalised(all);
  }

  /** A field without a name here: refused when it is a known one of another type, else kept as it came. R-7 */
  #readUnknown(reader: ProtoReader, field: { readonly tag: number; readonly start: number }): void {
    const number = field.tag >>> 3;
    const reserved = RESERVED_FIELDS.has(number);
    if (number <= LAST_KNOWN_FIELD && !reserved) throw wrongType('an instance', field.tag);
    reader.skip(field.tag);
    if (!reserved) this.#unknown.push(field.start, reader.pos);
  }
}

function readVersion(reader: ProtoReader, versions: Map<bigint, bigint>): void {
  const outer = reader.end;
  const length = reader.length();
  reader.end = reader.pos + length;
  let key = 0n;
  let value = 0n;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === NUMBER_KEY) key = reader.uint64();
    else if (tag === NUMBER_VALUE) value = reader.uint64();
    else if (tag >>> 3 <= 2) throw wrongType('an entry of versions', tag);
    else reader.skip(tag);
  }
  reader.end = outer;
  versions.set(key, value);
}

function joinRanges(bytes: Uint8Array, ranges: readonly number[]): Uint8Array {
  let length = 0;
  for (let i = 0; i < ranges.length; i += 2) length += (ranges[i + 1] ?? 0) - (ranges[i] ?? 0);
  const joined = new Uint8Array(length);
  let at = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    const part = bytes.subarray(ranges[i], ranges[i + 1]);
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function wrongType(where: string, tag: number): WireError {
  return new WireError(`field ${tag >>> 3} of ${where} has wire type ${tag & 7}`);
}

function entryLength(instance: InstanceDesc, body: number): number {
  const id = utf8Length(instance.id);
  return 1 + varintLength(id) + id + 1 + varintLength(body) + body;
}

function bodyLength(instance: InstanceDesc): number {
  let length = stringLength(instance.addr);
  if (instance.heartbeatUnixS !== 0) length += 1 + int64Length(instance.heartbeatUnixS);
  if (instance.stateCode !== 0) length += 1 + int64Length(instance.stateCode);
  const packed = instance.tokens.packed.length;
  if (packed > 0) length += 1 + varintLength(packed) + packed;
  length += stringLength(instance.zone);
  if (instance.registeredUnixS !== 0) length += 1 + int64Length(instance.registeredUnixS);
  length += stringLength(instance.encodedId);
  if (instance.readOnlyUpdatedUnixS !== 0) length += 1 + int64Length(instance.readOnlyUpdatedUnixS);
  if (instance.readOnly) length += 2;
  if (instance.versions.size > 0) length += versionsLength(instance.versions);
  return length + instance.unknownFields.length;
}

function versionsLength(versions: ReadonlyMap<bigint, bigint>): number {
  let length = 0;
  for (const [key, value] of versions) length += 2 + versionLength(key, value);
  return length;
}

function stringLength(text: string): number {
  if (text === '') return 0;
  const length = utf8Length(text);
  return 1 + varintLength(length) + length;
}

function versionLength(key: bigint, value: bigint): number {
  return 2 + uint64Length(key) + uint64Length(value);
}

function writeBody(instance: InstanceDesc, out: Uint8Array, from: number): number {
  let at = writeString(ADDR, instance.addr, out, from);
  at = writeNumber(HEARTBEAT, instance.heartbeatUnixS, out, at);
  at = writeNumber(STATE, instance.stateCode, out, at);
  const { packed } = instance.tokens;
  if (packed.length > 0) {
    out[at++] = TOKENS;
    at = writeUint32(packed.length, out, at);
    out.set(packed, at);
    at += packed.length;
  }
  at = writeString(ZONE, instance.zone, out, at);
  at = writeNumber(REGISTERED, instance.registeredUnixS, out, at);
  at = writeString(ID, instance.encodedId, out, at);
  at = writeNumber(READ_ONLY_UPDATED, instance.readOnlyUpdatedUnixS, out, at);
  at = writeNumber(READ_ONLY, instance.readOnly ? 1 : 0, out, at);
  for (const [key, value] of instance.versions) {
    out[at++] = VERSIONS;
    at = writeUint32(versionLength(key, value), out, at);
    out[at++] = NUMBER_KEY;
    at = writeUint64(key, out, at);
    out[at++] = NUMBER_VALUE;
    at = writeUint64(value, out, at);
  }
  out.set(instance.unknownFields, at);
  return at + instance.unknownFields.length;
}

function writeNumber(tag: number, value: number, out: Uint8Array, at: number): number {
  if (value === 0) return at;
  out[at] = tag;
  return writeInt64(value, out, at + 1);
}

function writeString(tag: number, text: string, out: Uint8Array, at: number): number {
  if (text === '') return at;
  out[at] = tag;
  return writeUtf8(text, out, writeUint32(utf8Length(text), out, at + 1));
}
