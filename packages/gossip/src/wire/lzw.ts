/** Go's compress/lzw, LSB first, 8-bit literals, byte for byte. Undefined when the output would exceed `maxBytes` (default: no limit). */
export declare function lzwEncode(bytes: Uint8Array, maxBytes?: number): Uint8Array | undefined;

/** @throws WireError `bad_lzw` or, when the output would exceed `maxBytes`, `too_large`. */
export declare function lzwDecode(bytes: Uint8Array, maxBytes: number): Uint8Array;
