export { Awareness } from './awareness.ts';
export { type Broadcast, BroadcastQueue } from './broadcast-queue.ts';
export { GossipCore, type GossipCoreOptions, type MergeRefusal } from './core.ts';
export type { Effect } from './effects.ts';
export {
  pushPullIntervalMs,
  retransmitLimit,
  type SuspicionPlan,
  type SuspicionScale,
  suspicionPlan,
  suspicionTimeoutMs,
} from './formulas.ts';
export { type Identity, type IdentityParts, MemberPool } from './member-pool.ts';
export { MAX_META_BYTES } from './membership.ts';
export {
  type Claim,
  judge,
  MAX_INCARNATION,
  type MemberView,
  type Verdict,
} from './transitions.ts';
