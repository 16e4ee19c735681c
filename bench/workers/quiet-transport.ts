import type { Address, Stream, Transport, TransportHandler } from '@ml/transport';

/** A transport of a member that is alone: nothing leaves, and what arrives is given to {@link receive}. */
export class QuietTransport implements Transport {
  readonly advertised: Address = { host: '127.0.0.1', port: 7946 };
  readonly advertisedIp: Uint8Array = Uint8Array.of(127, 0, 0, 1);
  readonly maxPacketBytes: number = 10 * 1024 * 1024;
  #handler: TransportHandler | undefined;

  async listen(handler: TransportHandler): Promise<void> {
    this.#handler = handler;
  }

  sendPacket(): void {}

  async dial(): Promise<Stream> {
    throw new TypeError('a member that is alone dials nobody');
  }

  /** Delivers one packet. */
  receive(bytes: Uint8Array): void {
    this.#handler?.onPacket({ bytes, from: { host: '127.0.0.2', port: 7946 }, receivedAt: 0 });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
