/**
 * Framing of dskit's TCP-only transport. Each packet and each stream is a connection of its own; the first byte
 * says which. Packet: type, length of the sender's address, the address, the payload, its MD5, end of connection.
 * Stream: type, then whatever the gossip layer writes. T-1
 */

/** First byte of a packet connection. */
export const PACKET_TYPE = 1;
/** First byte of a stream connection. */
export const STREAM_TYPE = 2;
/** Bytes of the MD5 that ends a packet. */
export const DIGEST_BYTES = 16;
/** The sender's address has a length of one byte. */
export const MAX_SENDER_BYTES = 255;

/** A frame up to this size is copied into one buffer: one system call instead of a gathered write. */
const COPY_LIMIT_BYTES = 16 * 1024;

/** A packet as taken from its connection. Nothing of it has been checked but the lengths. */
export interface PacketFrame {
  readonly type: 'packet';
  /** The sender's address as written, one character a byte; peers may put anything there. */
  readonly sender: string;
  readonly payload: Uint8Array;
  readonly digest: Uint8Array;
}

/**
 * Why bytes are not a packet: `no_sender` they end inside the sender's address, `no_digest` fewer than 16 bytes
 * follow it, `too_large` they pass the limit.
 */
export interface PacketFault {
  readonly type: 'fault';
  readonly reason: 'no_sender' | 'no_digest' | 'too_large';
}

/** The bytes before the payload; the same for every packet of a node. `sender` is ASCII of at most 255 bytes, or empty. */
export function encodePacketHeader(sender: string): Uint8Array {
  const address = new TextEncoder().encode(sender);
  if (address.length > MAX_SENDER_BYTES) {
    throw new RangeError(
      `a sender address of ${address.length} bytes does not fit its length byte`,
    );
  }
  return Uint8Array.from([PACKET_TYPE, address.length, ...address]);
}

/** All bytes of a packet connection, as the pieces of one gathered write. The payload is not copied when large. */
export function encodePacketFrame(
  header: Uint8Array,
  payload: Uint8Array,
  digest: Uint8Array,
): readonly Uint8Array[] {
  const length = header.length + payload.length + digest.length;
  if (length > COPY_LIMIT_BYTES) return [header, payload, digest];
  const frame = new Uint8Array(length);
  frame.set(header);
  frame.set(payload, header.length);
  frame.set(digest, header.length + payload.length);
  return [frame];
}

/** Collects the bytes after the type byte of a packet connection. */
export class PacketFrameDecoder {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  /** @param maxBytes limit for everything after the type byte. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** Takes more bytes; false when they pass the limit, after which the frame is lost and nothing is held. */
  push(chunk: Uint8Array): boolean {
    this.#length += chunk.length;
    if (this.#length > this.#maxBytes) {
      this.#chunks.length = 0;
      return false;
    }
    this.#chunks.push(chunk);
    return true;
  }

  /** What the bytes are, once the sender has ended the connection. The payload is a view into them. */
  finish(): PacketFrame | PacketFault {
    if (this.#length > this.#maxBytes) return { type: 'fault', reason: 'too_large' };
    const bytes = this.#joined();
    const senderBytes = bytes[0];
    if (senderBytes === undefined || bytes.length < 1 + senderBytes) {
      return { type: 'fault', reason: 'no_sender' };
    }
    const start = 1 + senderBytes;
    const end = bytes.length - DIGEST_BYTES;
    if (end < start) return { type: 'fault', reason: 'no_digest' };
    let sender = '';
    for (let at = 1; at < start; at++) sender += String.fromCharCode(bytes[at] ?? 0);
    return {
      type: 'packet',
      sender,
      payload: bytes.subarray(start, end),
      digest: bytes.subarray(end),
    };
  }

  #joined(): Uint8Array {
    const only = this.#chunks[0];
    if (only !== undefined && this.#chunks.length === 1) return only;
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }
}

/** Whether two digests are equal. */
export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
