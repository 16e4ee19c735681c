import { keyBytes } from './msgpack-writer.ts';

type KeyName =
  | 'addr'
  | 'from'
  | 'incarnation'
  | 'meta'
  | 'nack'
  | 'node'
  | 'payload'
  | 'port'
  | 'seqNo'
  | 'sourceAddr'
  | 'sourceNode'
  | 'sourcePort'
  | 'target'
  | 'vsn';

/** The keys of messages with their raw headers, as they are written. */
export const KEY: Readonly<Record<KeyName, Uint8Array>> = {
  addr: keyBytes('Addr'),
  from: keyBytes('From'),
  incarnation: keyBytes('Incarnation'),
  meta: keyBytes('Meta'),
  nack: keyBytes('Nack'),
  node: keyBytes('Node'),
  payload: keyBytes('Payload'),
  port: keyBytes('Port'),
  seqNo: keyBytes('SeqNo'),
  sourceAddr: keyBytes('SourceAddr'),
  sourceNode: keyBytes('SourceNode'),
  sourcePort: keyBytes('SourcePort'),
  target: keyBytes('Target'),
  vsn: keyBytes('Vsn'),
};

/** The keys of one kind of message as they are read, in the order in which Go peers write them: readers count along. */
export function namesOf(...keys: readonly Uint8Array[]): readonly Uint8Array[] {
  return keys.map((key) => key.subarray(1));
}

export const PING_KEYS: readonly Uint8Array[] = namesOf(
  KEY.node,
  KEY.seqNo,
  KEY.sourceAddr,
  KEY.sourceNode,
  KEY.sourcePort,
);
export const INDIRECT_PING_KEYS: readonly Uint8Array[] = namesOf(
  KEY.nack,
  KEY.node,
  KEY.port,
  KEY.seqNo,
  KEY.sourceAddr,
  KEY.sourceNode,
  KEY.sourcePort,
  KEY.target,
);
export const ACK_KEYS: readonly Uint8Array[] = namesOf(KEY.payload, KEY.seqNo);
export const NACK_KEYS: readonly Uint8Array[] = namesOf(KEY.seqNo);
export const ACCUSATION_KEYS: readonly Uint8Array[] = namesOf(KEY.from, KEY.incarnation, KEY.node);
export const ALIVE_KEYS: readonly Uint8Array[] = namesOf(
  KEY.addr,
  KEY.incarnation,
  KEY.meta,
  KEY.node,
  KEY.port,
  KEY.vsn,
);
