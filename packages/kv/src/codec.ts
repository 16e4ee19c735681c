/** Turns values of one type into the bytes that are gossiped and back. */
export interface Codec<T> {
  /** Travels with every value: `ringDesc`, `versions`, … */
  readonly id: string;
  encode(value: T): Uint8Array;
  /** @throws {CodecError} when the bytes are not a value of this type. Never allocates much more than it was given. */
  decode(bytes: Uint8Array): T;
}
