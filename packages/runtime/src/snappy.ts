import { MlError } from './errors.ts';

/** Bytes that are not one whole snappy block, or one that is larger than the caller allows. */
export class SnappyError extends MlError<'ML_SNAPPY'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_SNAPPY', message, options);
  }
}

/** How {@link snappyDecode} bounds its output, and where it puts it. */
export interface SnappyDecodeOptions {
  /** The largest decoded length to accept, in bytes. */
  readonly maxBytes: number;
  /** Where to decode to when it is long enough; the result is then a view of it. Default: new memory. */
  readonly into?: Uint8Array;
}

/** The format's own limit: the decoded length is an unsigned 32-bit number. */
const MAX_BLOCK_BYTES = 0xffffffff;
/** Matches are looked for inside pieces of this size, so that an offset fits in two bytes. */
const PIECE_BYTES = 65_536;
/** Shorter pieces are not worth a table. */
const MIN_MATCHED_BYTES = 17;
/** The last bytes of a piece are always literals, so the matcher may read four at once. */
const TAIL_BYTES = 15;
/** From here on {@link snappyEncode} tries samples first. */
const SAMPLED_FROM_BYTES = 16_384;
const SAMPLE_BYTES = 4096;
const SAMPLES = 3;
/** Matching what shrinks less, as rings of many tokens do, takes longer than sending what it would spare. */
const WORTH_ITS_TIME = 8;
/** The decoded length, in front of a block. */
const MAX_LENGTH_BYTES = 5;
/** What stands in front of the bytes of a literal of up to {@link PIECE_BYTES}. */
const MAX_LITERAL_TAG_BYTES = 3;
/** No element makes more than 64 bytes out of 3. */
const MAX_EXPANSION = 22;

const TABLE_BITS = 14;
/** Position of the last four bytes of each hash, within the piece. Refilled for each piece. */
const table = new Uint16Array(1 << TABLE_BITS);
const scratch = new Uint8Array(worstCase(SAMPLE_BYTES));

/**
 * `bytes` as one snappy block (no framing). Large input whose samples do not shrink is stored as literals,
 * which every decoder accepts.
 * @throws SnappyError when `bytes` is longer than a block can be
 */
export function snappyEncode(bytes: Uint8Array): Uint8Array {
  const length = bytes.length;
  if (length > MAX_BLOCK_BYTES) {
    throw new SnappyError(`snappy: ${length} bytes do not fit in one block of ${MAX_BLOCK_BYTES}`);
  }
  if (length >= SAMPLED_FROM_BYTES && !samplesShrink(bytes)) return encodeLiterals(bytes);
  const most = worstCase(length);
  const fits = most <= scratch.length;
  const out = fits ? scratch : new Uint8Array(most);
  let at = writeLength(out, length);
  for (let start = 0; start < length; start += PIECE_BYTES) {
    const end = Math.min(length, start + PIECE_BYTES);
    at = encodePiece(bytes, { start, end }, out, at);
  }
  return fits ? out.slice(0, at) : out.subarray(0, at);
}

/** `bytes` as they are, in memory of just the length that takes. */
function encodeLiterals(bytes: Uint8Array): Uint8Array {
  const length = bytes.length;
  const pieces = Math.ceil(length / PIECE_BYTES);
  const out = new Uint8Array(MAX_LENGTH_BYTES + length + pieces * MAX_LITERAL_TAG_BYTES);
  let at = writeLength(out, length);
  for (let start = 0; start < length; start += PIECE_BYTES) {
    at = writeLiteral(bytes, { start, end: Math.min(length, start + PIECE_BYTES) }, out, at);
  }
  return out.subarray(0, at);
}

/**
 * The bytes of one snappy block (no framing). Memory is taken only for what the block can really hold.
 * @throws SnappyError when the block is damaged, cut, or longer than `maxBytes` when decoded
 */
export function snappyDecode(bytes: Uint8Array, options: SnappyDecodeOptions): Uint8Array {
  const end = bytes.length;
  let at = 0;
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at];
    if (byte === undefined) throw new SnappyError('snappy: the length at the start is cut');
    at += 1;
    length += (byte & 127) * scale;
    if (length > MAX_BLOCK_BYTES || at > 5) {
      throw new SnappyError('snappy: the length at the start is not a 32-bit number');
    }
    if (byte < 128) break;
  }
  if (length > options.maxBytes) {
    throw new SnappyError(
      `snappy: the block decodes to ${length} bytes, more than the limit of ${options.maxBytes}`,
    );
  }
  if (length > (end - at) * MAX_EXPANSION) {
    throw new SnappyError(`snappy: ${end - at} bytes cannot decode to the ${length} announced`);
  }
  const { into } = options;
  const out =
    into === undefined || into.length < length ? new Uint8Array(length) : into.subarray(0, length);
  decodeElements(bytes, at, out);
  return out;
}

function decodeElements(bytes: Uint8Array, from: number, out: Uint8Array): void {
  const end = bytes.length;
  const limit = out.length;
  let at = from;
  let done = 0;
  while (at < end) {
    const tag = bytes[at] ?? 0;
    at += 1;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    if (kind === 0) {
      if (length > 60) {
        const width = length - 60;
        if (at + width > end) throw cut(at);
        length = readLittle(bytes, at, width) + 1;
        at += width;
      }
      if (length > end - at) throw cut(at);
      if (length > limit - done) throw tooMuch(at, limit);
      if (length < 32) {
        for (let i = 0; i < length; i += 1) out[done + i] = bytes[at + i] ?? 0;
      } else {
        out.set(bytes.subarray(at, at + length), done);
      }
      at += length;
      done += length;
      continue;
    }
    let offset: number;
    if (kind === 1) {
      if (at >= end) throw cut(at);
      length = 4 + ((tag >>> 2) & 7);
      offset = ((tag >>> 5) << 8) | (bytes[at] ?? 0);
      at += 1;
    } else {
      const width = kind === 2 ? 2 : 4;
      if (at + width > end) throw cut(at);
      offset = readLittle(bytes, at, width);
      at += width;
    }
    if (offset === 0 || offset > done) {
      throw new SnappyError(`snappy: the copy before byte ${at} reaches back ${offset} of ${done}`);
    }
    if (length > limit - done) throw tooMuch(at, limit);
    // Source and target may overlap on purpose: that is how a run is written.
    for (const stop = done + length; done < stop; done += 1) out[done] = out[done - offset] ?? 0;
  }
  if (done !== limit) {
    throw new SnappyError(`snappy: the block ends after ${done} of ${limit} bytes`);
  }
}

function cut(at: number): SnappyError {
  return new SnappyError(`snappy: the input ends inside the element before byte ${at}`);
}

function tooMuch(at: number, limit: number): SnappyError {
  return new SnappyError(`snappy: the element before byte ${at} exceeds the ${limit} announced`);
}

function readLittle(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i -= 1) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function worstCase(length: number): number {
  return 32 + length + Math.ceil(length / 6);
}

function writeLength(out: Uint8Array, length: number): number {
  let at = 0;
  let rest = length;
  while (rest > 127) {
    out[at] = (rest & 127) | 128;
    at += 1;
    rest = Math.floor(rest / 128);
  }
  out[at] = rest;
  return at + 1;
}

/** Whether a few windows, spread over `bytes`, get shorter by at least 1 in {@link WORTH_ITS_TIME}. */
function samplesShrink(bytes: Uint8Array): boolean {
  let encoded = 0;
  for (let i = 0; i < SAMPLES; i += 1) {
    const start = Math.floor(((bytes.length - SAMPLE_BYTES) * i) / (SAMPLES - 1));
    encoded += encodePiece(bytes, { start, end: start + SAMPLE_BYTES }, scratch, 0);
  }
  return encoded * WORTH_ITS_TIME < SAMPLES * SAMPLE_BYTES * (WORTH_ITS_TIME - 1);
}

/** Greedy matching over one piece; steps get longer while nothing matches. */
function encodePiece(bytes: Uint8Array, range: Range, out: Uint8Array, from: number): number {
  const { start, end } = range;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (end - start < MIN_MATCHED_BYTES) return writeLiteral(bytes, range, out, from);
  let shift = 24;
  for (let size = 256; size < 1 << TABLE_BITS && size < end - start; size <<= 1) shift -= 1;
  table.fill(0, 0, 1 << (32 - shift));
  const last = end - TAIL_BYTES;
  let at = from;
  let pending = start;
  let skip = 32;
  let i = start + 1;
  while (i < last) {
    const four = view.getInt32(i, true);
    const slot = Math.imul(four, 0x1e35a7bd) >>> shift;
    const candidate = start + (table[slot] ?? 0);
    table[slot] = i - start;
    if (view.getInt32(candidate, true) !== four) {
      i += skip >>> 5;
      skip += 1;
      continue;
    }
    if (i > pending) at = writeLiteral(bytes, { start: pending, end: i }, out, at);
    let match = 4;
    while (i + match < end && bytes[i + match] === bytes[candidate + match]) match += 1;
    at = writeCopy(out, at, i - candidate, match);
    i += match;
    pending = i;
    skip = 32;
  }
  return pending < end ? writeLiteral(bytes, { start: pending, end }, out, at) : at;
}

function writeLiteral(bytes: Uint8Array, range: Range, out: Uint8Array, from: number): number {
  const { start, end } = range;
  const length = end - start;
  const stored = length - 1;
  let at = from;
  if (stored < 60) {
    out[at++] = stored << 2;
  } else if (stored < 256) {
    out[at++] = 60 << 2;
    out[at++] = stored;
  } else {
    out[at++] = 61 << 2;
    out[at++] = stored & 255;
    out[at++] = stored >>> 8;
  }
  if (length < 32) {
    for (let i = 0; i < length; i += 1) out[at + i] = bytes[start + i] ?? 0;
  } else {
    out.set(bytes.subarray(start, end), at);
  }
  return at + length;
}

function writeCopy(out: Uint8Array, from: number, offset: number, length: number): number {
  let at = from;
  let rest = length;
  while (rest > 0) {
    // 60 before the last piece, so that what remains is never under the shortest copy of 4.
    const piece = rest >= 68 ? 64 : rest > 64 ? 60 : rest;
    rest -= piece;
    if (piece < 12 && offset < 2048) {
      out[at++] = ((offset >>> 8) << 5) | ((piece - 4) << 2) | 1;
      out[at++] = offset & 255;
    } else {
      out[at++] = ((piece - 1) << 2) | 2;
      out[at++] = offset & 255;
      out[at++] = offset >>> 8;
    }
  }
  return at;
}
