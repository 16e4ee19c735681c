import { MlError } from '@ml/runtime';
import { snappyDecode, snappyEncode } from '@ml/runtime/snappy';
import type { Codec } from '../codec.ts';
import { CodecError } from '../errors.ts';

/** Largest value that a {@link protobufCodec} accepts, in bytes before compression, unless told otherwise. */
export const DEFAULT_MAX_VALUE_BYTES: number = 64 * 1024 * 1024;

export interface ProtobufCodecOptions<T> {
  readonly id: string;
  /** The value as a protobuf message. */
  encode(value: T): Uint8Array;
  /** The value of a message; what it throws becomes the `cause` of a {@link CodecError}. */
  decode(message: Uint8Array): T;
  /** Larger messages are refused before memory is taken for them. Default 64 MiB; the reference sets no limit. */
  readonly maxValueBytes?: number;
}

/**
 * A codec for protobuf messages: the message as one snappy block. As `codec.NewProtoCodec` in dskit. // K-3
 * `encode` throws a {@link CodecError} too when the message is larger than a peer of ours would accept.
 */
export function protobufCodec<T>(options: ProtobufCodecOptions<T>): Codec<T> {
  const { id, maxValueBytes = DEFAULT_MAX_VALUE_BYTES } = options;
  return {
    id,
    encode: (value) => {
      const message = options.encode(value);
      if (message.length > maxValueBytes) {
        throw new CodecError(
          id,
          `the value takes ${message.length} bytes; the limit is ${maxValueBytes}`,
        );
      }
      return snappyEncode(message);
    },
    decode: (bytes) => {
      try {
        return options.decode(snappyDecode(bytes, { maxBytes: maxValueBytes }));
      } catch (error) {
        if (MlError.is(error, 'ML_KV_CODEC')) throw error;
        const why = error instanceof Error ? error.message : String(error);
        throw new CodecError(id, `not a value of this type: ${why}`, { cause: error });
      }
    },
  };
}
