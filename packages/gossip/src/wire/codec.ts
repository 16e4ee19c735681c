import { assertNever } from '@ml/runtime';
import { WireError } from './errors.ts';
import { DEFAULT_WIRE_LIMITS, type WireLimits } from './limits.ts';
import { MESSAGE_CODE, type PacketMessage } from './message.ts';
import {
  readAck,
  readAlive,
  readDead,
  readIndirectPing,
  readNack,
  readPing,
  readSuspect,
} from './message-reader.ts';
import {
  encodeAccusation,
  encodeAck,
  encodeAlive,
  encodeIndirectPing,
  encodeNack,
  encodePing,
} from './message-writer.ts';
import { MsgpackReader } from './msgpack-reader.ts';

/**
 * The message as one part of a packet: its type byte, then the body byte for byte as the Go peer writes it.
 * No later call changes the result; it may be part of a larger buffer.
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
