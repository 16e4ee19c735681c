import { InvalidKeyError } from './errors.ts';

/** Longest accepted key in UTF-8 bytes; the reference sets no limit. // K-7 */
export const MAX_KEY_BYTES = 4096;

const LONE_SURROGATE = /\p{Surrogate}/u;
const encoder = new TextEncoder();

/** The key as UTF-8. @throws {InvalidKeyError} when it is empty, too long or not well formed. */
export function encodeKey(key: string): Uint8Array {
  if (key === '') throw new InvalidKeyError(key, 'is empty; a key has at least one character');
  if (LONE_SURROGATE.test(key)) {
    throw new InvalidKeyError(key, 'holds half a surrogate pair and so has no UTF-8 form');
  }
  const bytes = encoder.encode(key);
  if (bytes.length > MAX_KEY_BYTES) {
    throw new InvalidKeyError(key, `is ${bytes.length} bytes long; the limit is ${MAX_KEY_BYTES}`);
  }
  return bytes;
}

/** @throws {InvalidKeyError} as {@link encodeKey}. */
export function checkKey(key: string): void {
  encodeKey(key);
}
