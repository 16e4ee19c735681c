import { crc32 } from '@ml/runtime/hash';
import { checkMessage } from './check.ts';
import { decodeMessageWithin } from './codec.ts';
import {
  type CompoundParts,
  compoundSize,
  isOneCompound,
  readCompound,
  splitParts,
  userPart,
  writeCompound,
} from './compound.ts';
import { compressIfShorter, readCompressed } from './compress.ts';
import { WireError } from './errors.ts';
import { type LabelCheck, labelHeader, readLabel } from './label.ts';
import { DEFAULT_WIRE_LIMITS, type WireLimits } from './limits.ts';
import { MESSAGE_CODE, type PacketMessage } from './message.ts';
import { MsgpackReader } from './msgpack-reader.ts';

/** Type byte and checksum. */
const CRC_BYTES = 5;
/** Layers of compression around a message. */
const MAX_COMPRESSIONS = 1;
/** A packet with more faults than this is not read to its end. */
const MAX_FAULTS = 256;

/** Where compounds are put together that become shorter before they leave. */
const SCRATCH_BYTES = 65_536;
const scratch = new Uint8Array(SCRATCH_BYTES);

/** How a node reads packets. */
export interface DecodePacketOptions extends LabelCheck {
  /** Default {@link DEFAULT_WIRE_LIMITS}. */
  readonly limits?: WireLimits;
}

/** What was in a packet: the messages that may be acted on, in order, and why the others were dropped. */
export interface DecodedPacket {
  readonly messages: readonly PacketMessage[];
  readonly faults: readonly WireError[];
}

/** How a node writes packets. */
export interface BuildPacketsOptions {
  /** The label of this cluster, at most 255 bytes; empty for none. */
  readonly label: string;
  /** Compress a packet when that makes it strictly shorter. */
  readonly compress: boolean;
  /** Lead with a checksum: only for a receiver known to understand protocol 5. */
  readonly crc: boolean;
}

/**
 * Takes a packet apart: label, checksum, compounds and compression, messages, {@link checkMessage}. Never throws:
 * what is bad is dropped and reported, and the good messages of a partly bad packet stay. Payloads may be views of
 * `bytes`.
 */
export function decodePacket(bytes: Uint8Array, options: DecodePacketOptions): DecodedPacket {
  const decoder = new PacketDecoder(options.limits ?? DEFAULT_WIRE_LIMITS);
  decoder.attempt(() => decoder.packet(bytes, options));
  return decoder;
}

const none: readonly Uint8Array[] = [];

/**
 * Packs encoded messages for one receiver, and behind them user messages of these payloads. One message travels bare; several travel in compounds of up to 255,
 * after those of more than 65,535 bytes, which travel alone. No message gives no packet. Without label, checksum and
 * compression a bare message is its own packet: the same buffer.
 */
export function buildPackets(
  messages: readonly Uint8Array[],
  options: BuildPacketsOptions,
  payloads: readonly Uint8Array[] = none,
): Uint8Array[] {
  const all = { messages, payloads };
  if (isOneCompound(all)) return [wrapCompound(all, options)];
  const { bare, compounds } = splitParts([...messages, ...payloads.map(userPart)]);
  const packets: Uint8Array[] = [];
  for (const part of bare) packets.push(wrap(part, options));
  for (const compound of compounds) {
    packets.push(wrapCompound({ messages: compound, payloads: none }, options));
  }
  return packets;
}

/** A compound is mostly compressed: then its plain form is needed for a moment only. */
function wrapCompound(parts: CompoundParts, options: BuildPacketsOptions): Uint8Array {
  const size = compoundSize(parts);
  const brief = options.compress && size <= SCRATCH_BYTES;
  const plain = brief ? scratch.subarray(0, size) : new Uint8Array(size);
  writeCompound(parts, plain, 0);
  const body = options.compress ? compressIfShorter(plain) : undefined;
  return withHeaders(body ?? (brief ? plain.slice() : plain), options);
}

/** Puts the outer layers around a message. */
function wrap(message: Uint8Array, options: BuildPacketsOptions): Uint8Array {
  return withHeaders(
    (options.compress ? compressIfShorter(message) : undefined) ?? message,
    options,
  );
}

function withHeaders(body: Uint8Array, options: BuildPacketsOptions): Uint8Array {
  const header = labelHeader(options.label);
  if (header.length === 0 && !options.crc) return body;
  const bodyAt = header.length + (options.crc ? CRC_BYTES : 0);
  const packet = new Uint8Array(bodyAt + body.length);
  packet.set(header);
  packet.set(body, bodyAt);
  if (options.crc) {
    const sum = crc32(body);
    packet[header.length] = MESSAGE_CODE.crc;
    packet[header.length + 1] = sum >>> 24;
    packet[header.length + 2] = sum >>> 16;
    packet[header.length + 3] = sum >>> 8;
    packet[header.length + 4] = sum;
  }
  return packet;
}

/** The work on one packet, and what it has used of its limits. */
class PacketDecoder implements DecodedPacket {
  readonly messages: PacketMessage[] = [];
  readonly faults: WireError[] = [];
  private readonly limits: WireLimits;
  private parts = 0;
  private expandedBytes = 0;

  constructor(limits: WireLimits) {
    this.limits = limits;
  }

  /** Runs `step` and keeps its WireError as a fault. */
  attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.fault(error);
    }
  }

  packet(bytes: Uint8Array, check: LabelCheck): void {
    if (bytes.length === 0) throw new WireError('empty', 'packet: it has no byte');
    const label = readLabel(bytes, bytes.length, check);
    if (label === undefined) throw new WireError('bad_label', 'label: the header is cut');
    const end = bytes.length;
    let start = label;
    if (end - start >= CRC_BYTES && bytes[start] === MESSAGE_CODE.crc) {
      verifyChecksum(bytes, start);
      start += CRC_BYTES;
    }
    this.layer(bytes, { start, end, depth: 0, compressions: 0 });
  }

  private layer(bytes: Uint8Array, part: Part): void {
    const code = part.start < part.end ? bytes[part.start] : undefined;
    if (code === MESSAGE_CODE.compound) this.compound(bytes, deeper(part, this.limits));
    else if (code === MESSAGE_CODE.compress) this.compress(bytes, deeper(part, this.limits));
    else this.message(bytes, part);
  }

  private message(bytes: Uint8Array, part: Part): void {
    this.parts += 1;
    if (this.parts > this.limits.maxPacketParts) {
      const limit = this.limits.maxPacketParts;
      throw new WireError('too_many_parts', `packet: it has more than ${limit} messages`);
    }
    const message = decodeMessageWithin(bytes, part.start, part.end, this.limits);
    const fault = checkMessage(message, this.limits);
    if (fault === undefined) this.messages.push(message);
    else this.fault(fault);
  }

  private compound(bytes: Uint8Array, part: Part): void {
    readCompound(bytes, part.start, part.end, (start, end) => {
      if (!this.isAbandoned()) this.attempt(() => this.layer(bytes, { ...part, start, end }));
    });
  }

  private compress(bytes: Uint8Array, part: Part): void {
    if (part.compressions >= MAX_COMPRESSIONS) {
      throw new WireError('nested_too_deep', 'packet: compression inside compression');
    }
    const room = this.limits.maxPacketBytes - this.expandedBytes;
    const reader = new MsgpackReader(bytes, part.start + 1, part.end);
    const plain = readCompressed(reader, room);
    this.expandedBytes += plain.length;
    const compressions = part.compressions + 1;
    this.layer(plain, { start: 0, end: plain.length, depth: part.depth, compressions });
  }

  /** Whether what was found so far forbids to look for more. */
  private isAbandoned(): boolean {
    return this.faults.length >= MAX_FAULTS || this.parts > this.limits.maxPacketParts;
  }

  private fault(error: WireError): void {
    if (this.faults.length >= MAX_FAULTS) return;
    const last = this.faults.length === MAX_FAULTS - 1;
    const text = `packet: more than ${MAX_FAULTS - 1} faults, the rest was not read`;
    this.faults.push(last ? new WireError('too_many_faults', text) : error);
  }
}

/** A message, or a layer of messages, and what is around it. */
interface Part {
  readonly start: number;
  readonly end: number;
  /** Layers around it. */
  readonly depth: number;
  /** How many of them are compression. */
  readonly compressions: number;
}

function deeper(part: Part, limits: WireLimits): Part {
  if (part.depth >= limits.maxPacketDepth) {
    const text = `packet: more than ${limits.maxPacketDepth} layers around a message`;
    throw new WireError('nested_too_deep', text);
  }
  return { ...part, depth: part.depth + 1 };
}

function verifyChecksum(bytes: Uint8Array, start: number): void {
  let announced = 0;
  for (let i = 1; i < CRC_BYTES; i += 1)
    announced = (announced << 8) | (bytes[start + i] as number);
  const actual = crc32(bytes.subarray(start + CRC_BYTES));
  if (announced >>> 0 !== actual) {
    const shown = [announced >>> 0, actual].map((sum) => sum.toString(16).padStart(8, '0'));
    throw new WireError('bad_crc', `packet: checksum ${shown[0]} announced, ${shown[1]} found`);
  }
}
