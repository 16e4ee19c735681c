import { WireError } from './errors.ts';

/** Containers may nest this deep, as in the reference. */
const MAX_DEPTH = 1024;
/** Timestamps, the only extension with a fixed shape: type −1, and one of three lengths. */
const TIMESTAMP_TYPE = 0xff;

/** How many bytes of length follow the tags c4..db that carry one; 0 for every other tag. */
const LENGTH_WIDTH: Uint8Array = table([
  [0xc4, 1],
  [0xc5, 2],
  [0xc6, 4],
  [0xc7, 1],
  [0xc8, 2],
  [0xc9, 4],
  [0xd9, 1],
  [0xda, 2],
  [0xdb, 4],
  [0xdc, 2],
  [0xdd, 4],
  [0xde, 2],
  [0xdf, 4],
]);

/** How many bytes of payload follow the tags of a fixed size: floats, integers, fixed extensions. */
const FIXED_SIZE: Uint8Array = table([
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
  [0xd4, 1],
  [0xd5, 2],
  [0xd6, 4],
  [0xd7, 8],
  [0xd8, 16],
]);

/**
 * Finds the end of one msgpack value of any shape, also when its bytes arrive in pieces: each byte of structure
 * is looked at once, payloads are stepped over.
 */
export class ValueScanner {
  /** Where the next tag is; behind the value once it is complete. May lie beyond what has arrived. */
  position: number;
  /** The first position that is too far. */
  private readonly limit: number;
  /** How many values are missing in each open container, outermost first. */
  private readonly missing: number[] = [1];

  constructor(position: number, limit: number) {
    this.position = position;
    this.limit = limit;
  }

  /**
   * Looks at `bytes` up to `end`, which start where they started at the call before. Whether the value is complete.
   * @throws WireError when it cannot become a value, or not one that ends before the limit
   */
  advance(bytes: Uint8Array, end: number): boolean {
    const { missing } = this;
    for (;;) {
      const level = missing.length - 1;
      const left = missing[level];
      if (left === undefined) return this.position <= end;
      if (left === 0) {
        missing.pop();
        continue;
      }
      if (this.position >= end) return false;
      const tag = bytes[this.position] as number;
      const header = headerSize(tag);
      if (this.position + header > end) return false;
      missing[level] = left - 1;
      this.enter(bytes, tag, header);
    }
  }

  /** Steps over the header of a value and its payload, and opens it when it is a container. */
  private enter(bytes: Uint8Array, tag: number, header: number): void {
    const at = this.position;
    const width = LENGTH_WIDTH[tag] as number;
    const length = readLength(bytes, at + 1, width);
    let payload = width > 0 ? length : (FIXED_SIZE[tag] as number);
    let children = 0;
    if (tag < 0x80 || tag >= 0xe0) payload = 0;
    else if (tag < 0x90) children = (tag & 15) * 2;
    else if (tag < 0xa0) children = tag & 15;
    else if (tag < 0xc0) payload = tag & 31;
    else if (tag === 0xc1) {
      throw new WireError('msgpack_type', `msgpack: reserved byte c1 at byte ${at}`);
    } else if (tag >= 0xdc) {
      payload = 0;
      children = tag >= 0xde ? length * 2 : length;
    } else if (isExtension(tag)) {
      if (bytes[at + header - 1] === TIMESTAMP_TYPE && !isTimestampSize(payload)) {
        throw new WireError('msgpack_type', `msgpack: timestamp of ${payload} bytes at byte ${at}`);
      }
    }
    this.position = at + header + payload;
    if (this.position > this.limit) {
      throw new WireError(
        'too_large',
        `msgpack: the value at byte ${at} ends at byte ${this.position}, beyond the limit of ${this.limit}`,
      );
    }
    if (children === 0) return;
    if (this.missing.length > MAX_DEPTH) {
      throw new WireError('msgpack_depth', `msgpack: more than ${MAX_DEPTH} levels at byte ${at}`);
    }
    this.missing.push(children);
  }
}

function headerSize(tag: number): number {
  return 1 + (LENGTH_WIDTH[tag] as number) + (isExtension(tag) ? 1 : 0);
}

function isExtension(tag: number): boolean {
  return (tag >= 0xc7 && tag <= 0xc9) || (tag >= 0xd4 && tag <= 0xd8);
}

function isTimestampSize(bytes: number): boolean {
  return bytes === 4 || bytes === 8 || bytes === 12;
}

function readLength(bytes: Uint8Array, at: number, width: number): number {
  let length = 0;
  for (let i = 0; i < width; i += 1) length = length * 256 + (bytes[at + i] as number);
  return length;
}

function table(entries: readonly (readonly [number, number])[]): Uint8Array {
  const values = new Uint8Array(256);
  for (const [tag, value] of entries) values[tag] = value;
  return values;
}
