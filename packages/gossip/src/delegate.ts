import type { Address } from '@ml/transport';
import type { Member } from './events.ts';

/**
 * The application's side of the protocol. All synchronous: they run inside the protocol's turn and may only read
 * or queue. One that throws is a fault of the application: it is logged and counted, and the call has no result.
 */
export interface Delegate {
  /** Meta data of our own node, at most `maxBytes` long (512). */
  nodeMeta(maxBytes: number): Uint8Array;
  /**
   * A user message arrived, by packet or stream. The bytes never change, but may be part of a whole packet: who keeps
   * them for long should copy them, so that the rest of it is freed. `from` is what the sender says of itself or where
   * its stream comes from, good for logs.
   */
  onMessage(bytes: Uint8Array, from: Address): void;
  /**
   * User broadcasts to send now: each costs its length plus `overheadBytes`, together at most `maxBytes`.
   * Called for every gossip target and every packet with room left. After queueing something outside of a
   * delegate call, call {@link Memberlist.wakeGossip}: without it an idle node does not ask.
   */
  broadcasts(overheadBytes: number, maxBytes: number): readonly Uint8Array[];
  /** Our full user state for a push/pull; empty for none. */
  localState(isJoin: boolean): Uint8Array;
  /** The peer's full user state; never called with nothing. */
  mergeRemoteState(bytes: Uint8Array, isJoin: boolean, from: Address): void;
}

/** Is told of two nodes that claim one name. As memberlist's Conflict delegate. */
export interface ConflictDelegate {
  onConflict(existing: Member, other: Member): void;
}

/** May keep members out, at every sign of life, old news included. As memberlist's Alive delegate. */
export interface AliveDelegate {
  /** A reason to ignore `member`, undefined to take it. */
  refuseAlive(member: Member): string | undefined;
}

/** May refuse to become one cluster with others. Asked on joins only, on both sides, before anything is merged. */
export interface MergeDelegate {
  /** A reason to refuse, undefined to merge with these members. */
  refuseMerge(members: readonly Member[]): string | undefined;
}

/** Puts data on answers to pings and measures round trips. As memberlist's Ping delegate. */
export interface PingDelegate {
  /** Goes out with every answer to a packet ping; keep it small. */
  ackPayload(): Uint8Array;
  /** A direct ping of ours was answered; relayed and stream answers are not reported. */
  onPingComplete(member: Member, roundTripMs: number, payload: Uint8Array): void;
  /** Whether a member that missed a ping may be tried over a stream. Default: yes, where the configuration allows it. */
  allowStreamPing?(member: Member): boolean;
}

/** All that an application may plug in. Each is optional. */
export interface Delegates {
  readonly delegate?: Delegate;
  readonly conflict?: ConflictDelegate;
  readonly alive?: AliveDelegate;
  readonly merge?: MergeDelegate;
  readonly ping?: PingDelegate;
}
