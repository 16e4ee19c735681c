export {
  type AutoForget,
  type AutoForgetEvent,
  type AutoForgetOptions,
  createAutoForget,
} from './auto-forget.ts';
export {
  type BasicLifecycler,
  type BasicLifecyclerConfig,
  type BasicLifecyclerOptions,
  createBasicLifecycler,
} from './basic-lifecycler.ts';
export { type BatchOptions, type BatchRing, doBatch, type SendKeys } from './batch.ts';
export { MAX_RING_BYTES, ringCodec } from './codec.ts';
export {
  basicLifecyclerConfigOf,
  type LifecyclerKind,
  lifecyclerConfigOf,
  type RingBlockConfig,
  type RingMode,
  ringConfig,
  ringConfigOf,
  ringKeyOf,
} from './config.ts';
export { compareRings, type RingDifference } from './core/compare.ts';
export { RingDesc } from './core/desc.ts';
export { GoRand, shuffleShardRand, shuffleShardSeed, warmUpGoRand } from './core/go-rand.ts';
export { InstanceDesc, type InstanceInit, isHeartbeatFresh } from './core/instance.ts';
export type { InstanceState, KnownInstanceState } from './core/instance-state.ts';
export { type BatchLookup, KeyBatch } from './core/key-batch.ts';
export { Operation, Read, Reporting, Write, WriteNoExtend } from './core/operation.ts';
export { ReplicaBuffer } from './core/replica-buffer.ts';
export type { ReplicationSet } from './core/replication-set.ts';
export {
  type Candidates,
  ignoreUnhealthyStrategy,
  quorumStrategy,
  type ReplicationStrategy,
} from './core/replication-strategy.ts';
export {
  type InstanceStatus,
  instanceStatuses,
  type RingStatus,
  type RingStatusOptions,
  ringStatus,
  type ShardStatus,
} from './core/ring-page.ts';
export type { RingSummary } from './core/ring-summary.ts';
export {
  MAX_SPREAD_ZONES,
  type SpreadMinimizingOptions,
  spreadMinimizingTokenGenerator,
} from './core/spread-minimizing.ts';
export { MAX_SPREAD_NUMBER, SPREAD_TOKENS } from './core/spread-tokens.ts';
export { MAX_STAMP_AHEAD_S } from './core/stamp.ts';
export {
  randomTokenGenerator,
  type TakenTokens,
  type TokenGenerator,
} from './core/token-generator.ts';
export type { TokenIndex } from './core/token-index.ts';
export { rangesInclude, type TokenRange } from './core/token-ranges.ts';
export { TOKEN_SPACE, Tokens } from './core/tokens.ts';
export {
  autoForgetDelegate,
  type BasicLifecyclerDelegate,
  instanceRegisterDelegate,
  leaveOnStoppingDelegate,
  type RegisterContext,
  type StoppingInstance,
  tokensPersistencyDelegate,
} from './delegates.ts';
export {
  CannotJoinError,
  EmptyRingError,
  JoinRingError,
  LifecyclerClosedError,
  NotReadyError,
  type NotReadyReason,
  type QuorumShortage,
  ReplicationFactorError,
  RingOptionsError,
  StateTransitionError,
  TokenRangesError,
  TokensStoreError,
  TooFewHealthyInstancesError,
  TooManyUnhealthyInstancesError,
  UnknownInstanceError,
} from './errors.ts';
export { forgetInstance } from './forget.ts';
export { type JoinRingOptions, joinRing, type RingMembership } from './join-ring.ts';
export { hashKey } from './key.ts';
export { createLifecycler } from './lifecycler.ts';
export type {
  InstanceIdentity,
  Lifecycler,
  LifecyclerConfig,
  LifecyclerOptions,
  ShutdownChoices,
} from './lifecycler-types.ts';
export {
  createPartitionRingCodec,
  MAX_PARTITION_RING_BYTES,
  partitionRingCodec,
} from './partition/codec.ts';
export { PartitionRingDesc } from './partition/desc.ts';
export {
  allowedTransitions,
  type PartitionRingEditor,
  partitionRingEditor,
} from './partition/editor.ts';
export {
  NoActivePartitionError,
  NoHealthyOwnerError,
  PartitionLockedError,
  PartitionTransitionError,
  UnknownPartitionError,
} from './partition/errors.ts';
export {
  type PartitionInstanceRing,
  type PartitionInstanceRingOptions,
  partitionBatchRing,
  partitionInstanceRing,
} from './partition/instance-ring.ts';
export {
  createPartitionLifecycler,
  type PartitionLifecycler,
  type PartitionLifecyclerConfig,
  type PartitionLifecyclerOptions,
} from './partition/lifecycler.ts';
export {
  type PartitionRingStatus,
  type PartitionStatus,
  partitionRingStatus,
} from './partition/page.ts';
export {
  OwnerDesc,
  type OwnerFields,
  type OwnerState,
  PartitionDesc,
  type PartitionFields,
  type PartitionState,
  parsePartitionState,
  partitionTokens,
} from './partition/partition.ts';
export { type LookbackOptions, PartitionRing } from './partition/partition-ring.ts';
export {
  createPartitionRingWatcher,
  type PartitionRingWatcher,
  type PartitionRingWatcherOptions,
} from './partition/watcher.ts';
export {
  type AskReplica,
  doMultiUntilQuorum,
  doUntilQuorum,
  type QuorumCallOptions,
  type QuorumOptions,
} from './quorum.ts';
export type { InstanceCounts, ReadRing } from './read-ring.ts';
export {
  BatchFailedError,
  CallCancelledError,
  type CallCancelReason,
  QuorumFailedError,
  type ReplicaFailure,
} from './request-errors.ts';
export {
  createRing,
  type Ring,
  type RingChange,
  type RingConfig,
  type RingOptions,
} from './ring.ts';
export { formatTokens, memoryTokensStore, parseTokens, type TokensStore } from './tokens-store.ts';
export {
  type StabilityOf,
  type StabilityOptions,
  waitInstanceState,
  waitRingStability,
} from './waiting.ts';
export { warmUpRing } from './warm-up.ts';
