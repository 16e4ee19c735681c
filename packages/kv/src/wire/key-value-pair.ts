import { ProtobufReader, ProtobufWriter } from './protobuf.ts';

/** One key with its value as it travels: `kv.proto` beside this file. // K-1 */
export interface KeyValuePair {
  readonly key: string;
  readonly value: Uint8Array;
  /** Id of the codec that wrote {@link value}. */
  readonly codec: string;
  readonly deleted: boolean;
  /** When it was deleted; `undefined` (0 on the wire) when it was not. Beyond ±(2^53 − 1) the nearest safe integer. */
  readonly updateTimeMillis: number | undefined;
}

const NOTHING = new Uint8Array(0);
/** Tags, lengths, the mark and the time: at most this. */
const OVERHEAD_BYTES = 32;

/** The canonical bytes: fields in order, defaults left out. */
export function encodeKeyValuePair(pair: KeyValuePair): Uint8Array {
  const texts = 3 * (pair.key.length + pair.codec.length);
  const writer = new ProtobufWriter(pair.value.length + texts + OVERHEAD_BYTES).text(1, pair.key);
  if (pair.value.length > 0) writer.bytes(2, pair.value);
  return writer
    .text(3, pair.codec)
    .varint(4, pair.deleted ? 1n : 0n)
    .varint(5, BigInt(pair.updateTimeMillis ?? 0))
    .finish();
}

/**
 * Reads a pair; repeated fields: the last wins; unknown ones are passed over. Its `value` shares memory with `bytes`.
 * @throws {WireError} when the bytes are no such message, or its texts are not UTF-8.
 */
export function decodeKeyValuePair(bytes: Uint8Array): KeyValuePair {
  const reader = new ProtobufReader(bytes);
  let key = '';
  let value: Uint8Array = NOTHING;
  let codec = '';
  let deleted = false;
  let time = 0;
  while (reader.nextField()) {
    switch (reader.field) {
      case 1:
        key = reader.text();
        break;
      case 2:
        value = reader.bytes();
        break;
      case 3:
        codec = reader.text();
        break;
      case 4:
        deleted = reader.bool();
        break;
      case 5:
        time = reader.clampedInt64();
        break;
      default:
        reader.skip();
    }
  }
  return { key, value, codec, deleted, updateTimeMillis: time === 0 ? undefined : time };
}
