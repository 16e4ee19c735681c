/** The 32-bit FNV offset basis: the hash of no bytes. */
export const FNV_OFFSET_32 = 0x811c9dc5;
const PRIME = 0x01000193;

/** The 32-bit FNV-1 hash (multiply, then xor), unsigned. To go on with more bytes, pass the hash so far. */
export function fnv1(bytes: Uint8Array, hash: number = FNV_OFFSET_32): number {
  let h = hash;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h, PRIME) ^ (bytes[i] ?? 0);
  return h >>> 0;
}

/** The 32-bit FNV-1a hash (xor, then multiply), unsigned. To go on with more bytes, pass the hash so far. */
export function fnv1a(bytes: Uint8Array, hash: number = FNV_OFFSET_32): number {
  let h = hash;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ (bytes[i] ?? 0), PRIME);
  return h >>> 0;
}
