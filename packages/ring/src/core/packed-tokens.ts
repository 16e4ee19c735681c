/** Where tokens are decoded to before their number is known; grows as needed, at most to the largest instance's size. */
let scratch = new Uint32Array(1024);

/** In the first four bytes of a number of five or more bytes, the bits that say so. */
const FOUR_GO_ON = 0x80808080 | 0;

/** Tokens as packed varints hold them. */
export interface UnpackedTokens {
  /** In their order on the wire. */
  readonly values: Uint32Array;
  /** Whether they are ascending without duplicates, each in its shortest form. */
  readonly canonical: boolean;
}

/** Decodes packed varints, which must end with a complete one. Those beyond 32 bits are cut off. R-5 */
export function unpackTokens(bytes: Uint8Array, start: number, end: number): UnpackedTokens {
  if (scratch.length < end - start) scratch = new Uint32Array(2 * (end - start));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = scratch;
  let count = 0;
  let canonical = true;
  let last = -1;
  let at = start;
  while (at < end) {
    let token: number;
    // Nearly all of the token space takes five bytes, four of which are read at once.
    const four = at + 5 <= end ? view.getInt32(at, true) : 0;
    const fifth = bytes[at + 4] ?? 0;
    if ((four & FOUR_GO_ON) === FOUR_GO_ON && fifth < 0x80) {
      token =
        ((four & 0x7f) |
          ((four >>> 1) & 0x3f80) |
          ((four >>> 2) & 0x1fc000) |
          ((four >>> 3) & 0xfe00000) |
          (fifth << 28)) >>>
        0;
      at += 5;
      if (fifth === 0 || fifth > 15) canonical = false;
    } else {
      let byte = bytes[at++] ?? 0;
      let value = byte & 0x7f;
      let shift = 7;
      for (; byte > 0x7f; shift += 7) {
        byte = bytes[at++] ?? 0;
        if (shift < 32) value |= (byte & 0x7f) << shift;
      }
      token = value >>> 0;
      if (shift > 7 && (byte === 0 || shift > 28)) canonical = false;
    }
    if (token <= last) canonical = false;
    last = token;
    values[count++] = token;
  }
  return { values: values.slice(0, count), canonical };
}
