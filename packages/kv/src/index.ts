export type { KvClient } from './client.ts';
export type { Codec } from './codec.ts';
export type { Mergeable, MergeOutcome } from './mergeable.ts';
