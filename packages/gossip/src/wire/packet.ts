import type { WireError } from './errors.ts';
import type { WireLimits } from './limits.ts';
import type { PacketMessage } from './message.ts';

/** How a node reads packets. */
export interface DecodePacketOptions {
  /** The label of this cluster; empty for none. */
  readonly label: string;
  /** Take packets of any label, or of none. */
  readonly skipLabelCheck: boolean;
  /** Default {@link DEFAULT_WIRE_LIMITS}. */
  readonly limits?: WireLimits;
}

/** What was in a packet: the messages that may be handled, in order, and what was dropped. */
export interface DecodedPacket {
  readonly messages: readonly PacketMessage[];
  readonly faults: readonly WireError[];
}

/** How a node writes packets. */
export interface BuildPacketsOptions {
  /** The label of this cluster; empty for none. */
  readonly label: string;
  /** Compress a packet when that makes it strictly shorter. */
  readonly compress: boolean;
  /** Lead with a checksum: only for a receiver known to speak protocol 5. */
  readonly crc: boolean;
}

/** Takes a packet apart: label, checksum, layers, messages, checks. Never throws; good messages of a partly bad packet stay. */
export declare function decodePacket(
  bytes: Uint8Array,
  options: DecodePacketOptions,
): DecodedPacket;

/**
 * Packs encoded messages for one receiver. One message travels bare; several travel in compounds of up to 255,
 * after those of more than 65,535 bytes, which travel alone. No part gives no packet.
 */
export declare function buildPackets(
  parts: readonly Uint8Array[],
  options: BuildPacketsOptions,
): Uint8Array[];
