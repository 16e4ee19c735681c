import type { Address } from '@ml/transport';

/** `suspect`: accused, not yet given up. `left`: gone on purpose. */
export type MemberState = 'alive' | 'suspect' | 'dead' | 'left';

/** Which versions of the gossip protocol (`p…`) and of the application's own (`d…`) a member speaks: range and current. */
export interface ProtocolVersions {
  readonly pMin: number;
  readonly pMax: number;
  readonly pCur: number;
  readonly dMin: number;
  readonly dMax: number;
  readonly dCur: number;
}

/** One member as this node sees it at one moment. */
export interface Member {
  /** Unique in the cluster. */
  readonly name: string;
  readonly address: Address;
  /** The application's data about the member, up to 512 bytes. */
  readonly meta: Uint8Array;
  readonly state: MemberState;
  /** Grows whenever the member has news of itself; of two claims about it the one with the larger number wins. */
  readonly incarnation: number;
  readonly protocol: ProtocolVersions;
}

/**
 * What happened to the membership. `leave`: a member is dead or left, see its state. `update`: its meta data changed.
 * `conflict`: two nodes claim one name from different addresses; `existing` is the one we keep.
 * `dropped`: this reader was too slow and missed `count` events.
 */
export type MemberEvent =
  | { readonly type: 'join' | 'leave' | 'update'; readonly member: Member }
  | { readonly type: 'conflict'; readonly existing: Member; readonly other: Member }
  | { readonly type: 'dropped'; readonly count: number };
