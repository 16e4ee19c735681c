import { hashOfRange, isAsciiOf } from '@ml/runtime';
import { decodeUtf8 } from '../core/utf8.ts';
import { WireError } from '../errors.ts';

/** Protobuf wire types. */
export const VARINT = 0;
const FIXED64 = 1;
export const BYTES = 2;
const GROUP_START = 3;
const GROUP_END = 4;
const FIXED32 = 5;

/** Deeper groups in unknown fields are refused. */
const MAX_GROUP_DEPTH = 100;
const TWO_32 = 4294967296;
/** Seven bytes of a number are below this. */
const TWO_49 = 2 ** 49;
const INTERN_SLOTS = 8192;
const INTERN_MAX_BYTES = 64;

/** Recently seen short strings by hash: ids, addresses and zones come again with every message. */
const interned: (string | undefined)[] = new Array(INTERN_SLOTS);

/** Reads protobuf fields from `bytes[pos, end)`. Every read checks the end first. */
export class ProtoReader {
  readonly bytes: Buffer;
  // Numbers from the outset: the compiler takes them for small integers.
  pos: number = 0;
  end: number = 0;
  #view: DataView | undefined;

  constructor(bytes: Uint8Array, start: number, end: number) {
    // Only a Buffer compares ranges as fast as memory can be read.
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = start;
    this.end = end;
    this.#view = undefined;
  }

  /** The same bytes; made when first asked for, since most messages bring no tokens that are new. */
  get view(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    this.#view ??= new DataView(buffer, byteOffset, byteLength);
    return this.#view;
  }

  get done(): boolean {
    return this.pos >= this.end;
  }

  /** A field's tag: number times 8 plus wire type. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw new WireError(`field number 0 at byte ${this.pos}`);
    return tag;
  }

  /** A varint cut off at 32 bits, as decoders of uint32 do. */
  uint32(): number {
    const { bytes, end } = this;
    const first = this.pos < end ? (bytes[this.pos] ?? 0) : 0x80;
    if (first < 0x80) {
      this.pos++;
      return first;
    }
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= end) throw new WireError(`number cut off at byte ${end}`);
      const byte = bytes[this.pos++] ?? 0;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new WireError(`number of more than 10 bytes at byte ${this.pos}`);
  }

  /** A signed 64-bit number; beyond 2^53 the nearest that a double holds. */
  int64(): number {
    const { bytes, end } = this;
    let value = 0;
    let scale = 1;
    for (let at = this.pos; at < end && scale < TWO_49; scale *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.pos = at;
        return value;
      }
    }
    const [low, high] = this.#halves();
    return (high | 0) * TWO_32 + low;
  }

  /** An unsigned 64-bit number. */
  uint64(): bigint {
    const [low, high] = this.#halves();
    return (BigInt(high) << 32n) | BigInt(low);
  }

  bool(): boolean {
    const [low, high] = this.#halves();
    return low !== 0 || high !== 0;
  }

  /** The length of what follows, checked against the end. */
  length(): number {
    const value = this.#shortLength();
    if (value >= 0 && value <= this.end - this.pos) return value;
    const [low, high] = value < 0 ? this.#halves() : [value, 0];
    if (high !== 0 || low > this.end - this.pos) {
      throw new WireError(
        `length ${high * TWO_32 + low} at byte ${this.pos} with ${this.end - this.pos} bytes left`,
      );
    }
    return low;
  }

  /** A text, the same object as `guess` where that is what it says. */
  string(guess: string = ''): string {
    const length = this.length();
    const start = this.pos;
    this.pos += length;
    if (isAsciiOf(guess, this.bytes, start, this.pos)) return guess;
    return length > INTERN_MAX_BYTES
      ? decodeUtf8(this.bytes, start, this.pos)
      : intern(this.bytes, start, this.pos);
  }

  /** Skips the value of a field whose tag was just read. */
  skip(tag: number): void {
    this.#skip(tag, 0);
  }

  #skip(tag: number, depth: number): void {
    switch (tag & 7) {
      case VARINT:
        this.uint32();
        return;
      case FIXED64:
        this.#advance(8);
        return;
      case BYTES:
        this.#advance(this.length());
        return;
      case FIXED32:
        this.#advance(4);
        return;
      case GROUP_START:
        this.#skipGroup(tag >>> 3, depth + 1);
        return;
      default:
        throw new WireError(`wire type ${tag & 7} of field ${tag >>> 3} at byte ${this.pos}`);
    }
  }

  #skipGroup(field: number, depth: number): void {
    if (depth > MAX_GROUP_DEPTH) throw new WireError(`groups nested over ${MAX_GROUP_DEPTH} deep`);
    for (;;) {
      const tag = this.tag();
      if ((tag & 7) !== GROUP_END) this.#skip(tag, depth);
      else if (tag >>> 3 === field) return;
      else throw new WireError(`group ${field} ends as group ${tag >>> 3}`);
    }
  }

  /** A length of up to three bytes; -1 when it is longer, and is then still to be read. */
  #shortLength(): number {
    const { bytes, end, pos } = this;
    if (pos + 3 > end) return -1;
    const first = bytes[pos] ?? 0;
    if (first < 0x80) {
      this.pos = pos + 1;
      return first;
    }
    const second = bytes[pos + 1] ?? 0;
    if (second < 0x80) {
      this.pos = pos + 2;
      return (first & 0x7f) | (second << 7);
    }
    const third = bytes[pos + 2] ?? 0;
    if (third > 0x7f) return -1;
    this.pos = pos + 3;
    return (first & 0x7f) | ((second & 0x7f) << 7) | (third << 14);
  }

  #advance(count: number): void {
    if (count > this.end - this.pos) throw new WireError(`value cut off at byte ${this.end}`);
    this.pos += count;
  }

  #halves(): readonly [low: number, high: number] {
    const { bytes, end } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.pos >= end) throw new WireError(`number cut off at byte ${end}`);
      const byte = bytes[this.pos++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) return [low >>> 0, high >>> 0];
    }
    throw new WireError(`number of more than 10 bytes at byte ${this.pos}`);
  }
}

/** Bytes of `value` as an int64 varint. */
export function int64Length(value: number): number {
  if (value < 0) return 10;
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return Math.min(length, 9);
}

/** Writes an integer as an int64 varint, clamped to the range of int64, and returns the position behind it. */
export function writeInt64(value: number, into: Uint8Array, at: number): number {
  let to = at;
  if (value >= 0 && value < 2 ** 53) {
    let rest = value;
    while (rest >= 128) {
      into[to++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    into[to++] = rest;
    return to;
  }
  const clamped =
    value >= 2 ** 63 ? 2n ** 63n - 1n : value < -(2 ** 63) ? -(2n ** 63n) : BigInt(value);
  return writeUint64(BigInt.asUintN(64, clamped), into, at);
}

/** Bytes of `value` as a varint. */
export function uint64Length(value: bigint): number {
  let length = 1;
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) length++;
  return length;
}

/** Writes an unsigned 64-bit varint and returns the position behind it. */
export function writeUint64(value: bigint, into: Uint8Array, at: number): number {
  let to = at;
  let rest = value;
  while (rest > 0x7fn) {
    into[to++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  into[to++] = Number(rest);
  return to;
}

/** Writes an unsigned 32-bit varint and returns the position behind it. */
export function writeUint32(value: number, into: Uint8Array, at: number): number {
  let to = at;
  let rest = value;
  while (rest > 0x7f) {
    into[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[to++] = rest;
  return to;
}

function intern(bytes: Uint8Array, start: number, end: number): string {
  const slot = hashOfRange(bytes, start, end) & (INTERN_SLOTS - 1);
  const known = interned[slot];
  if (known !== undefined && isAsciiOf(known, bytes, start, end)) return known;
  const text = decodeUtf8(bytes, start, end);
  interned[slot] = text;
  return text;
}
