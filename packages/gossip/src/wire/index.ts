export { checkMessage, checkRecord } from './check.ts';
export { decodeMessage, encodeMessage } from './codec.ts';
export {
  COMPOUND_HEADER_OVERHEAD,
  COMPOUND_PART_OVERHEAD,
  type CompoundParts,
  USER_PART_OVERHEAD,
} from './compound.ts';
export { WireError, type WireReason } from './errors.ts';
export { type LabelCheck, labelHeader, labelOverhead } from './label.ts';
export { DEFAULT_WIRE_LIMITS, type WireLimits } from './limits.ts';
export { lzwDecode, lzwEncode } from './lzw.ts';
export {
  type Ack,
  type Alive,
  type Dead,
  type IndirectPing,
  MESSAGE_CODE,
  type Nack,
  NODE_STATE,
  type PacketMessage,
  type Ping,
  type PushPull,
  type PushPullRecord,
  type RemoteError,
  type StreamMessage,
  type Suspect,
  type User,
} from './message.ts';
export {
  type BuildPacketsOptions,
  buildPackets,
  type DecodedPacket,
  type DecodePacketOptions,
  decodePacket,
} from './packet.ts';
export {
  type EncodeStreamOptions,
  encodeStreamMessage,
} from './stream.ts';
export {
  StreamDecoder,
  type StreamDecoderOptions,
  type StreamProgress,
} from './stream-decoder.ts';
