import { SnappyError, snappyDecode } from '@ml/runtime/snappy';
import { WireError } from './errors.ts';
import { lzwDecode, lzwEncodeView } from './lzw.ts';
import { MESSAGE_CODE } from './message.ts';
import type { MsgpackReader } from './msgpack-reader.ts';
import { bytesBound, keyBytes, MsgpackWriter } from './msgpack-writer.ts';

/** How a compressed body may be packed: only the first is ever sent. */
const ALGORITHM = { lzw: 0, snappy: 1 } as const;
const MAX_UINT8 = 255;

const ALGO: Uint8Array = keyBytes('Algo');
const BUF: Uint8Array = keyBytes('Buf');
const KEYS: readonly Uint8Array[] = [ALGO.subarray(1), BUF.subarray(1)];

/** Type byte, map header, both keys, the algorithm and the shortest raw header. */
const LEAST_OVERHEAD_BYTES = 13;

/** From here on a histogram is asked first. */
const HISTOGRAM_FROM_BYTES = 512;
const HISTOGRAM_SAMPLES = 256;
/** Random bytes show about 162 of 256 values in as many samples; text and messages less than 100. */
const RANDOM_VALUES = 140;
/** From here on windows are compressed first. */
const WINDOWS_FROM_BYTES = 16_384;
const WINDOW_BYTES = 4096;
const WINDOWS = 3;

/** `plain` as a compress message, also when that is longer. */
export function compressAlways(plain: Uint8Array): Uint8Array {
  return wrap(lzwEncodeView(plain));
}

/** `plain` as a compress message that is strictly shorter; undefined when there is none, or samples say so. */
export function compressIfShorter(plain: Uint8Array): Uint8Array | undefined {
  const room = plain.length - LEAST_OVERHEAD_BYTES - 1;
  if (room < 3 || looksRandom(plain) || !windowsShrink(plain)) return undefined;
  const packed = lzwEncodeView(plain, room);
  if (packed === undefined) return undefined;
  const message = wrap(packed);
  return message.length < plain.length ? message : undefined;
}

function wrap(packed: Uint8Array): Uint8Array {
  const writer = new MsgpackWriter(LEAST_OVERHEAD_BYTES + bytesBound(packed));
  writer.byte(MESSAGE_CODE.compress);
  writer.mapHeader(2);
  writer.key(ALGO);
  writer.uint(ALGORITHM.lzw);
  writer.key(BUF);
  writer.raw(packed);
  return writer.finish();
}

/**
 * What the body of a compress message holds.
 * @throws WireError when it cannot be unpacked within `maxBytes`
 */
export function readCompressed(reader: MsgpackReader, maxBytes: number): Uint8Array {
  let algorithm = 0;
  let packed: Uint8Array | undefined;
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    switch (reader.key(KEYS, i)) {
      case 0:
        algorithm = reader.uint(MAX_UINT8);
        break;
      case 1:
        packed = reader.view();
        break;
      default:
        reader.skip();
    }
  }
  const bytes = packed ?? new Uint8Array(0);
  if (algorithm === ALGORITHM.lzw) return lzwDecode(bytes, maxBytes);
  if (algorithm === ALGORITHM.snappy) return unsnap(bytes, maxBytes);
  throw new WireError('bad_algorithm', `compress: algorithm ${algorithm} is not known`);
}

function unsnap(bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return snappyDecode(bytes, { maxBytes });
  } catch (cause) {
    if (!SnappyError.is(cause, 'ML_SNAPPY')) throw cause;
    throw new WireError('bad_snappy', 'compress: the body is not a snappy block', { cause });
  }
}

function looksRandom(bytes: Uint8Array): boolean {
  if (bytes.length < HISTOGRAM_FROM_BYTES) return false;
  const seen = new Uint8Array(256);
  const step = bytes.length / HISTOGRAM_SAMPLES;
  let values = 0;
  for (let i = 0; i < HISTOGRAM_SAMPLES; i += 1) {
    const value = bytes[Math.floor(i * step)] as number;
    if (seen[value] === 0) values += 1;
    seen[value] = 1;
  }
  return values >= RANDOM_VALUES;
}

function windowsShrink(bytes: Uint8Array): boolean {
  if (bytes.length < WINDOWS_FROM_BYTES) return true;
  for (let i = 0; i < WINDOWS; i += 1) {
    const start = Math.floor(((bytes.length - WINDOW_BYTES) * i) / (WINDOWS - 1));
    const window = bytes.subarray(start, start + WINDOW_BYTES);
    if (lzwEncodeView(window, WINDOW_BYTES - WINDOW_BYTES / 32) !== undefined) return true;
  }
  return false;
}
