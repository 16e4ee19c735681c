export {
  type BasicLifecycler,
  type BasicLifecyclerConfig,
  type BasicLifecyclerOptions,
  createBasicLifecycler,
} from './basic-lifecycler.ts';
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
export { InstanceDesc, type InstanceInit, isHeartbeatFresh } from './core/instance.ts';
export type { InstanceState, KnownInstanceState } from './core/instance-state.ts';
export { Operation, Read, Reporting, Write, WriteNoExtend } from './core/operation.ts';
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
export { hashKey } from './key.ts';
export { createLifecycler } from './lifecycler.ts';
export type {
  InstanceIdentity,
  Lifecycler,
  LifecyclerConfig,
  LifecyclerOptions,
  ShutdownChoices,
} from './lifecycler-types.ts';
export type { InstanceCounts, ReadRing } from './read-ring.ts';
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
