/** Bits to number so many things, at least one. */
export function bitsFor(things: number): number {
  return 32 - Math.clz32(things - 1);
}

/** So many ones: with shifts, which yield whole numbers to the compiler, as powers do not. */
export function maskOf(bits: number): number {
  return (1 << bits) - 1;
}
