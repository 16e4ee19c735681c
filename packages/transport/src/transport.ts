/** Where a member can be reached. `host` is an IP literal without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** One datagram-like unit as it arrived. */
export interface Packet {
  readonly bytes: Uint8Array;
  /** What the sender says of itself; only good for logs and as a reply address of last resort. */
  readonly from: Address;
  /** {@link Clock.now} when it arrived. */
  readonly receivedAt: number;
}

/** One two-way connection. */
export interface Stream extends AsyncDisposable {
  readonly remote: Address;
  /** Bytes from the other side in arrival order; ends when the other side closes, throws when the connection breaks. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes have left our hands (back-pressure); rejects when the connection is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** Says that nothing more will be written; reading goes on. */
  closeWrite(): Promise<void>;
}

/** Who gets what arrives. Both are called synchronously; `onStream` owns the stream it is given. */
export interface TransportHandler {
  onPacket(packet: Packet): void;
  onStream(stream: Stream): void;
}

/** How members exchange packets and streams. Every implementation passes the conformance suite. */
export interface Transport extends AsyncDisposable {
  /** What other members dial. */
  readonly advertised: Address;
  /**
   * The advertised IP as it goes into gossip messages: 4 or 16 bytes (IPv4 may come in its 16-byte mapped form).
   * Peers compare it byte by byte, so it stays the same for the life of the process.
   */
  readonly advertisedIp: Uint8Array;
  /** Largest packet that the gossip layer may build. dskit's TCP-only transport: 10 MiB. */
  readonly maxPacketBytes: number;
  /** Starts delivering. Called once. */
  listen(handler: TransportHandler): Promise<void>;
  /** Best effort: returns at once; failures are counted, never thrown. The bytes may not be changed afterwards. */
  sendPacket(to: Address, bytes: Uint8Array): void;
  /** Opens a stream. @throws {DialError} when that fails or takes longer than `timeoutMs` (0: no limit). */
  dial(
    to: Address,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Stream>;
}
