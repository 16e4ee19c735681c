import { WireError } from './errors.ts';
import { ValueScanner } from './scanner.ts';

/** Longer texts are decoded by the platform. */
const SHORT_TEXT_BYTES = 64;
/** One array of each length, for {@link String.fromCharCode}: faster than a view or a concatenation. */
const CHAR_CODES: readonly number[][] = Array.from({ length: SHORT_TEXT_BYTES + 1 }, (_, length) =>
  new Array<number>(length).fill(0),
);
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lossyUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Reads the msgpack subset of the protocol: maps with text keys, and strings, byte strings, integers and booleans
 * in any width. Nil stands for the zero value everywhere. Structs and byte strings written as arrays, which the
 * reference would take but nobody sends, are refused. Every method throws a WireError when the bytes do not fit.
 */
export class MsgpackReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** The next byte to read. */
  position: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** How many entries the map here has; 0 for nil. */
  mapHeader(): number {
    const tag = this.take();
    if ((tag & 0xf0) === 0x80) return tag & 15;
    if (tag === 0xde) return this.unsigned(2);
    if (tag === 0xdf) return this.unsigned(4);
    if (tag === 0xc0) return 0;
    throw this.wrongType(tag, 'a map');
  }

  /** The index in `keys` of the key here, −1 when it is another. `hint` is where it most likely is. */
  key(keys: readonly Uint8Array[], hint: number): number {
    const length = this.rawLength('a key');
    if (length < 0) throw this.wrongType(0xc0, 'a key');
    const at = this.position;
    this.position = at + length;
    const expected = keys[hint];
    if (expected !== undefined && this.matches(expected, at, length)) return hint;
    for (let i = 0; i < keys.length; i += 1) {
      if (this.matches(keys[i] as Uint8Array, at, length)) return i;
    }
    return -1;
  }

  /** An integer from 0 to `max`. */
  uint(max: number): number {
    const value = this.int();
    if (value < 0 || value > max) {
      throw new WireError(
        'msgpack_range',
        `msgpack: ${value} before byte ${this.position} is not within 0 and ${max}`,
      );
    }
    return value;
  }

  /** An integer that a double holds exactly. */
  int(): number {
    const tag = this.take();
    if (tag < 0x80) return tag;
    switch (tag) {
      case 0xcc:
        return this.unsigned(1);
      case 0xcd:
        return this.unsigned(2);
      case 0xce:
        return this.unsigned(4);
      case 0xd0:
        return (this.unsigned(1) << 24) >> 24;
      case 0xd1:
        return (this.unsigned(2) << 16) >> 16;
      case 0xd2:
        return this.unsigned(4) | 0;
      case 0xcf:
        return this.safe(this.unsigned(4), this.unsigned(4));
      case 0xd3:
        return this.safe(this.unsigned(4) | 0, this.unsigned(4));
      case 0xc0:
        return 0;
      default:
        if (tag >= 0xe0) return tag - 256;
        throw this.wrongType(tag, 'an integer');
    }
  }

  bool(): boolean {
    const tag = this.take();
    if (tag === 0xc3 || tag === 1) return true;
    if (tag === 0xc2 || tag === 0 || tag === 0xc0) return false;
    throw this.wrongType(tag, 'a boolean');
  }

  /** A byte string as a copy; undefined for nil. */
  copy(): Uint8Array | undefined {
    const length = this.rawLength('a byte string');
    if (length < 0) return undefined;
    const { bytes, position } = this;
    this.position = position + length;
    if (length > SHORT_TEXT_BYTES) return bytes.slice(position, position + length);
    const copied = new Uint8Array(length);
    for (let i = 0; i < length; i += 1) copied[i] = bytes[position + i] as number;
    return copied;
  }

  /** A byte string as a view of the input; undefined for nil. */
  view(): Uint8Array | undefined {
    const length = this.rawLength('a byte string');
    if (length < 0) return undefined;
    const start = this.position;
    this.position = start + length;
    return this.bytes.subarray(start, this.position);
  }

  /** A member name of at most `maxBytes`, empty for nil; must be UTF-8. */
  name(maxBytes: number): string {
    const length = this.rawLength('a name');
    if (length <= 0) return '';
    const start = this.position;
    if (length > maxBytes) {
      throw new WireError(
        'bad_name',
        `msgpack: the name at byte ${start} has ${length} bytes, more than the limit of ${maxBytes}`,
      );
    }
    this.position = start + length;
    if (length <= SHORT_TEXT_BYTES) {
      const codes = CHAR_CODES[length] as number[];
      let bits = 0;
      for (let i = 0; i < length; i += 1) {
        const byte = this.bytes[start + i] as number;
        bits |= byte;
        codes[i] = byte;
      }
      if (bits < 0x80) return String.fromCharCode.apply(null, codes);
    }
    try {
      return strictUtf8.decode(this.bytes.subarray(start, this.position));
    } catch (cause) {
      throw new WireError('bad_utf8', `msgpack: the name at byte ${start} is not UTF-8`, { cause });
    }
  }

  /** A text for people, cut after `maxBytes`; what is not UTF-8 is replaced. */
  text(maxBytes: number): string {
    const length = this.rawLength('a text');
    if (length <= 0) return '';
    const start = this.position;
    this.position = start + length;
    return lossyUtf8.decode(this.bytes.subarray(start, start + Math.min(length, maxBytes)));
  }

  /** Steps over a value of any shape. */
  skip(): void {
    const scanner = new ValueScanner(this.position, Number.MAX_SAFE_INTEGER);
    if (!scanner.advance(this.bytes, this.end)) throw this.truncated();
    this.position = scanner.position;
  }

  private take(): number {
    if (this.position >= this.end) throw this.truncated();
    const byte = this.bytes[this.position] as number;
    this.position += 1;
    return byte;
  }

  /** The length of the string or byte string here, checked against the input; −1 for nil. */
  private rawLength(wanted: string): number {
    const tag = this.take();
    let length: number;
    if ((tag & 0xe0) === 0xa0) length = tag & 31;
    else if (tag === 0xda || tag === 0xc5) length = this.unsigned(2);
    else if (tag === 0xd9 || tag === 0xc4) length = this.unsigned(1);
    else if (tag === 0xdb || tag === 0xc6) length = this.unsigned(4);
    else if (tag === 0xc0) return -1;
    else throw this.wrongType(tag, wanted);
    if (length > this.end - this.position) throw this.truncated();
    return length;
  }

  private unsigned(width: number): number {
    const { bytes, position } = this;
    if (width > this.end - position) throw this.truncated();
    this.position = position + width;
    let value = 0;
    for (let i = 0; i < width; i += 1) value = value * 256 + (bytes[position + i] as number);
    return value;
  }

  private safe(high: number, low: number): number {
    const value = high * 2 ** 32 + low;
    if (Number.isSafeInteger(value)) return value;
    throw new WireError(
      'msgpack_range',
      `msgpack: the integer before byte ${this.position} is out of range`,
    );
  }

  private matches(key: Uint8Array, at: number, length: number): boolean {
    if (key.length !== length) return false;
    for (let i = 0; i < length; i += 1) if (key[i] !== this.bytes[at + i]) return false;
    return true;
  }

  private wrongType(tag: number, wanted: string): WireError {
    const shown = tag.toString(16).padStart(2, '0');
    return new WireError(
      'msgpack_type',
      `msgpack: byte ${shown} before byte ${this.position} does not start ${wanted}`,
    );
  }

  private truncated(): WireError {
    return new WireError('truncated', `msgpack: the input ends at byte ${this.end} inside a value`);
  }
}
