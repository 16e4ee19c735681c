/** Type codes of messages: the first byte of each. */
export const MESSAGE_CODE = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nack: 11,
  crc: 12,
  error: 13,
  label: 244,
} as const;

/** "Are you there?"; `node` is the intended receiver, empty when it does not matter. */
export interface Ping {
  readonly type: 'ping';
  readonly seqNo: number;
  readonly node: string;
  /** Where to answer: absent when the sender did not say. */
  readonly sourceAddr: Uint8Array | undefined;
  readonly sourcePort: number;
  readonly sourceNode: string;
}

/** "Ask this one for me"; `target` is an IP, `nack` asks for an answer also when there is none. */
export interface IndirectPing {
  readonly type: 'indirectPing';
  readonly seqNo: number;
  readonly target: Uint8Array;
  readonly port: number;
  readonly node: string;
  readonly nack: boolean;
  readonly sourceAddr: Uint8Array | undefined;
  readonly sourcePort: number;
  readonly sourceNode: string;
}

export interface Ack {
  readonly type: 'ack';
  readonly seqNo: number;
  readonly payload: Uint8Array | undefined;
}

export interface Nack {
  readonly type: 'nack';
  readonly seqNo: number;
}

export interface Suspect {
  readonly type: 'suspect';
  readonly incarnation: number;
  readonly node: string;
  /** The accuser. */
  readonly from: string;
}

/** `node === from` says: left on purpose. */
export interface Dead {
  readonly type: 'dead';
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
}

export interface Alive {
  readonly type: 'alive';
  readonly incarnation: number;
  readonly node: string;
  readonly addr: Uint8Array;
  readonly port: number;
  /** At most 512 bytes. Undefined and empty mean the same; they are kept apart so that a relay has the sender's bytes. */
  readonly meta: Uint8Array | undefined;
  /** pMin, pMax, pCur, dMin, dMax, dCur. */
  readonly versions: Uint8Array;
}

/** A user message on a packet: `payload` is the rest of the message. */
export interface User {
  readonly type: 'user';
  readonly payload: Uint8Array;
}

/** What may travel in a packet once compound, compress and CRC layers are taken off. */
export type PacketMessage = Ping | IndirectPing | Ack | Nack | Suspect | Dead | Alive | User;

/** Wire numbers of member states. */
export const NODE_STATE = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;

/** One member in a push/pull. */
export interface PushPullRecord {
  readonly name: string;
  readonly addr: Uint8Array;
  readonly port: number;
  /** As {@link Alive.meta}. */
  readonly meta: Uint8Array | undefined;
  readonly incarnation: number;
  /** One of {@link NODE_STATE}; other numbers are kept and ignored by the merge. */
  readonly state: number;
  readonly versions: Uint8Array;
}

export interface PushPull {
  readonly type: 'pushPull';
  readonly join: boolean;
  readonly records: readonly PushPullRecord[];
  readonly userState: Uint8Array;
}

/** An answer that refuses: `text` is the remote's own. */
export interface RemoteError {
  readonly type: 'error';
  readonly text: string;
}

/** What may travel on a stream. */
export type StreamMessage = PushPull | User | Ping | Ack | RemoteError;
