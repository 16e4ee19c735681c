/** Turns values of one type into the bytes that are gossiped and back. */
export interface Codec<T> {
  /** Travels with every value: `ringDesc`, `versions`, … */
  readonly id: string;
  encode(value: T): Uint8Array;
  /**
   * Never allocates much more than it was given, and keeps nothing of `bytes`.
   * @param known the value that the result will be merged into, if there is one. A codec may take from it, instead of
   * decoding that again, what the bytes merely repeat and what a merge would leave as it is: what the merge brings is
   * the same without.
   * @throws {CodecError} when the bytes are not a value of this type.
   */
  decode(bytes: Uint8Array, known?: T): T;
}
