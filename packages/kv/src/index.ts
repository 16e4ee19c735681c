export type { KvClient } from './client.ts';
export type { Codec } from './codec.ts';
export {
  type JsonLwwOptions,
  jsonLww,
  type LwwItem,
  LwwMap,
  type ValueSchema,
} from './codecs/json-lww.ts';
export {
  DEFAULT_MAX_VALUE_BYTES,
  type ProtobufCodecOptions,
  protobufCodec,
} from './codecs/protobuf.ts';
export { stringCodec } from './codecs/string.ts';
export { UsageStatsSeed, usageStatsCodec } from './codecs/usage-stats.ts';
export { type InstanceVersion, Versions, versionsCodec } from './codecs/versions.ts';
export { type MemberlistKvConfig, memberlistKvConfig } from './config.ts';
export type { HistoryMessage } from './core/history.ts';
export {
  CasAbortedError,
  CasConflictError,
  CasMergeError,
  CasNoChangeError,
  ClusterJoinError,
  CodecError,
  CodecMismatchError,
  CodecNotRegisteredError,
  FastJoinError,
  InvalidKeyError,
  KvClosedError,
  KvOptionsError,
  StoreFullError,
  WireError,
} from './errors.ts';
export { gossipConfigOf } from './gossip-config.ts';
export { type InMemoryKvOptions, InMemoryStore, inMemoryKv } from './in-memory.ts';
export {
  createMemberlistKv,
  type MemberlistKv,
  type MemberlistKvLimits,
  type MemberlistKvOptions,
  type PreparedMemberlistKv,
  prepareMemberlistKv,
} from './memberlist-kv.ts';
export type { AnyMergeable, Mergeable, MergeOutcome } from './mergeable.ts';
export { type MeteredKvOptions, meteredKv } from './metered.ts';
export { type MultiKv, type MultiKvOptions, type MultiKvStore, multiKv } from './multi.ts';
export { withPrefix } from './prefix.ts';
export type {
  KvEntryView,
  KvKeyStatus,
  KvMessageView,
  KvState,
  KvStatus,
} from './status.ts';
export {
  decodeKeyValuePair,
  encodeKeyValuePair,
  type KeyValuePair,
} from './wire/key-value-pair.ts';
