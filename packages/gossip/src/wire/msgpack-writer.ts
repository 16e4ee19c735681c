import { assert } from '@ml/runtime';

const utf8 = new TextEncoder();
/** Longer byte strings are copied by the platform. */
const SHORT_BYTES = 48;
/** Short messages are cut one after the other from buffers of this size: a buffer for each costs more than the message. */
const SLAB_BYTES = 16_384;
/** Messages that may be longer get a buffer of their own. */
const SHARING_BYTES = 2048;

let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/** The UTF-8 bytes of each key, with the raw header in front: what {@link MsgpackWriter.key} writes. */
export function keyBytes(key: string): Uint8Array {
  const bytes = utf8.encode(key);
  assert(bytes.length < 32, 'a key of the protocol has less than 32 bytes');
  return Uint8Array.of(0xa0 | bytes.length, ...bytes);
}

/** An upper bound of what a name takes, header included. */
export function nameBound(name: string): number {
  return 5 + name.length * 3;
}

/** An upper bound of what a byte string takes, header included. */
export function bytesBound(bytes: Uint8Array | undefined): number {
  return 5 + (bytes === undefined ? 0 : bytes.length);
}

/**
 * Writes the msgpack dialect of the protocol, byte for byte as the Go peer: strings and byte strings both as "raw",
 * the shortest integers, signed and unsigned fields in their own forms.
 *
 * Takes an upper bound of the size and checks it nowhere else. One writer is in use at a time.
 */
export class MsgpackWriter {
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly stop: number;
  private position: number;

  constructor(boundBytes: number) {
    if (boundBytes > SHARING_BYTES) {
      this.bytes = new Uint8Array(boundBytes);
      this.start = 0;
    } else {
      if (slabUsed + boundBytes > SLAB_BYTES) {
        slab = new Uint8Array(SLAB_BYTES);
        slabUsed = 0;
      }
      this.bytes = slab;
      this.start = slabUsed;
    }
    this.position = this.start;
    this.stop = this.start + boundBytes;
  }

  /** What was written; nobody else writes to it. */
  finish(): Uint8Array {
    assert(this.position <= this.stop, 'the bound covers what is written');
    if (this.bytes === slab) slabUsed = this.position;
    return this.bytes.subarray(this.start, this.position);
  }

  byte(value: number): void {
    this.bytes[this.position] = value;
    this.position += 1;
  }

  /** A map of up to 15 entries. */
  mapHeader(entries: number): void {
    this.byte(0x80 | entries);
  }

  /** Bytes of {@link keyBytes}. */
  key(key: Uint8Array): void {
    const { bytes, position } = this;
    const { length } = key;
    for (let i = 0; i < length; i += 1) bytes[position + i] = key[i] as number;
    this.position = position + length;
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** An unsigned field: 0 to 2^32 − 1. */
  uint(value: number): void {
    assert(value >>> 0 === value, 'an unsigned field holds a 32-bit number');
    if (value < 0x80) this.byte(value);
    else if (value < 0x100) this.tagged(0xcc, value, 1);
    else if (value < 0x10000) this.tagged(0xcd, value, 2);
    else this.tagged(0xce, value, 4);
  }

  /** A signed field, which takes the signed forms also for what is not negative. */
  int(value: number): void {
    assert(Number.isSafeInteger(value), 'a signed field holds a safe integer');
    if (value >= -32 && value < 0x80) this.byte(value & 255);
    else if (value >= -0x80 && value < 0) this.tagged(0xd0, value, 1);
    else if (value >= -0x8000 && value < 0x8000) this.tagged(0xd1, value, 2);
    else if (value === (value | 0)) this.tagged(0xd2, value, 4);
    else {
      this.tagged(0xd3, Math.floor(value / 2 ** 32), 4);
      this.fixed(value % 2 ** 32, 4);
    }
  }

  /** A byte string; undefined is nil. */
  raw(value: Uint8Array | undefined): void {
    if (value === undefined) {
      this.byte(0xc0);
      return;
    }
    this.rawHeader(value.length);
    this.append(value);
  }

  name(value: string): void {
    const { bytes } = this;
    const { length } = value;
    const before = this.position;
    this.rawHeader(length);
    const at = this.position;
    for (let i = 0; i < length; i += 1) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.position = before;
        this.raw(utf8.encode(value));
        return;
      }
      bytes[at + i] = code;
    }
    this.position = at + length;
  }

  /** Bytes as they are, without a header. */
  append(value: Uint8Array): void {
    const { bytes, position } = this;
    const { length } = value;
    if (length > SHORT_BYTES) bytes.set(value, position);
    else for (let i = 0; i < length; i += 1) bytes[position + i] = value[i] as number;
    this.position = position + length;
  }

  private rawHeader(length: number): void {
    if (length < 32) this.byte(0xa0 | length);
    else if (length < 0x10000) this.tagged(0xda, length, 2);
    else this.tagged(0xdb, length, 4);
  }

  private tagged(tag: number, value: number, width: number): void {
    this.byte(tag);
    this.fixed(value, width);
  }

  private fixed(value: number, width: number): void {
    for (let shift = width * 8 - 8; shift >= 0; shift -= 8) this.byte((value >>> shift) & 255);
  }
}
