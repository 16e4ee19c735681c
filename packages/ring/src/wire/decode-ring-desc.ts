import { isAsciiOf } from '@ml/runtime';
import { RingDesc } from '../core/desc.ts';
import { InstanceDesc, type InstanceFields, isReplaced } from '../core/instance.ts';
import { STATE_CODES } from '../core/instance-state.ts';
import { TokenUnpacker } from '../core/token-unpacker.ts';
import { Tokens } from '../core/tokens.ts';
import { WireError } from '../errors.ts';
import { ProtoReader } from './proto.ts';
import {
  ADDR,
  HEARTBEAT,
  ID,
  INSTANCES,
  KEY,
  LAST_KNOWN_FIELD,
  NUMBER_KEY,
  NUMBER_VALUE,
  ONE_TOKEN,
  READ_ONLY,
  READ_ONLY_UPDATED,
  REGISTERED,
  RESERVED_FIELDS,
  STATE,
  TOKENS,
  VALUE,
  VERSIONS,
  ZONE,
} from './ring-desc-tags.ts';

const noVersions: ReadonlyMap<bigint, bigint> = new Map();
const noBytes = new Uint8Array(0);

type Fields = { -readonly [K in keyof InstanceFields]: InstanceFields[K] };

/** Shorter messages hold a few entries of a ring only; see {@link Entries}. */
const LIKELY_ENTRY_BYTES = 64;

/**
 * Reads `ring.Desc`. Nothing of `bytes` is kept. Entries that a merge into `known` would not take are read over, and
 * stand in the result as they are known; from the others what is known already is taken over, so that tokens are
 * compared byte by byte and decoded only when they differ. What merging the result into `known` brings is the same
 * without.
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
    const end = reader.pos + length;
    reader.end = end;
    let id = '';
    let at = -1;
    let valueAt = -1;
    let own: InstanceDesc | undefined;
    let record: InstanceDesc | undefined;
    while (!reader.done) {
      const tag = reader.tag();
      if (tag === KEY) {
        at = this.#passKnownId(reader);
        own = this.#instances[at];
        id = own?.id ?? reader.string();
        if (own === undefined) {
          at = this.#known.positionOf(id);
          own = this.#instances[at];
        }
        this.#next = at + 1;
      } else if (tag === VALUE) {
        valueAt = reader.pos;
        record = readInstance(reader, id, own);
      } else if (tag >>> 3 <= 2) throw wrongType('an entry of ingesters', tag);
      else reader.skip(tag);
    }
    if (record === undefined) record = finishInstance(clear(draft), id, own);
    else if (record.id !== id) {
      // The key counts that came last, be it behind the value.
      reader.pos = valueAt;
      record = readInstance(reader, id, own);
      reader.pos = end;
    }
    reader.end = outer;
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

  /** Where the id stands that comes next; -1, with the id still to be read, when that is not found out so soon. */
  #passKnownId(reader: RingReader): number {
    const { bytes, pos } = reader;
    const length = reader.length();
    const start = reader.pos;
    const end = start + length;
    reader.pos = end;
    const next = this.#instances[this.#next];
    if (next !== undefined && isAsciiOf(next.id, bytes, start, end)) return this.#next;
    const at = this.#slots === undefined ? -1 : this.#known.layout.idIndex.find(bytes, start, end);
    if (at < 0) reader.pos = pos;
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

/** The entry of `id`; `own` itself when a merge would leave that as it is. */
function readInstance(reader: RingReader, id: string, own: InstanceDesc | undefined): InstanceDesc {
  const outer = reader.end;
  const length = reader.length();
  const start = reader.pos;
  reader.end = start + length;
  if (own !== undefined && isPassedOver(own, reader)) {
    reader.end = outer;
    return own;
  }
  reader.pos = start;
  const fields = clear(draft);
  let pieces: Pieces | undefined;
  while (!reader.done) {
    const at = reader.pos;
    const tag = reader.tag();
    if (!readField(reader, tag, fields, own)) {
      pieces ??= new Pieces(fields);
      pieces.read(reader, { tag, start: at });
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
  return own !== undefined && !isReplaced(own, fields) ? own : new InstanceDesc(fields);
}

/**
 * Whether merging the entry would leave `own` as it is; then nothing else in it matters. False also when it has fields
 * that few writers know, or when its tokens are cut off: reading them will tell. R-10
 */
function isPassedOver(own: InstanceDesc, reader: RingReader): boolean {
  let heartbeatUnixS = 0;
  let stateCode = 0;
  while (!reader.done) {
    const tag = reader.tag();
    switch (tag) {
      case HEARTBEAT:
        heartbeatUnixS = reader.int64();
        break;
      case STATE:
        stateCode = reader.uint32() | 0;
        break;
      case TOKENS:
        reader.skip(tag);
        if ((reader.bytes[reader.pos - 1] ?? 0) > 0x7f) return false;
        break;
      case ADDR:
      case ZONE:
      case REGISTERED:
      case ID:
      case READ_ONLY_UPDATED:
      case READ_ONLY:
        reader.skip(tag);
        break;
      default:
        return false;
    }
  }
  return !isReplaced(own, { heartbeatUnixS, stateCode });
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
