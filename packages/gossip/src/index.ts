export {
  checkGossipConfig,
  type GossipConfig,
  type GossipLimits,
  gossipPresets,
  type LifeguardConfig,
} from './config.ts';
export { MemberPool } from './core/member-pool.ts';
export type {
  AliveDelegate,
  ConflictDelegate,
  Delegate,
  Delegates,
  MergeDelegate,
  PingDelegate,
} from './delegate.ts';
export {
  ExchangeError,
  GossipConfigError,
  JoinAddressError,
  JoinError,
  MemberlistClosedError,
  MergeRefusedError,
  MetaTooLongError,
  NoResponseError,
  RemoteRefusalError,
} from './errors.ts';
export type { Member, MemberEvent, MemberState, ProtocolVersions } from './events.ts';
export { type JoinAddress, parseJoinAddress } from './join-address.ts';
export {
  createMemberlist,
  type Memberlist,
  type MemberlistOptions,
  type ResolveHost,
} from './memberlist.ts';
export {
  createGossipMetrics,
  type GossipGauges,
  type GossipMetrics,
  type RejectReason,
} from './metrics.ts';
