import {
  type Ack,
  type Alive,
  type Dead,
  type IndirectPing,
  MESSAGE_CODE,
  type Nack,
  type Ping,
  type Suspect,
} from './message.ts';
import { KEY } from './message-keys.ts';
import { bytesBound, MsgpackWriter, nameBound } from './msgpack-writer.ts';

/** Covers type byte, map header, keys and integers of every message, with room to spare. */
const FIXED_BOUND_BYTES = 160;

/** A ping, on packets and streams. */
export function encodePing(message: Ping): Uint8Array {
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

/** A request to ping somebody else. */
export function encodeIndirectPing(message: IndirectPing): Uint8Array {
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

/** The answer that there was no answer. */
export function encodeNack(message: Nack): Uint8Array {
  const writer = new MsgpackWriter(FIXED_BOUND_BYTES);
  writer.byte(MESSAGE_CODE.nack);
  writer.mapHeader(1);
  writer.key(KEY.seqNo);
  writer.uint(message.seqNo);
  return writer.finish();
}

/** A suspect or dead message: they differ in `code` alone. */
export function encodeAccusation(code: number, message: Suspect | Dead): Uint8Array {
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

/** A member's announcement. */
export function encodeAlive(message: Alive): Uint8Array {
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
