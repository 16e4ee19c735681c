import { type Codec, CodecError } from '@ml/kv';
import { MlError } from '@ml/runtime';
import { snappyDecode, snappyEncode } from '@ml/runtime/snappy';
import type { RingDesc } from './core/desc.ts';
import { decodeRingDesc } from './wire/decode-ring-desc.ts';
import { encodeRingDesc } from './wire/encode-ring-desc.ts';

/** The largest decoded ring that is accepted: 64 MiB, some 25,000 instances of 512 tokens. */
export const MAX_RING_BYTES: number = 64 * 1024 * 1024;

/** Rings up to this size are taken apart and put together in memory that is used again. */
const MAX_SCRATCH_BYTES = 4 * 1024 * 1024;

/** Never referred to by a value that was decoded or bytes that were encoded. */
let scratch: Uint8Array = new Uint8Array(0);

/**
 * Rings as members gossip them: protobuf in one snappy block, under the id `ringDesc`. As `ring.GetCodec` in dskit. R-1
 */
export const ringCodec: Codec<RingDesc> = {
  id: 'ringDesc',

  encode: (value) => {
    const plain = encodeRingDesc(value, scratch);
    keepScratch(plain);
    return snappyEncode(plain);
  },

  decode: (bytes, known) => {
    try {
      const plain = snappyDecode(bytes, { maxBytes: MAX_RING_BYTES, into: scratch });
      keepScratch(plain);
      return decodeRingDesc(plain, known);
    } catch (error) {
      if (!MlError.is(error)) throw error;
      throw new CodecError('ringDesc', `not a ring: ${error.message}`, { cause: error });
    }
  },
};

/** Keeps the largest block that is not too large to be kept. */
function keepScratch(bytes: Uint8Array): void {
  if (bytes.length > scratch.length && bytes.length <= MAX_SCRATCH_BYTES) scratch = bytes;
}
