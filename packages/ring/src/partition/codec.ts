import { type Codec, CodecError } from '@ml/kv';
import { MlError } from '@ml/runtime';
import { snappyDecode, snappyEncode } from '@ml/runtime/snappy';
import { decodePartitionRing, encodePartitionRing } from '../wire/partition-ring-desc.ts';
import type { PartitionRingDesc } from './desc.ts';

/** The largest decoded partition ring that is accepted: 16 MiB, some 6,000 partitions. */
export const MAX_PARTITION_RING_BYTES: number = 16 * 1024 * 1024;

const CODEC_ID = 'partitionRingDesc';

/**
 * Partition rings as members gossip them: protobuf in one snappy block, under the id `partitionRingDesc`. Register it
 * only where all members know that id: Pyroscope's do not. As `ring.GetPartitionRingCodec` in dskit. R-70
 * @param options names of schemes by which tokens follow from partition numbers; a partition without tokens under any
 * other name is refused. Default: none, since released versions of dskit write all tokens.
 */
export function createPartitionRingCodec(
  options: { readonly derivedTokenSchemes?: readonly string[] } = {},
): Codec<PartitionRingDesc> {
  const decoding = { derivedTokenSchemes: new Set(options.derivedTokenSchemes ?? []) };
  return {
    id: CODEC_ID,
    encode: (value) => snappyEncode(encodePartitionRing(value)),
    decode: (bytes) => {
      try {
        const plain = snappyDecode(bytes, { maxBytes: MAX_PARTITION_RING_BYTES });
        return decodePartitionRing(plain, decoding);
      } catch (error) {
        if (!MlError.is(error)) throw error;
        throw new CodecError(CODEC_ID, `not a partition ring: ${error.message}`, { cause: error });
      }
    },
  };
}

/** {@link createPartitionRingCodec} for the rings that released versions of dskit write. */
export const partitionRingCodec: Codec<PartitionRingDesc> = createPartitionRingCodec();
