import { type Codec, CodecError } from '@ml/kv';
import { MlError } from '@ml/runtime';
import { snappyDecode, snappyEncode } from '@ml/runtime/snappy';
import type { RingDesc } from './core/desc.ts';
import { decodeRingDesc, encodeRingDesc } from './wire/ring-desc.ts';

/** The largest decoded ring that is accepted: 64 MiB, some 25,000 instances of 512 tokens. */
export const MAX_RING_BYTES: number = 64 * 1024 * 1024;

/**
 * Rings as members gossip them: protobuf in one snappy block, under the id `ringDesc`. As `ring.GetCodec` in dskit. R-1
 */
export const ringCodec: Codec<RingDesc> = {
  id: 'ringDesc',

  encode: (value) => snappyEncode(encodeRingDesc(value)),

  decode: (bytes) => {
    try {
      return decodeRingDesc(snappyDecode(bytes, { maxBytes: MAX_RING_BYTES }));
    } catch (error) {
      if (!MlError.is(error)) throw error;
      throw new CodecError('ringDesc', `not a ring: ${error.message}`, { cause: error });
    }
  },
};
