import { noteAsync } from '@ml/runtime';
import type { Address, Packet, Stream, Transport, TransportHandler } from '@ml/transport';
import type { Cpu } from './cpu.ts';
import { TRACE_KINDS, type Trace } from './trace.ts';

/** What one node has sent and received since it was added, over all its lives. */
export interface NodeTraffic {
  sentPackets: number;
  sentPacketBytes: number;
  receivedPackets: number;
  receivedPacketBytes: number;
  /** Bytes written to streams, both those it dialled and those it accepted. */
  sentStreamBytes: number;
  receivedStreamBytes: number;
  dials: number;
}

/** No traffic yet. */
export function noTraffic(): NodeTraffic {
  return {
    sentPackets: 0,
    sentPacketBytes: 0,
    receivedPackets: 0,
    receivedPacketBytes: 0,
    sentStreamBytes: 0,
    receivedStreamBytes: 0,
    dials: 0,
  };
}

/** What a {@link TracedTransport} is made of. */
export interface TracedTransportOptions {
  readonly inner: Transport;
  readonly trace: Trace;
  /** Number of the node in the trace. */
  readonly node: number;
  readonly traffic: NodeTraffic;
  readonly cpu: Cpu;
  /** Whether the process lives: the dead send nothing, and nothing of theirs is written down. */
  readonly alive: () => boolean;
}

/** A node's way to the network: counts and writes down what passes, and lets a slow processor take its time. */
export class TracedTransport implements Transport {
  readonly #options: TracedTransportOptions;

  constructor(options: TracedTransportOptions) {
    this.#options = options;
  }

  get advertised(): Address {
    return this.#options.inner.advertised;
  }

  get advertisedIp(): Uint8Array {
    return this.#options.inner.advertisedIp;
  }

  get maxPacketBytes(): number {
    return this.#options.inner.maxPacketBytes;
  }

  async listen(handler: TransportHandler): Promise<void> {
    const { cpu } = this.#options;
    await this.#options.inner.listen({
      onPacket: (packet) => {
        if (cpu.slow) cpu.enqueue(() => this.#receive(handler, packet), { plain: true });
        else this.#receive(handler, packet);
      },
      onStream: (stream) => {
        if (!cpu.slow) this.#accept(handler, stream);
        else if (!cpu.enqueue(() => this.#accept(handler, stream), {})) {
          noteAsync();
          void stream[Symbol.asyncDispose]();
        }
      },
    });
  }

  sendPacket(to: Address, bytes: Uint8Array): void {
    const { inner, trace, node, traffic, alive } = this.#options;
    if (!alive()) return;
    traffic.sentPackets += 1;
    traffic.sentPacketBytes += bytes.length;
    trace.bytes(TRACE_KINDS.packetSent, node, to, bytes);
    inner.sendPacket(to, bytes);
  }

  async dial(
    to: Address,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Stream> {
    const { inner, trace, node, traffic, alive } = this.#options;
    if (alive()) {
      traffic.dials += 1;
      trace.bytes(TRACE_KINDS.streamDialled, node, to, NO_BYTES);
    }
    return new TracedStream(await inner.dial(to, options), this.#options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.inner[Symbol.asyncDispose]();
  }

  #receive(handler: TransportHandler, packet: Packet): void {
    const { trace, node, traffic, alive } = this.#options;
    if (!alive()) return;
    const { bytes, from } = packet;
    traffic.receivedPackets += 1;
    traffic.receivedPacketBytes += bytes.length;
    trace.bytes(TRACE_KINDS.packetReceived, node, from, bytes);
    handler.onPacket(packet);
  }

  #accept(handler: TransportHandler, stream: Stream): void {
    const { trace, node, alive } = this.#options;
    if (alive()) trace.bytes(TRACE_KINDS.streamAccepted, node, stream.remote, NO_BYTES);
    handler.onStream(new TracedStream(stream, this.#options));
  }
}

class TracedStream implements Stream {
  readonly remote: Address;
  readonly source: AsyncIterable<Uint8Array>;
  readonly #inner: Stream;
  readonly #options: TracedTransportOptions;

  constructor(inner: Stream, options: TracedTransportOptions) {
    this.remote = inner.remote;
    this.#inner = inner;
    this.#options = options;
    this.source = this.#read();
  }

  write(bytes: Uint8Array): Promise<void> {
    const { trace, node, traffic, alive } = this.#options;
    if (alive()) {
      traffic.sentStreamBytes += bytes.length;
      trace.bytes(TRACE_KINDS.streamSent, node, this.remote, bytes);
    }
    return this.#inner.write(bytes);
  }

  closeWrite(): Promise<void> {
    return this.#inner.closeWrite();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    const { trace, node, traffic, alive } = this.#options;
    for await (const bytes of this.#inner.source) {
      if (alive()) {
        traffic.receivedStreamBytes += bytes.length;
        trace.bytes(TRACE_KINDS.streamReceived, node, this.remote, bytes);
      }
      yield bytes;
    }
  }
}

const NO_BYTES = new Uint8Array(0);
