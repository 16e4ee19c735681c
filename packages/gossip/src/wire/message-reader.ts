import type { WireLimits } from './limits.ts';
import type { Ack, Alive, Dead, IndirectPing, Nack, Ping, Suspect } from './message.ts';
import {
  ACCUSATION_KEYS,
  ACK_KEYS,
  ALIVE_KEYS,
  INDIRECT_PING_KEYS,
  NACK_KEYS,
  PING_KEYS,
} from './message-keys.ts';
import type { MsgpackReader } from './msgpack-reader.ts';

/** The largest value of a 32-bit field: sequence numbers and incarnations. */
export const MAX_UINT32 = 0xffffffff;
/** The largest port. */
export const MAX_PORT = 0xffff;
/** What a field holds that the sender left out. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The address that stands for "not said" is undefined, however the sender wrote it. */
function absentWhenEmpty(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined || bytes.length === 0 ? undefined : bytes;
}

/** The body of a ping, on packets and streams. */
export function readPing(reader: MsgpackReader, limits: WireLimits): Ping {
  let seqNo = 0;
  let node = '';
  let sourceAddr: Uint8Array | undefined;
  let sourcePort = 0;
  let sourceNode = '';
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    switch (reader.key(PING_KEYS, i)) {
      case 0:
        node = reader.name(limits.maxNameBytes);
        break;
      case 1:
        seqNo = reader.uint(MAX_UINT32);
        break;
      case 2:
        sourceAddr = absentWhenEmpty(reader.copy());
        break;
      case 3:
        sourceNode = reader.name(limits.maxNameBytes);
        break;
      case 4:
        sourcePort = reader.uint(MAX_PORT);
        break;
      default:
        reader.skip();
    }
  }
  return { type: 'ping', seqNo, node, sourceAddr, sourcePort, sourceNode };
}

/** The body of an indirect ping. */
export function readIndirectPing(reader: MsgpackReader, limits: WireLimits): IndirectPing {
  let seqNo = 0;
  let target = NO_BYTES;
  let port = 0;
  let node = '';
  let nack = false;
  let sourceAddr: Uint8Array | undefined;
  let sourcePort = 0;
  let sourceNode = '';
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    switch (reader.key(INDIRECT_PING_KEYS, i)) {
      case 0:
        nack = reader.bool();
        break;
      case 1:
        node = reader.name(limits.maxNameBytes);
        break;
      case 2:
        port = reader.uint(MAX_PORT);
        break;
      case 3:
        seqNo = reader.uint(MAX_UINT32);
        break;
      case 4:
        sourceAddr = absentWhenEmpty(reader.copy());
        break;
      case 5:
        sourceNode = reader.name(limits.maxNameBytes);
        break;
      case 6:
        sourcePort = reader.uint(MAX_PORT);
        break;
      case 7:
        target = reader.copy() ?? NO_BYTES;
        break;
      default:
        reader.skip();
    }
  }
  const source = { sourceAddr, sourcePort, sourceNode };
  return { type: 'indirectPing', seqNo, target, port, node, nack, ...source };
}

/** The body of an ack, on packets and streams; its payload is a view of the input. */
export function readAck(reader: MsgpackReader): Ack {
  let seqNo = 0;
  let payload: Uint8Array | undefined;
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    switch (reader.key(ACK_KEYS, i)) {
      case 0:
        payload = reader.view();
        break;
      case 1:
        seqNo = reader.uint(MAX_UINT32);
        break;
      default:
        reader.skip();
    }
  }
  return { type: 'ack', seqNo, payload };
}

/** The body of a nack. */
export function readNack(reader: MsgpackReader): Nack {
  let seqNo = 0;
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    if (reader.key(NACK_KEYS, i) === 0) seqNo = reader.uint(MAX_UINT32);
    else reader.skip();
  }
  return { type: 'nack', seqNo };
}

/** The body of a suspect. */
export function readSuspect(reader: MsgpackReader, limits: WireLimits): Suspect {
  const { incarnation, node, from } = readAccusation(reader, limits);
  return { type: 'suspect', incarnation, node, from };
}

/** The body of a dead. */
export function readDead(reader: MsgpackReader, limits: WireLimits): Dead {
  const { incarnation, node, from } = readAccusation(reader, limits);
  return { type: 'dead', incarnation, node, from };
}

function readAccusation(
  reader: MsgpackReader,
  limits: WireLimits,
): Pick<Suspect, 'incarnation' | 'node' | 'from'> {
  let incarnation = 0;
  let node = '';
  let from = '';
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    switch (reader.key(ACCUSATION_KEYS, i)) {
      case 0:
        from = reader.name(limits.maxNameBytes);
        break;
      case 1:
        incarnation = reader.uint(MAX_UINT32);
        break;
      case 2:
        node = reader.name(limits.maxNameBytes);
        break;
      default:
        reader.skip();
    }
  }
  return { incarnation, node, from };
}

/** The body of an alive; its bytes are copies. */
export function readAlive(reader: MsgpackReader, limits: WireLimits): Alive {
  let incarnation = 0;
  let node = '';
  let addr = NO_BYTES;
  let port = 0;
  let meta: Uint8Array | undefined;
  let versions = NO_BYTES;
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    switch (reader.key(ALIVE_KEYS, i)) {
      case 0:
        addr = reader.copy() ?? NO_BYTES;
        break;
      case 1:
        incarnation = reader.uint(MAX_UINT32);
        break;
      case 2:
        meta = reader.copy();
        break;
      case 3:
        node = reader.name(limits.maxNameBytes);
        break;
      case 4:
        port = reader.uint(MAX_PORT);
        break;
      case 5:
        versions = reader.copy() ?? NO_BYTES;
        break;
      default:
        reader.skip();
    }
  }
  return { type: 'alive', incarnation, node, addr, port, meta, versions };
}
