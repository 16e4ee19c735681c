import { WireError } from './errors.ts';

// Variable-width LZW as in GIF, without its early change: least significant bit first, 8-bit literals.
const CLEAR = 256;
const END = 257;
const MIN_WIDTH = 9;
const MAX_WIDTH = 12;
const CODES = 1 << MAX_WIDTH;
/** The encoder starts over before it uses the last code. */
const LAST_CODE = CODES - 1;

/** What nothing becomes: a clear code and an end code. */
const EMPTY: Uint8Array = Uint8Array.of(0x00, 0x03, 0x02);

const SLOT_BITS = 14;
/** Short inputs fill few slots: these lie closer together, which spares the processor's cache. */
const SHORT_SLOT_BITS = 12;
const SHORT_BYTES = 1 << (SHORT_SLOT_BITS - 1);
/** The encoder's dictionary, open hashing: (prefix code << 8 | byte) << 12 | code; 0 is free. */
const longSlots = new Int32Array(1 << SLOT_BITS);
const shortSlots = new Int32Array(1 << SHORT_SLOT_BITS);

/** The decoder's dictionary: where in the output the string of each code stands, and how long it is. */
const starts = new Uint32Array(CODES);
const lengths = new Uint16Array(CODES);

/** Where short outputs are made, so that only their own length is allocated. Never read before it is written. */
const SCRATCH_BYTES = 16_384;
const scratch = new Uint8Array(SCRATCH_BYTES);

/**
 * Compresses like Go's compress/lzw (LSB order, 8 bits), byte for byte. Gives up with undefined as soon as the
 * output would exceed `maxBytes`; without it there is always an output.
 */
export function lzwEncode(bytes: Uint8Array): Uint8Array;
export function lzwEncode(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined;
export function lzwEncode(
  bytes: Uint8Array,
  maxBytes: number = Number.POSITIVE_INFINITY,
): Uint8Array | undefined {
  const packed = lzwEncodeView(bytes, maxBytes);
  return packed?.buffer === scratch.buffer ? packed.slice() : packed;
}

/** {@link lzwEncode} for a caller who copies: the next call may overwrite the result. */
export function lzwEncodeView(bytes: Uint8Array): Uint8Array;
export function lzwEncodeView(bytes: Uint8Array, maxBytes: number): Uint8Array | undefined;
export function lzwEncodeView(
  bytes: Uint8Array,
  maxBytes: number = Number.POSITIVE_INFINITY,
): Uint8Array | undefined {
  const length = bytes.length;
  if (length === 0) return maxBytes < EMPTY.length ? undefined : EMPTY.slice();
  // 12 bits for each byte at worst, and a clear code now and then.
  const worst = 8 + length + (length >>> 1) + (length >>> 10);
  const bound = Math.min(worst, maxBytes + 8);
  const out = bound <= SCRATCH_BYTES ? scratch : new Uint8Array(bound);
  const count = encodeInto(bytes, out, maxBytes);
  return count > maxBytes ? undefined : out.subarray(0, count);
}

/** The bytes written, or more than `maxBytes` when they do not suffice; `out` has 8 to spare. */
function encodeInto(bytes: Uint8Array, out: Uint8Array, maxBytes: number): number {
  const length = bytes.length;
  const slots = length <= SHORT_BYTES ? shortSlots : longSlots;
  const slotShift = length <= SHORT_BYTES ? 32 - SHORT_SLOT_BITS : 32 - SLOT_BITS;
  const slotMask = slots.length - 1;
  slots.fill(0);
  let at = 0;
  let bits: number = CLEAR;
  let bitCount = MIN_WIDTH;
  let width = MIN_WIDTH;
  let highest = END;
  let code = bytes[0] as number;
  for (let i = 1; i < length && at <= maxBytes; i += 1) {
    const byte = bytes[i] as number;
    const key = (code << 8) | byte;
    let slot = Math.imul(key, 0x9e3779b1) >>> slotShift;
    let entry = slots[slot] as number;
    while (entry !== 0 && entry >>> 12 !== key) {
      slot = (slot + 1) & slotMask;
      entry = slots[slot] as number;
    }
    if (entry !== 0) {
      code = entry & LAST_CODE;
      continue;
    }
    bits |= code << bitCount;
    bitCount += width;
    // The byte that ended the string starts the next one.
    code = byte;
    highest += 1;
    // Two bytes at a time: at most 15 bits wait, and a code has at most 12, which fit into 32 together.
    if (bitCount >= 16) {
      out[at] = bits;
      out[at + 1] = bits >>> 8;
      at += 2;
      bits >>>= 16;
      bitCount -= 16;
    }
    if (highest < LAST_CODE) {
      slots[slot] = (key << 12) | highest;
      if (highest === 1 << width) width += 1;
      continue;
    }
    bits |= CLEAR << bitCount;
    for (bitCount += MAX_WIDTH; bitCount >= 8; bitCount -= 8) {
      out[at++] = bits;
      bits >>>= 8;
    }
    slots.fill(0);
    width = MIN_WIDTH;
    highest = END;
  }
  if (at > maxBytes) return at;
  return at + encodeEnd({ out, at, bits, bitCount, width, highest, code });
}

/** The string that was not written yet, and the end code. Returns how many bytes they take. */
function encodeEnd(state: {
  readonly out: Uint8Array;
  readonly at: number;
  readonly bits: number;
  readonly bitCount: number;
  readonly width: number;
  readonly highest: number;
  readonly code: number;
}): number {
  const { out, at, width, code } = state;
  const highest = state.highest + 1;
  let { bits, bitCount } = state;
  let count = 0;
  const put = (value: number, valueWidth: number): void => {
    bits |= value << bitCount;
    bitCount += valueWidth;
    for (; bitCount >= 8; bitCount -= 8) {
      out[at + count++] = bits;
      bits >>>= 8;
    }
  };
  put(code, width);
  let endWidth = highest === 1 << width ? width + 1 : width;
  if (highest === LAST_CODE) {
    put(CLEAR, MAX_WIDTH);
    endWidth = MIN_WIDTH;
  }
  put(END, endWidth);
  if (bitCount > 0) out[at + count++] = bits;
  return count;
}

/**
 * Undoes {@link lzwEncode}. What follows the end code is ignored.
 * @throws WireError `bad_lzw` for damaged or cut input, `too_large` when the output would exceed `maxBytes`
 */
export function lzwDecode(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const end = bytes.length;
  const expected = end * 3;
  let out: Uint8Array =
    Math.min(maxBytes, expected) <= SCRATCH_BYTES
      ? scratch.subarray(0, Math.min(maxBytes, SCRATCH_BYTES))
      : new Uint8Array(Math.min(maxBytes, expected));
  let done = 0;
  let at = 0;
  let bits = 0;
  let bitCount = 0;
  let width = MIN_WIDTH;
  let highest = END;
  // The string of the code before, as it stands in the output; length 0 when there is none.
  let lastStart = 0;
  let lastLength = 0;
  for (;;) {
    if (bitCount < width && at + 1 < end) {
      bits |= ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) << bitCount;
      at += 2;
      bitCount += 16;
    }
    while (bitCount < width) {
      if (at >= end) throw new WireError('bad_lzw', `lzw: ${end} bytes end before the end code`);
      bits |= (bytes[at] as number) << bitCount;
      at += 1;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;
    if (code === END) return ended(out, done);
    if (code === CLEAR) {
      width = MIN_WIDTH;
      highest = END;
      lastLength = 0;
      continue;
    }
    if (code > highest) {
      const before = at - (bitCount >> 3);
      throw new WireError(
        'bad_lzw',
        `lzw: code ${code} before byte ${before}, highest is ${highest}`,
      );
    }
    let start = 0;
    let length = 1;
    if (code >= CLEAR) {
      const repeats = code === highest && lastLength > 0;
      start = repeats ? lastStart : (starts[code] as number);
      length = repeats ? lastLength + 1 : (lengths[code] as number);
    }
    if (done + length > out.length) out = grow(out, done + length, maxBytes);
    if (code < CLEAR) out[done] = code;
    else if (length > 64 && start + length <= done) out.copyWithin(done, start, start + length);
    // Forwards, because a repeating string ends with its own first byte.
    else for (let i = 0; i < length; i += 1) out[done + i] = out[start + i] as number;
    if (lastLength > 0) {
      // The new string is the last one and the first byte of this one: they stand side by side.
      starts[highest] = lastStart;
      lengths[highest] = lastLength + 1;
    }
    lastStart = done;
    lastLength = length;
    done += length;
    highest += 1;
    if (highest < 1 << width) continue;
    if (width < MAX_WIDTH) {
      width += 1;
    } else {
      // The table is full: no more strings until a clear code.
      lastLength = 0;
      highest -= 1;
    }
  }
}

function ended(out: Uint8Array, length: number): Uint8Array {
  return out.buffer === scratch.buffer ? out.slice(0, length) : out.subarray(0, length);
}

function grow(out: Uint8Array, needed: number, maxBytes: number): Uint8Array {
  if (needed > maxBytes) {
    throw new WireError('too_large', `lzw: the output exceeds the limit of ${maxBytes} bytes`);
  }
  const larger = new Uint8Array(Math.min(maxBytes, Math.max(needed, out.length * 2)));
  larger.set(out);
  return larger;
}
