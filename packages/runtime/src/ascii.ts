const FNV_PRIME = 0x01000193;

/**
 * Whether `bytes[start, end)` are `text`, which is ASCII. Backwards, since names that differ mostly do so at their ends.
 */
export function isAsciiOf(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = end - 1; i >= start; i--) {
    const byte = bytes[i] ?? 0;
    if (byte > 0x7f || text.charCodeAt(i - start) !== byte) return false;
  }
  return true;
}

/** A hash of `bytes[start, end)`, any 32 bits, by which to look for texts that are compared then. */
export function hashOfRange(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), FNV_PRIME);
  return hash ^ (hash >>> 16);
}
