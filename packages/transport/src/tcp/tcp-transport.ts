import { noMetrics, type Registerer } from '@ml/metrics';
import { abortReason, Deferred, onAbort, type Runtime, type Timer } from '@ml/runtime';
import { formatAddress } from '../address.ts';
import { type Advertised, chooseAdvertised } from '../advertise.ts';
import { BindError, DialError } from '../errors.ts';
import type { NetworkInterface } from '../interfaces.ts';
import { parseIp } from '../ip.ts';
import { createTcpTransportMetrics, type TcpTransportMetrics } from '../metrics.ts';
import type { Address, Stream, Transport, TransportHandler } from '../transport.ts';
import type { TcpTransportConfig } from './config.ts';
import { Inbound, type InboundLimits } from './inbound.ts';
import { PacketWriters } from './packet-writers.ts';
import type { ListenerEvents, TcpListener, TcpSocket, TcpSockets } from './sockets.ts';
import { TcpStream } from './tcp-stream.ts';
import { encodePacketFrame, encodePacketHeader, STREAM_TYPE } from './wire.ts';

/** As dskit reports to its gossip layer; real packets stay far below. T-3 */
const MAX_PACKET_BYTES = 10 * 1024 * 1024;
const STREAM_PREFIX = Uint8Array.of(STREAM_TYPE);
/** Connections accepted before listen() was called. */
const MAX_EARLY_SOCKETS = 64;
const READ_SLACK_MS = 3000;
const ACCEPT_LOG_PERIOD_MS = 60_000;

/** Limits against other sides and our own load, which dskit does not have. T-21 */
export interface TcpTransportLimits {
  /** Inbound connections open at once. Default 2048. */
  readonly maxInboundConnections: number;
  /** Streams open at once that others opened. Default 512. */
  readonly maxInboundStreams: number;
  /** Bytes of one inbound packet connection. Default 32 MiB. */
  readonly maxPacketFrameBytes: number;
  /** Bytes of all unfinished inbound packets together. Default 256 MiB. */
  readonly maxBufferedBytes: number;
  /** Packets waiting for a writer. Default 1024. */
  readonly maxWaitingPackets: number;
  /** Bytes of packets waiting for a writer. Default 64 MiB. */
  readonly maxWaitingBytes: number;
  /** How long closing waits for packets under way, in milliseconds. Default 5000. */
  readonly closeTimeoutMs: number;
}

/** Default limits. */
export const DEFAULT_TCP_TRANSPORT_LIMITS: TcpTransportLimits = {
  maxInboundConnections: 2048,
  maxInboundStreams: 512,
  maxPacketFrameBytes: 32 * 1024 * 1024,
  maxBufferedBytes: 256 * 1024 * 1024,
  maxWaitingPackets: 1024,
  maxWaitingBytes: 64 * 1024 * 1024,
  closeTimeoutMs: 5000,
};

/** What {@link openTcpTransport} needs. */
export interface OpenTcpTransportOptions {
  readonly config: TcpTransportConfig;
  /** -memberlist.advertise-addr; empty: found by the rules of {@link chooseAdvertised}. */
  readonly advertiseAddr: string;
  /** -memberlist.advertise-port; counts only with `advertiseAddr`. */
  readonly advertisePort: number;
  readonly runtime: Runtime;
  readonly metrics?: Registerer | undefined;
  readonly sockets: TcpSockets;
  readonly interfaces: readonly NetworkInterface[];
  readonly md5: (bytes: Uint8Array) => Uint8Array;
  readonly dropBadDigest: boolean;
  readonly limits: TcpTransportLimits;
}

/**
 * Binds all addresses and makes the transport over the given sockets. All or nothing: on failure no listener is left.
 *
 * @throws {BindError} when an address is no IP or cannot be bound.
 * @throws {AdvertiseError} when there is no address to tell other members.
 */
export async function openTcpTransport(options: OpenTcpTransportOptions): Promise<Transport> {
  const transport = new TcpTransport(options);
  try {
    await transport.bind();
  } catch (error) {
    await transport[Symbol.asyncDispose]();
    throw error;
  }
  return transport;
}

/** dskit's TCP-only transport: each packet and each stream is a connection of its own. */
class TcpTransport implements Transport {
  readonly maxPacketBytes: number = MAX_PACKET_BYTES;
  readonly #options: OpenTcpTransportOptions;
  readonly #metrics: TcpTransportMetrics;
  readonly #writers: PacketWriters;
  readonly #listeners: TcpListener[] = [];
  readonly #streams = new Set<TcpStream>();
  readonly #early = new Set<TcpSocket>();
  /** How to give up each dial under way. */
  readonly #dials = new Set<() => void>();
  readonly #end = new AbortController();
  #advertised: Advertised = { address: { host: '', port: 0 }, ip: new Uint8Array(0) };
  #header: Uint8Array = encodePacketHeader('');
  #inbound: Inbound | undefined;
  #inboundConnections = 0;
  #acceptLoggedAt = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;

  constructor(options: OpenTcpTransportOptions) {
    const { config, limits, runtime, sockets, md5 } = options;
    this.#options = options;
    this.#metrics = createTcpTransportMetrics(
      options.metrics ?? noMetrics,
      () => ({
        inboundConnections: this.#inboundConnections,
        openStreams: this.#streams.size,
        busyWriters: this.#writers.busy,
        waitingPackets: this.#writers.waiting,
      }),
      this.#end.signal,
    );
    this.#writers = new PacketWriters({
      sockets,
      runtime,
      metrics: this.#metrics,
      debug: config.transportDebug,
      encode: (payload) => encodePacketFrame(this.#header, payload, md5(payload)),
      limits: {
        maxConcurrentWrites: config.maxConcurrentWrites,
        acquireWriterTimeoutMs: config.acquireWriterTimeoutMs,
        dialTimeoutMs: config.packetDialTimeoutMs,
        writeTimeoutMs: config.packetWriteTimeoutMs,
        maxWaitingPackets: limits.maxWaitingPackets,
        maxWaitingBytes: limits.maxWaitingBytes,
      },
    });
  }

  get advertised(): Address {
    return this.#advertised.address;
  }

  get advertisedIp(): Uint8Array {
    return this.#advertised.ip;
  }

  async bind(): Promise<void> {
    const { config, advertiseAddr, advertisePort, interfaces } = this.#options;
    const addresses = config.bindAddrs.length > 0 ? config.bindAddrs : ['0.0.0.0'];
    for (const host of addresses) {
      if (parseIp(host) === undefined) {
        throw new BindError(
          `bind address ${JSON.stringify(host)} is not an IP address; -memberlist.bind-addr takes IPs, not names or interfaces`,
        );
      }
    }
    for (const host of addresses) {
      const port = config.bindPort === 0 ? (this.#listeners[0]?.port ?? 0) : config.bindPort;
      const listener = await this.#options.sockets.listen({ host, port }, this.#listenerEvents());
      this.#listeners.push(listener);
    }
    this.#advertised = chooseAdvertised({
      advertiseAddr,
      advertisePort,
      bindAddr: addresses[0] ?? '',
      boundPort: this.#listeners[0]?.port ?? config.bindPort,
      interfaces,
    });
    this.#header = encodePacketHeader(formatAddress(this.#advertised.address));
  }

  async listen(handler: TransportHandler): Promise<void> {
    if (this.#closing !== undefined) throw new BindError('the transport is closed');
    if (this.#inbound !== undefined) throw new TypeError('listen() was called twice');
    const { config, limits, runtime, md5, dropBadDigest } = this.#options;
    const inbound = new Inbound(
      {
        runtime,
        metrics: this.#metrics,
        md5,
        dropBadDigest,
        debug: config.transportDebug,
        limits: inboundLimits(config, limits),
        openStream: (socket, initial) => this.#openStream(socket, initial),
      },
      handler,
    );
    this.#inbound = inbound;
    for (const socket of this.#early) inbound.accept(socket);
    this.#early.clear();
  }

  sendPacket(to: Address, bytes: Uint8Array): void {
    this.#writers.send(to, bytes);
  }

  async dial(
    to: Address,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Stream> {
    this.#metrics.outgoingStreams.inc();
    try {
      return await this.#dial(to, options);
    } catch (error) {
      this.#metrics.outgoingStreamErrors.inc();
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = this.#listeners.map((listener) => listener.close());
    this.#end.abort();
    for (const giveUp of this.#dials) giveUp();
    this.#inbound?.close();
    for (const socket of this.#early) socket.destroy();
    for (const stream of this.#streams) stream.destroy();
    await this.#writers.stop(this.#options.limits.closeTimeoutMs);
    await Promise.all(closed);
    this.#options.sockets.close();
  }

  async #dial(
    to: Address,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Stream> {
    const target = formatAddress(to);
    if (this.#closing !== undefined) throw new DialError('closed', 'the transport is closed');
    if (signal?.aborted === true) throw abortReason(signal, `dialling ${target}`);
    if (parseIp(to.host) === undefined || !(to.port > 0 && to.port <= 65535)) {
      throw new DialError('invalid', `${JSON.stringify(target)} is not an IP and a port to dial`);
    }
    const opened = new Deferred<Stream>();
    const socket = this.#options.sockets.dial(to);
    const giveUp = (error: unknown): void => {
      opened.reject(error);
      socket.destroy();
    };
    const timer = this.#dialLimit(target, timeoutMs, giveUp);
    const closing = (): void => giveUp(new DialError('closed', 'the transport is closed'));
    this.#dials.add(closing);
    using _link = onAbort(signal, () => {
      if (signal !== undefined) giveUp(abortReason(signal, `dialling ${target}`));
    });
    socket.attach({
      onOpen: () => {
        this.#metrics.sentBytes.inc(STREAM_PREFIX.length);
        socket.write([STREAM_PREFIX], () => {});
        opened.resolve(this.#openStream(socket));
      },
      onData: () => {},
      onEnd: () => {},
      onClose: (failure) => {
        const text = failure?.error.message ?? 'the connection was closed';
        opened.reject(
          new DialError(failure?.reason ?? 'broken', `could not dial ${target}: ${text}`, {
            cause: failure?.error,
          }),
        );
      },
    });
    try {
      return await opened.promise;
    } finally {
      timer?.[Symbol.dispose]();
      this.#dials.delete(closing);
    }
  }

  #dialLimit(target: string, ms: number, giveUp: (error: unknown) => void): Timer | undefined {
    if (!(ms > 0) || !Number.isFinite(ms)) return undefined;
    return this.#options.runtime.timers.after(ms, () =>
      giveUp(new DialError('timeout', `${target} did not answer within ${ms} ms`)),
    );
  }

  #openStream(socket: TcpSocket, initial?: Uint8Array): TcpStream {
    const inbound = initial !== undefined;
    const stream = new TcpStream({
      socket,
      ...(inbound ? { initial } : {}),
      timers: this.#options.runtime.timers,
      metrics: this.#metrics,
      onClosed: (closed) => {
        this.#streams.delete(closed);
        if (inbound) this.#inbound?.streamClosed();
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  #listenerEvents(): ListenerEvents {
    return {
      onAccept: (remote) => this.#admit(remote),
      onSocket: (socket) => {
        if (this.#inbound !== undefined) this.#inbound.accept(socket);
        else if (this.#early.size < MAX_EARLY_SOCKETS) this.#early.add(socket);
        else socket.destroy();
      },
      onRelease: () => {
        this.#inboundConnections--;
      },
      onFailure: (error, remote) => this.#listenerFailed(error, remote),
    };
  }

  #admit(remote: Address): boolean {
    if (this.#inboundConnections >= this.#options.limits.maxInboundConnections) {
      this.#metrics.rejected.labels({ reason: 'connections' }).inc();
      this.#logAccept({ remote: formatAddress(remote) }, 'too many inbound connections');
      return false;
    }
    this.#inboundConnections++;
    return true;
  }

  #listenerFailed(error: Error, remote: Address | undefined): void {
    if (remote === undefined) {
      this.#metrics.acceptErrors.inc();
      this.#logAccept({ err: error.message }, 'could not accept a connection');
      return;
    }
    this.#metrics.rejected.labels({ reason: 'handshake' }).inc();
    const fields = { remote: formatAddress(remote), err: error.message };
    this.#logAccept(fields, 'tls handshake with a peer failed');
  }

  /** At most one line a minute for what happens before a connection is usable; the counters have the rest. */
  #logAccept(fields: object, message: string): void {
    const { clock, log } = this.#options.runtime;
    const now = clock.now();
    if (now - this.#acceptLoggedAt < ACCEPT_LOG_PERIOD_MS) return;
    this.#acceptLoggedAt = now;
    log.warn(fields, message);
  }
}

function inboundLimits(config: TcpTransportConfig, limits: TcpTransportLimits): InboundLimits {
  return {
    maxStreams: limits.maxInboundStreams,
    maxPacketFrameBytes: limits.maxPacketFrameBytes,
    maxBufferedBytes: limits.maxBufferedBytes,
    readTimeoutMs: config.packetDialTimeoutMs + config.packetWriteTimeoutMs + READ_SLACK_MS,
  };
}
