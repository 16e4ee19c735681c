import { hashOfRange, isAsciiOf } from '@ml/runtime';
import { WireError } from '../errors.ts';

/** Wire types of protobuf: how the bytes after a tag are laid out. */
export const WIRE_TYPE = {
  varint: 0,
  fixed64: 1,
  bytes: 2,
  startGroup: 3,
  endGroup: 4,
  fixed32: 5,
} as const;

/** Groups inside groups are followed this deep when they are skipped. */
const MAX_GROUP_DEPTH = 64;
const TWO_32 = 2 ** 32;

/** Texts of up to this many bytes are looked for among the recent ones first: keys and codecs come again and again. */
const MAX_RECENT_BYTES = 64;
const RECENT_TEXTS = 256;
const recentTexts: (string | undefined)[] = new Array(RECENT_TEXTS).fill(undefined);

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Reads one protobuf message. Every method throws {@link WireError} instead of reading past the end. */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #tagAt = 0;
  /** Number and wire type of the field that {@link nextField} found. */
  field: number = 0;
  wireType: number = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Moves to the next field; false at the end of the message. */
  nextField(): boolean {
    if (this.#at >= this.#bytes.length) return false;
    this.#tagAt = this.#at;
    const tag = this.#uint32();
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    if (this.field === 0) throw new WireError(`field number 0 at byte ${this.#tagAt}`);
    return true;
  }

  /** The field's bytes, not copied. */
  bytes(): Uint8Array {
    this.#expect(WIRE_TYPE.bytes);
    return this.#take(this.#length());
  }

  /** @throws {WireError} also when the text is not UTF-8, so that two different byte strings never look the same. */
  text(): string {
    this.#expect(WIRE_TYPE.bytes);
    const length = this.#length();
    if (length > MAX_RECENT_BYTES) return this.#decode(this.#take(length));
    const start = this.#at;
    const end = start + length;
    const slot = hashOfRange(this.#bytes, start, end) & (RECENT_TEXTS - 1);
    const recent = recentTexts[slot];
    if (recent !== undefined && isAsciiOf(recent, this.#bytes, start, end)) {
      this.#at = end;
      return recent;
    }
    const text = this.#decode(this.#take(length));
    recentTexts[slot] = text;
    return text;
  }

  #decode(bytes: Uint8Array): string {
    try {
      return decoder.decode(bytes);
    } catch (error) {
      throw new WireError(`field ${this.field} is not UTF-8`, { cause: error });
    }
  }

  bool(): boolean {
    this.#expect(WIRE_TYPE.varint);
    return this.#varint() !== 0n;
  }

  uint64(): bigint {
    this.#expect(WIRE_TYPE.varint);
    return this.#varint();
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  /** An int64 as a number; beyond ±(2^53 − 1) the nearest safe integer. */
  clampedInt64(): number {
    const value = Number(this.int64());
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
  }

  /** Passes over the field and returns its bytes with its tag, not copied: to be kept and written again. */
  skip(): Uint8Array {
    this.#skip(this.field, this.wireType, 0);
    return this.#bytes.subarray(this.#tagAt, this.#at);
  }

  #skip(field: number, wireType: number, depth: number): void {
    switch (wireType) {
      case WIRE_TYPE.varint:
        this.#varint();
        return;
      case WIRE_TYPE.fixed64:
        this.#take(8);
        return;
      case WIRE_TYPE.bytes:
        this.#take(this.#length());
        return;
      case WIRE_TYPE.fixed32:
        this.#take(4);
        return;
      case WIRE_TYPE.startGroup:
        this.#skipGroup(field, depth);
        return;
      default:
        throw new WireError(`field ${field} has wire type ${wireType}, which starts no field`);
    }
  }

  #skipGroup(group: number, depth: number): void {
    if (depth >= MAX_GROUP_DEPTH) throw new WireError(`groups nested deeper than ${depth}`);
    for (;;) {
      const tag = this.#uint32();
      const field = tag >>> 3;
      const wireType = tag & 7;
      if (wireType !== WIRE_TYPE.endGroup) this.#skip(field, wireType, depth + 1);
      else if (field === group) return;
      else throw new WireError(`group ${group} ends as group ${field}`);
    }
  }

  #expect(wireType: number): void {
    if (this.wireType === wireType) return;
    throw new WireError(`field ${this.field} has wire type ${this.wireType}, not ${wireType}`);
  }

  #length(): number {
    const length = this.#uint32();
    const left = this.#bytes.length - this.#at;
    if (length > left) {
      throw new WireError(`field ${this.field} claims ${length} bytes; ${left} are left`);
    }
    return length;
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#cut();
    const from = this.#at;
    this.#at += length;
    return this.#bytes.subarray(from, this.#at);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw this.#cut();
    this.#at += 1;
    return byte;
  }

  /** A varint that must fit in 32 bits: tags and lengths. */
  #uint32(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 36; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte >= 128) continue;
      if (value < TWO_32) return value;
      break;
    }
    throw new WireError(`a tag or length before byte ${this.#at} is larger than 32 bits`);
  }

  #varint(): bigint {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      const bits = byte & 127;
      if (shift < 28) low += bits * 2 ** shift;
      else high += bits * 2 ** (shift - 28);
      if (byte < 128) return BigInt.asUintN(64, (BigInt(high) << 28n) | BigInt(low));
    }
    throw new WireError(`the number before byte ${this.#at} is longer than 10 bytes`);
  }

  #cut(): WireError {
    return new WireError(`the message is cut after ${this.#bytes.length} bytes`);
  }
}

/** Writes one protobuf message in proto3's canonical way: defaults are left out by the caller's choice of methods. */
export class ProtobufWriter {
  #out: Uint8Array;
  #at = 0;

  /** `expectedBytes`: how long the message will be, roughly; it grows as needed. */
  constructor(expectedBytes = 64) {
    this.#out = new Uint8Array(expectedBytes);
  }

  /** Writes `text` unless it is empty. */
  text(field: number, text: string): this {
    if (text === '') return this;
    if (!isShortAscii(text)) return this.bytes(field, encoder.encode(text));
    this.#tag(field, WIRE_TYPE.bytes);
    this.#number(text.length);
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i += 1) this.#out[this.#at + i] = text.charCodeAt(i);
    this.#at += text.length;
    return this;
  }

  /** Writes `bytes` also when there are none: fields of messages count by their presence. */
  bytes(field: number, bytes: Uint8Array): this {
    this.#tag(field, WIRE_TYPE.bytes);
    this.#number(bytes.length);
    return this.raw(bytes);
  }

  /** Writes a bool, int64 or uint64 unless it is 0. */
  varint(field: number, value: bigint): this {
    if (value === 0n) return this;
    this.#tag(field, WIRE_TYPE.varint);
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      this.#byte(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
    return this;
  }

  /** Writes whole fields, as {@link ProtobufReader.skip} returned them. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#out.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** What was written so far, not copied. */
  finish(): Uint8Array {
    return this.#out.subarray(0, this.#at);
  }

  #tag(field: number, wireType: number): void {
    this.#number(field * 8 + wireType);
  }

  #number(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.#byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#out[this.#at] = byte;
    this.#at += 1;
  }

  #reserve(length: number): void {
    if (this.#at + length <= this.#out.length) return;
    const grown = new Uint8Array(Math.max(this.#out.length * 2, this.#at + length));
    grown.set(this.#out.subarray(0, this.#at));
    this.#out = grown;
  }
}

function isShortAscii(text: string): boolean {
  if (text.length > MAX_RECENT_BYTES) return false;
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 127) return false;
  return true;
}
