import { type Address, formatIp } from '@ml/transport';
import {
  buildPackets,
  COMPOUND_HEADER_OVERHEAD,
  COMPOUND_PART_OVERHEAD,
  type CompoundParts,
  labelOverhead,
  USER_PART_OVERHEAD,
} from '../wire/index.ts';
import type { CoreContext } from './context.ts';
import type { Identity } from './member-pool.ts';

const none: readonly Uint8Array[] = [];

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
    const { messages, payloads } = this.takeBroadcasts(now, this.#budgetBytes - message.length);
    this.send(to, { messages: [message, ...messages], payloads }, false);
  }

  /** Sends broadcasts alone; false when there are none. */
  sendBroadcasts(now: number, to: Identity): boolean {
    const parts = this.takeBroadcasts(now, this.#budgetBytes);
    if (parts.messages.length + parts.payloads.length === 0) return false;
    this.send(to.address, parts, understandsCrc(to));
    return true;
  }

  send(to: Address, { messages, payloads }: CompoundParts, crc: boolean): void {
    const { label, compression } = this.#context.config;
    const options = { label, compress: compression, crc };
    for (const bytes of buildPackets(messages, options, payloads)) {
      this.#context.emit({ type: 'packet', to, bytes });
    }
  }

  /** Membership messages first, then the application's, for one packet. */
  takeBroadcasts(now: number, limitBytes: number): CompoundParts {
    const { queue, delegates } = this.#context;
    const messages = queue.take(COMPOUND_PART_OVERHEAD, limitBytes);
    const { delegate } = delegates;
    if (delegate === undefined) return { messages, payloads: none };
    let left = limitBytes;
    for (const message of messages) left -= COMPOUND_PART_OVERHEAD + message.length;
    const overhead = COMPOUND_PART_OVERHEAD + USER_PART_OVERHEAD;
    if (left <= overhead) return { messages, payloads: none };
    const payloads = this.#context.ask(now, 'broadcasts', none, () =>
      delegate.broadcasts(overhead, left),
    );
    return { messages, payloads };
  }
}

export function understandsCrc(identity: Identity): boolean {
  return (identity.versions[1] ?? 0) >= CRC_PROTOCOL;
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
