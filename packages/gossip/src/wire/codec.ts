import type { PacketMessage } from './message.ts';

/** The message as one part of a packet: its type byte, then the body as the Go peer writes it. */
export declare function encodeMessage(message: PacketMessage): Uint8Array;

/**
 * Reads one part of a packet: `bytes` from `start` up to `end`, type byte first. Checks form only; a message
 * to be stored goes through {@link checkMessage} too, as {@link decodePacket} does.
 *
 * Small fields (addresses, versions, metadata) are copies; `payload`s are views of `bytes`.
 * @throws WireError
 */
export declare function decodeMessage(
  bytes: Uint8Array,
  start?: number,
  end?: number,
): PacketMessage;
