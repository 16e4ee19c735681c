/** The application's side of the protocol. All synchronous: they run inside the protocol's turn and may only read or queue. */
export interface Delegate {
  /** Meta data of our own node, at most `maxBytes` long (512). */
  nodeMeta(maxBytes: number): Uint8Array;
  /** A user message arrived, by packet or stream. The bytes stay ours to keep. */
  onMessage(bytes: Uint8Array): void;
  /**
   * User broadcasts to send now: each costs its length plus `overheadBytes`, together at most `maxBytes`.
   * Called for every gossip target and every packet with room left.
   */
  broadcasts(overheadBytes: number, maxBytes: number): readonly Uint8Array[];
  /** Our full user state for a push/pull; empty for none. */
  localState(isJoin: boolean): Uint8Array;
  /** The peer's full user state; never called with nothing. */
  mergeRemoteState(bytes: Uint8Array, isJoin: boolean): void;
}
