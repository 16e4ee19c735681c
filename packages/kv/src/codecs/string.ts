import type { Codec } from '../codec.ts';
import { CodecError } from '../errors.ts';

const ID = 'string';
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text as UTF-8, nothing around it: for tests and the in-memory store. As `codec.String` in dskit. */
export const stringCodec: Codec<string> = {
  id: ID,
  encode: (value) => encoder.encode(value),
  decode: (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch (error) {
      throw new CodecError(ID, 'the bytes are not UTF-8', { cause: error });
    }
  },
};
