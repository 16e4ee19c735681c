export type { KvClient } from './client.ts';
export type { Codec } from './codec.ts';
export { stringCodec } from './codecs/string.ts';
export {
  CasConflictError,
  CasMergeError,
  CasNoChangeError,
  CodecError,
  CodecMismatchError,
  CodecNotRegisteredError,
  InvalidKeyError,
  KvClosedError,
} from './errors.ts';
export { type InMemoryKvOptions, InMemoryStore, inMemoryKv } from './in-memory.ts';
export type { AnyMergeable, Mergeable, MergeOutcome } from './mergeable.ts';
