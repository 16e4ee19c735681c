import { MlError } from '@ml/runtime';

/** Why bytes were refused. Stable, short, and few: fit for a metric label. */
export type WireReason =
  | 'empty'
  | 'truncated'
  | 'unknown_type'
  | 'msgpack_type'
  | 'msgpack_range'
  | 'msgpack_depth'
  | 'bad_utf8'
  | 'bad_crc'
  | 'bad_label'
  | 'bad_lzw'
  | 'bad_snappy'
  | 'bad_algorithm'
  | 'compound_truncated'
  | 'nested_too_deep'
  | 'too_many_parts'
  | 'too_many_faults'
  | 'too_large'
  | 'encrypted'
  | 'bad_vsn'
  | 'bad_addr'
  | 'bad_name'
  | 'bad_meta'
  | 'bad_count'
  | 'bad_length'
  | 'closed';

/** Bytes of a peer that are not a message this node may act on. Nothing of them was applied. */
export class WireError extends MlError<'ML_GOSSIP_WIRE'> {
  /** The kind of fault, for counting; {@link Error.message} says what and where. */
  readonly reason: WireReason;

  constructor(reason: WireReason, message: string, options?: ErrorOptions) {
    super('ML_GOSSIP_WIRE', message, options);
    this.reason = reason;
  }
}
