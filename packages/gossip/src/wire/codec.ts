import { assertNever } from '@ml/runtime';
import { WireError } from './errors.ts';
import { DEFAULT_WIRE_LIMITS, type WireLimits } from './limits.ts';
import {
  type Ack,
  type Alive,
  type Dead,
  type IndirectPing,
  MESSAGE_CODE,
  type Nack,
  type PacketMessage,
  type Ping,
  type Suspect,
} from './message.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { bytesBound, keyBytes, MsgpackWriter, nameBound } from './msgpack-writer.ts';

/** The largest value of a 32-bit field: sequence numbers and incarnations. */
export const MAX_UINT32 = 0xffffffff;
/** The largest port. */
export const MAX_PORT = 0xffff;
/** What a field holds that the sender left out. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Covers type byte, map header, keys and integers of every message, with room to spare. */
const FIXED_BOUND_BYTES = 160;

const KEY = {
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
} as const;

// Keys as they are read, in the order in which Go peers write them; the cases of the readers count along.
const names = (...keys: readonly Uint8Array[]): readonly Uint8Array[] =>
  keys.map((key) => key.subarray(1));
const PING_KEYS = names(KEY.node, KEY.seqNo, KEY.sourceAddr, KEY.sourceNode, KEY.sourcePort);
const INDIRECT_PING_KEYS = names(
  KEY.nack,
  KEY.node,
  KEY.port,
  KEY.seqNo,
  KEY.sourceAddr,
  KEY.sourceNode,
  KEY.sourcePort,
  KEY.target,
);
const ACK_KEYS = names(KEY.payload, KEY.seqNo);
const NACK_KEYS = names(KEY.seqNo);
const ACCUSATION_KEYS = names(KEY.from, KEY.incarnation, KEY.node);
const ALIVE_KEYS = names(KEY.addr, KEY.incarnation, KEY.meta, KEY.node, KEY.port, KEY.vsn);

/**
 * The message as one part of a packet: its type byte, then the body byte for byte as the Go peer writes it.
 * The result is a buffer of its own.
 */
export function encodeMessage(message: PacketMessage): Uint8Array {
  switch (message.type) {
    case 'ping':
      return encodePing(message);
    case 'indirectPing':
      return encodeIndirectPing(message);
    case 'ack':
      return encodeAck(message);
    case 'nack':
      return encodeNack(message);
    case 'suspect':
      return encodeAccusation(MESSAGE_CODE.suspect, message);
    case 'dead':
      return encodeAccusation(MESSAGE_CODE.dead, message);
    case 'alive':
      return encodeAlive(message);
    case 'user': {
      const bytes = new Uint8Array(1 + message.payload.length);
      bytes[0] = MESSAGE_CODE.user;
      bytes.set(message.payload, 1);
      return bytes;
    }
    default:
      return assertNever(message);
  }
}

/**
 * Reads one part of a packet: `bytes` from `start` up to `end`, type byte first. Bytes after the body are ignored,
 * except in a user message, which has no end of its own. Checks form only: what {@link checkMessage} wants is
 * asked by {@link decodePacket}.
 *
 * Addresses, versions and metadata are copies; a `payload` is a view of `bytes`, to be copied by whoever keeps it.
 * @throws WireError
 */
export function decodeMessage(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): PacketMessage {
  return decodeMessageWithin(bytes, start, end, DEFAULT_WIRE_LIMITS);
}

/** As {@link decodeMessage}, with limits of the caller's. */
export function decodeMessageWithin(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: WireLimits,
): PacketMessage {
  if (start >= end) throw new WireError('empty', 'packet: a message without its type byte');
  const code = bytes[start] as number;
  if (code === MESSAGE_CODE.user) return { type: 'user', payload: bytes.subarray(start + 1, end) };
  const reader = new MsgpackReader(bytes, start + 1, end);
  switch (code) {
    case MESSAGE_CODE.ping:
      return readPing(reader, limits);
    case MESSAGE_CODE.indirectPing:
      return readIndirectPing(reader, limits);
    case MESSAGE_CODE.ack:
      return readAck(reader);
    case MESSAGE_CODE.nack:
      return readNack(reader);
    case MESSAGE_CODE.suspect:
      return readSuspect(reader, limits);
    case MESSAGE_CODE.dead:
      return readDead(reader, limits);
    case MESSAGE_CODE.alive:
      return readAlive(reader, limits);
    default:
      throw new WireError('unknown_type', `packet: a message of type ${code}, which is none`);
  }
}

function encodePing(message: Ping): Uint8Array {
  const writer = new MsgpackWriter(
    FIXED_BOUND_BYTES +
      nameBound(message.node) +
      nameBound(message.sourceNode) +
      bytesBound(message.sourceAddr),
  );
  writer.byte(MESSAGE_CODE.ping);
  writer.mapHeader(2 + sourceFields(message));
  writer.key(KEY.node);
  writer.name(message.node);
  writer.key(KEY.seqNo);
  writer.uint(message.seqNo);
  writeSource(writer, message);
  return writer.finish();
}

function encodeIndirectPing(message: IndirectPing): Uint8Array {
  const writer = new MsgpackWriter(
    FIXED_BOUND_BYTES +
      nameBound(message.node) +
      nameBound(message.sourceNode) +
      bytesBound(message.sourceAddr) +
      bytesBound(message.target),
  );
  writer.byte(MESSAGE_CODE.indirectPing);
  writer.mapHeader(5 + sourceFields(message));
  writer.key(KEY.nack);
  writer.bool(message.nack);
  writer.key(KEY.node);
  writer.name(message.node);
  writer.key(KEY.port);
  writer.uint(message.port);
  writer.key(KEY.seqNo);
  writer.uint(message.seqNo);
  writeSource(writer, message);
  writer.key(KEY.target);
  writer.raw(nilWhenEmpty(message.target));
  return writer.finish();
}

/** The three optional fields of both pings. */
interface Source {
  readonly sourceAddr: Uint8Array | undefined;
  readonly sourcePort: number;
  readonly sourceNode: string;
}

function sourceFields(source: Source): number {
  return (
    (hasBytes(source.sourceAddr) ? 1 : 0) +
    (source.sourceNode === '' ? 0 : 1) +
    (source.sourcePort === 0 ? 0 : 1)
  );
}

function writeSource(writer: MsgpackWriter, source: Source): void {
  if (hasBytes(source.sourceAddr)) {
    writer.key(KEY.sourceAddr);
    writer.raw(source.sourceAddr);
  }
  if (source.sourceNode !== '') {
    writer.key(KEY.sourceNode);
    writer.name(source.sourceNode);
  }
  if (source.sourcePort !== 0) {
    writer.key(KEY.sourcePort);
    writer.uint(source.sourcePort);
  }
}

/** The answer to a ping, on packets and streams. */
export function encodeAck(message: Ack): Uint8Array {
  const writer = new MsgpackWriter(FIXED_BOUND_BYTES + bytesBound(message.payload));
  writer.byte(MESSAGE_CODE.ack);
  writer.mapHeader(2);
  writer.key(KEY.payload);
  writer.raw(message.payload);
  writer.key(KEY.seqNo);
  writer.uint(message.seqNo);
  return writer.finish();
}

function encodeNack(message: Nack): Uint8Array {
  const writer = new MsgpackWriter(FIXED_BOUND_BYTES);
  writer.byte(MESSAGE_CODE.nack);
  writer.mapHeader(1);
  writer.key(KEY.seqNo);
  writer.uint(message.seqNo);
  return writer.finish();
}

function encodeAccusation(code: number, message: Suspect | Dead): Uint8Array {
  const writer = new MsgpackWriter(
    FIXED_BOUND_BYTES + nameBound(message.from) + nameBound(message.node),
  );
  writer.byte(code);
  writer.mapHeader(3);
  writer.key(KEY.from);
  writer.name(message.from);
  writer.key(KEY.incarnation);
  writer.uint(message.incarnation);
  writer.key(KEY.node);
  writer.name(message.node);
  return writer.finish();
}

function encodeAlive(message: Alive): Uint8Array {
  const writer = new MsgpackWriter(
    FIXED_BOUND_BYTES +
      nameBound(message.node) +
      bytesBound(message.addr) +
      bytesBound(message.meta) +
      bytesBound(message.versions),
  );
  writer.byte(MESSAGE_CODE.alive);
  writer.mapHeader(6);
  writer.key(KEY.addr);
  writer.raw(nilWhenEmpty(message.addr));
  writer.key(KEY.incarnation);
  writer.uint(message.incarnation);
  writer.key(KEY.meta);
  writer.raw(message.meta);
  writer.key(KEY.node);
  writer.name(message.node);
  writer.key(KEY.port);
  writer.uint(message.port);
  writer.key(KEY.vsn);
  writer.raw(nilWhenEmpty(message.versions));
  return writer.finish();
}

function hasBytes(bytes: Uint8Array | undefined): bytes is Uint8Array {
  return bytes !== undefined && bytes.length > 0;
}

/** Go's absent byte string is nil. */
function nilWhenEmpty(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length === 0 ? undefined : bytes;
}

/** The address that stands for "not said" is undefined, however the sender wrote it. */
function absentWhenEmpty(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return hasBytes(bytes) ? bytes : undefined;
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

function readIndirectPing(reader: MsgpackReader, limits: WireLimits): IndirectPing {
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

function readNack(reader: MsgpackReader): Nack {
  let seqNo = 0;
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    if (reader.key(NACK_KEYS, i) === 0) seqNo = reader.uint(MAX_UINT32);
    else reader.skip();
  }
  return { type: 'nack', seqNo };
}

function readSuspect(reader: MsgpackReader, limits: WireLimits): Suspect {
  const { incarnation, node, from } = readAccusation(reader, limits);
  return { type: 'suspect', incarnation, node, from };
}

function readDead(reader: MsgpackReader, limits: WireLimits): Dead {
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

function readAlive(reader: MsgpackReader, limits: WireLimits): Alive {
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
