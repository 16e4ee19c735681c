import { type Address, formatIp } from '@ml/transport';
import {
  buildPackets,
  COMPOUND_HEADER_OVERHEAD,
  COMPOUND_PART_OVERHEAD,
  labelOverhead,
  MESSAGE_CODE,
  USER_PART_OVERHEAD,
} from '../wire/index.ts';
import type { CoreContext } from './context.ts';
import type { Identity } from './member-pool.ts';

/** From this protocol version on, a member understands checksums. */
const CRC_PROTOCOL = 5;

/** Builds packets and fills the room that is left in them with broadcasts. */
export class Outbox {
  readonly #context: CoreContext;
  readonly #budgetBytes: number;

  constructor(context: CoreContext) {
    this.#context = context;
    this.#budgetBytes =
      context.maxPacketBytes - COMPOUND_HEADER_OVERHEAD - labelOverhead(context.config.label);
  }

  /** Sends a message with as many broadcasts as fit, never with a checksum. G-15. */
  sendPiggybacked(now: number, to: Address, message: Uint8Array): void {
    this.send(
      to,
      [message, ...this.takeBroadcasts(now, this.#budgetBytes - message.length)],
      false,
    );
  }

  /** Sends broadcasts alone; false when there are none. */
  sendBroadcasts(now: number, to: Identity): boolean {
    const parts = this.takeBroadcasts(now, this.#budgetBytes);
    if (parts.length === 0) return false;
    this.send(to.address, parts, understandsCrc(to));
    return true;
  }

  send(to: Address, parts: readonly Uint8Array[], crc: boolean): void {
    const { label, compression } = this.#context.config;
    for (const bytes of buildPackets(parts, { label, compress: compression, crc })) {
      this.#context.emit({ type: 'packet', to, bytes });
    }
  }

  /** Membership messages first, then the application's, for one packet. */
  takeBroadcasts(now: number, limitBytes: number): Uint8Array[] {
    const { queue, delegates } = this.#context;
    const parts = queue.take(COMPOUND_PART_OVERHEAD, limitBytes);
    const { delegate } = delegates;
    if (delegate === undefined) return parts;
    let left = limitBytes;
    for (const part of parts) left -= COMPOUND_PART_OVERHEAD + part.length;
    const overhead = COMPOUND_PART_OVERHEAD + USER_PART_OVERHEAD;
    if (left <= overhead) return parts;
    const users = this.#context.ask(now, 'broadcasts', [], () =>
      delegate.broadcasts(overhead, left),
    );
    for (const payload of users) parts.push(userPart(payload));
    return parts;
  }
}

export function understandsCrc(identity: Identity): boolean {
  return (identity.versions[1] ?? 0) >= CRC_PROTOCOL;
}

/** A user message as it stands in a packet. */
export function userPart(payload: Uint8Array): Uint8Array {
  const part = new Uint8Array(1 + payload.length);
  part[0] = MESSAGE_CODE.user;
  part.set(payload, 1);
  return part;
}

/** Where to answer: what the sender says of itself, else where the packet seems to come from. */
export function replyAddress(
  source: { readonly sourceAddr: Uint8Array | undefined; readonly sourcePort: number },
  from: Address,
): Address {
  if (source.sourceAddr === undefined || source.sourcePort === 0) return from;
  const host = formatIp(source.sourceAddr);
  return host === undefined ? from : { host, port: source.sourcePort };
}
