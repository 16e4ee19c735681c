/** So many of a text's last bytes make its hash: names that differ mostly do so at their ends. */
const HASHED = 8;
const FNV_PRIME = 0x01000193;

/** Whether `bytes[start, end)` are `text`, which is ASCII. Backwards, for the same reason. */
export function isAsciiOf(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = end - 1; i >= start; i--) {
    const byte = bytes[i] ?? 0;
    if (byte > 0x7f || text.charCodeAt(i - start) !== byte) return false;
  }
  return true;
}

/** A hash of the length and the end of `bytes[start, end)`, by which to look for texts that are compared then. */
export function hashOfEnd(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = Math.max(start, end - HASHED); i < end; i++) {
    hash = Math.imul(hash ^ (bytes[i] ?? 0), FNV_PRIME);
  }
  return hash ^ (hash >>> 16);
}
