import { WireError } from '../errors.ts';

/** In the first four bytes of a number of five or more bytes, the bits that say so. */
const FOUR_GO_ON = 0x80808080 | 0;
/** Numbers are 64 bits wide at most, seven of them a byte. */
const MAX_SHIFT = 63;

/** Packed varints: the bytes `[start, end)` of a message. */
export interface PackedTokens {
  readonly message: DataView;
  readonly start: number;
  readonly end: number;
}

/**
 * Decodes packed varints to `values`, from `to` on, where there must be room for as many as there are bytes. Those
 * beyond 32 bits are cut off. R-5
 * @returns the position behind the last one; its complement (`~`) when they are not ascending without duplicates.
 * @throws {WireError} when the last is cut, or one is longer than 10 bytes.
 */
export function unpackTokens(packed: PackedTokens, values: Uint32Array, to: number): number {
  const { message, start, end } = packed;
  const lastOfFive = end - 5;
  let next = to;
  let ascending = true;
  // Never below 0, so that it is compared as an integer; the first token is after nothing.
  let last = 0;
  let at = start;
  for (;;) {
    // Nearly all of the token space takes five bytes, four of which are read at once.
    while (at <= lastOfFive) {
      const four = message.getInt32(at, true);
      const fifth = message.getUint8(at + 4);
      if ((four & FOUR_GO_ON) !== FOUR_GO_ON || fifth > 0x7f) break;
      const low = (four & 0x7f) | ((four >>> 1) & 0x3f80);
      const high = ((four >>> 2) & 0x1fc000) | ((four >>> 3) & 0xfe00000);
      const token = (low | high | (fifth << 28)) >>> 0;
      if (token <= last && next > to) ascending = false;
      last = token;
      values[next++] = token;
      at += 5;
    }
    if (at >= end) return ascending ? next : ~next;
    let byte = message.getUint8(at++);
    let value = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (at >= end) throw new WireError(`token cut off at byte ${end}`);
      if (shift > MAX_SHIFT) throw new WireError(`token of more than 10 bytes at byte ${at}`);
      byte = message.getUint8(at++);
      if (shift < 32) value |= (byte & 0x7f) << shift;
    }
    const token = value >>> 0;
    if (token <= last && next > to) ascending = false;
    last = token;
    values[next++] = token;
  }
}

/** `values` as packed varints. */
export function packTokens(values: Uint32Array): Uint8Array {
  const packed = new Uint8Array(packedLength(values));
  let at = 0;
  for (let i = 0; i < values.length; i++) {
    let rest = values[i] ?? 0;
    for (; rest > 0x7f; rest >>>= 7) packed[at++] = (rest & 0x7f) | 0x80;
    packed[at++] = rest;
  }
  return packed;
}

/** Bytes of `value` (a uint32) as a varint. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

function packedLength(values: Uint32Array): number {
  let length = 0;
  for (let i = 0; i < values.length; i++) length += varintLength(values[i] ?? 0);
  return length;
}
