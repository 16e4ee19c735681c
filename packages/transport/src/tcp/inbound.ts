import type { Runtime, Timer } from '@ml/runtime';
import { formatAddress, tryParseAddress } from '../address.ts';
import type { InboundRejection, TcpTransportMetrics } from '../metrics.ts';
import type { Address, Stream, TransportHandler } from '../transport.ts';
import { LogLimiter } from './log-limiter.ts';
import { FOREIGN_HINTS, HTTP_ANSWER, sniff } from './sniff.ts';
import type { SocketEvents, SocketFailure, TcpSocket } from './sockets.ts';
import {
  PACKET_TYPE,
  type PacketFrame,
  PacketFrameDecoder,
  STREAM_TYPE,
  sameDigest,
} from './wire.ts';

/** Limits of what other sides may do to us. */
export interface InboundLimits {
  /** Streams open at once that others opened. */
  readonly maxStreams: number;
  /** Bytes of one packet connection. */
  readonly maxPacketFrameBytes: number;
  /** Bytes of all unfinished packets together. */
  readonly maxBufferedBytes: number;
  /** Time for a whole packet, and for the first byte of anything, handshake included. */
  readonly readTimeoutMs: number;
}

export interface InboundOptions {
  readonly runtime: Runtime;
  readonly metrics: TcpTransportMetrics;
  readonly limits: InboundLimits;
  readonly md5: (bytes: Uint8Array) => Uint8Array;
  /** Drop packets whose digest is wrong; false delivers them, as dskit does. */
  readonly dropBadDigest: boolean;
  readonly debug: boolean;
  /** Makes a stream of a socket whose type byte was read. */
  readonly openStream: (socket: TcpSocket, initial: Uint8Array) => Stream & { destroy(): void };
}

type PacketError = 'no_sender' | 'no_digest' | 'too_large' | 'timeout' | 'memory' | 'broken';

/** Time for the answer to an HTTP request to get out. */
const ANSWER_LIMIT_MS = 1000;
const FOREIGN_LOG_PERIOD_MS = 3_600_000;
const WARN_PERIOD_MS = 60_000;
const MAX_LOGGED_REMOTES = 1024;

/** Takes accepted sockets, reads the first byte, and makes packets and streams of them. T-21 */
export class Inbound {
  readonly #options: InboundOptions;
  readonly #handler: TransportHandler;
  readonly #open = new Set<TcpSocket>();
  readonly #foreignLog = new LogLimiter({
    periodMs: FOREIGN_LOG_PERIOD_MS,
    maxKeys: MAX_LOGGED_REMOTES,
  });
  readonly #warned = new LogLimiter({ periodMs: WARN_PERIOD_MS, maxKeys: MAX_LOGGED_REMOTES });
  #bufferedBytes = 0;
  #streams = 0;
  #closed: boolean = false;

  constructor(options: InboundOptions, handler: TransportHandler) {
    this.#options = options;
    this.#handler = handler;
  }

  accept(socket: TcpSocket): void {
    if (this.#closed) {
      socket.destroy();
      return;
    }
    const { timers } = this.#options.runtime;
    this.#open.add(socket);
    const connection: Connection = {
      socket,
      remote: socket.remote,
      deadline: timers.after(this.#options.limits.readTimeoutMs, () => this.#timedOut(connection)),
      decoder: undefined,
      counted: 0,
    };
    socket.attach(this.#awaitType(connection));
    socket.resume();
  }

  /** A stream of an inbound socket is gone. */
  streamClosed(): void {
    this.#streams--;
  }

  /** Cuts every connection that is not a stream, and everything that comes later. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#open) socket.destroy();
  }

  #awaitType(connection: Connection): SocketEvents {
    return {
      onOpen: () => {},
      onData: (chunk) => this.#dispatch(connection, chunk),
      onEnd: () => {
        this.#debug(connection, 'closed before a first byte came');
        connection.socket.destroy();
      },
      onClose: (failure) => this.#gone(connection, failure),
    };
  }

  #dispatch(connection: Connection, chunk: Uint8Array): void {
    this.#options.metrics.receivedBytes.inc(chunk.length);
    switch (chunk[0]) {
      case undefined:
        return;
      case PACKET_TYPE:
        this.#startPacket(connection, chunk.subarray(1));
        return;
      case STREAM_TYPE:
        this.#startStream(connection, chunk.subarray(1));
        return;
      default:
        this.#foreign(connection, chunk);
    }
  }

  #startPacket(connection: Connection, first: Uint8Array): void {
    const { metrics, limits } = this.#options;
    metrics.packetsReceived.inc();
    connection.decoder = new PacketFrameDecoder(limits.maxPacketFrameBytes);
    connection.socket.attach({
      onOpen: () => {},
      onData: (chunk) => {
        metrics.receivedBytes.inc(chunk.length);
        this.#collect(connection, chunk);
      },
      onEnd: () => this.#finishPacket(connection),
      onClose: (failure) => {
        if (connection.decoder !== undefined) this.#brokenPacket(connection);
        this.#gone(connection, failure);
      },
    });
    this.#collect(connection, first);
  }

  #collect(connection: Connection, chunk: Uint8Array): void {
    const { decoder } = connection;
    if (decoder === undefined || chunk.length === 0) return;
    this.#bufferedBytes += chunk.length;
    connection.counted += chunk.length;
    if (this.#bufferedBytes > this.#options.limits.maxBufferedBytes) {
      this.#reject(connection, 'memory');
    } else if (!decoder.push(chunk)) {
      this.#reject(connection, 'too_large');
    }
  }

  #finishPacket(connection: Connection): void {
    const { decoder, remote, socket } = connection;
    if (decoder === undefined) return;
    const frame = decoder.finish();
    if (frame.type === 'fault') {
      this.#badPacket(connection, frame.reason);
      socket.destroy();
      return;
    }
    connection.decoder = undefined;
    socket.destroy();
    this.#deliver(remote, frame);
  }

  /** The connection broke before its end. If the digest says that nothing is missing, the packet counts. T-22 */
  #brokenPacket(connection: Connection): void {
    const frame = connection.decoder?.finish();
    const whole =
      frame?.type === 'packet' && sameDigest(this.#options.md5(frame.payload), frame.digest);
    if (!whole) {
      this.#badPacket(connection, 'broken');
      return;
    }
    connection.decoder = undefined;
    this.#deliver(connection.remote, frame);
  }

  #deliver(remote: Address, frame: PacketFrame): void {
    const { metrics, runtime, md5, dropBadDigest } = this.#options;
    if (!sameDigest(md5(frame.payload), frame.digest)) {
      metrics.packetsReceivedErrors.inc();
      metrics.digestMismatches.inc();
      this.#warn(remote, { sender: quoted(frame.sender) }, 'packet with a wrong digest');
      if (dropBadDigest) return;
    }
    metrics.packetsReceivedBytes.inc(frame.payload.length);
    const packet = {
      bytes: frame.payload,
      from: tryParseAddress(frame.sender) ?? remote,
      receivedAt: runtime.clock.now(),
    };
    this.#guard(remote, () => this.#handler.onPacket(packet));
  }

  #startStream(connection: Connection, first: Uint8Array): void {
    const { metrics, limits, openStream } = this.#options;
    const { socket } = connection;
    metrics.incomingStreams.inc();
    if (this.#streams >= limits.maxStreams) {
      this.#reject(connection, 'streams');
      return;
    }
    this.#forget(connection);
    this.#streams++;
    const stream = openStream(socket, first);
    if (!this.#guard(connection.remote, () => this.#handler.onStream(stream))) stream.destroy();
  }

  #foreign(connection: Connection, chunk: Uint8Array): void {
    const { metrics, runtime } = this.#options;
    const { socket, remote } = connection;
    metrics.unknownConnections.inc();
    const protocol = sniff(chunk);
    if (this.#foreignLog.first(`${remote.host} ${protocol}`, runtime.clock.now())) {
      const firstBytes = [...chunk.subarray(0, 8)]
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join(' ');
      const fields = { remote: formatAddress(remote), protocol, firstBytes };
      runtime.log.error({ ...fields, hint: FOREIGN_HINTS[protocol] }, 'unknown connection');
    }
    if (protocol !== 'http') {
      socket.destroy();
      return;
    }
    connection.deadline[Symbol.dispose]();
    connection.deadline = runtime.timers.after(ANSWER_LIMIT_MS, () => socket.destroy());
    socket.attach({
      onOpen: () => {},
      onData: () => {},
      onEnd: () => socket.destroy(),
      onClose: (failure) => this.#gone(connection, failure),
    });
    socket.write([HTTP_ANSWER], () => {});
    socket.end(() => {});
  }

  #timedOut(connection: Connection): void {
    if (connection.decoder === undefined) {
      this.#options.metrics.rejected.labels({ reason: 'timeout' }).inc();
      this.#debug(connection, 'no first byte in time');
      connection.socket.destroy();
    } else {
      this.#reject(connection, 'timeout');
    }
  }

  #reject(connection: Connection, reason: InboundRejection): void {
    this.#options.metrics.rejected.labels({ reason }).inc();
    if (reason === 'timeout' || reason === 'too_large' || reason === 'memory') {
      this.#badPacket(connection, reason);
    } else {
      this.#warn(connection.remote, { reason }, 'inbound connection turned away');
    }
    connection.socket.destroy();
  }

  #badPacket(connection: Connection, reason: PacketError): void {
    connection.decoder = undefined;
    this.#options.metrics.packetsReceivedErrors.inc();
    this.#warn(connection.remote, { reason }, 'unusable packet');
  }

  /** Runs the receiver; its failures are ours to log, not the peer's to cause. */
  #guard(remote: Address, run: () => void): boolean {
    if (this.#closed) return false;
    try {
      run();
      return true;
    } catch (err) {
      this.#options.metrics.handlerErrors.inc();
      const fields = { remote: formatAddress(remote), err };
      this.#options.runtime.log.error(fields, 'receiver failed');
      return false;
    }
  }

  #gone(connection: Connection, failure: SocketFailure | undefined): void {
    if (failure !== undefined && connection.decoder === undefined) {
      this.#debug(connection, failure.error.message);
    }
    this.#forget(connection);
  }

  #forget(connection: Connection): void {
    connection.deadline[Symbol.dispose]();
    this.#bufferedBytes -= connection.counted;
    connection.counted = 0;
    connection.decoder = undefined;
    this.#open.delete(connection.socket);
  }

  #warn(remote: Address, fields: object, message: string): void {
    const { runtime } = this.#options;
    if (!this.#warned.first(`${remote.host} ${message}`, runtime.clock.now())) return;
    runtime.log.warn({ remote: formatAddress(remote), ...fields }, message);
  }

  #debug({ remote }: Connection, reason: string): void {
    if (!this.#options.debug) return;
    this.#options.runtime.log.debug(
      { remote: formatAddress(remote), reason },
      'inbound connection ended',
    );
  }
}

interface Connection {
  readonly socket: TcpSocket;
  readonly remote: Address;
  deadline: Timer;
  /** Set while a packet is being read. */
  decoder: PacketFrameDecoder | undefined;
  /** Bytes of it that count against the shared limit. */
  counted: number;
}

const MAX_QUOTED = 64;

/** What a peer wrote, fit for a log line: in quotes, everything but printable ASCII escaped, cut when long. */
function quoted(text: string): string {
  const short = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text;
  return JSON.stringify(short).replace(
    /[^ -~]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
