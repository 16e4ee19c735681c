import type { Runtime, Timer } from '@ml/runtime';
import { formatAddress } from '../address.ts';
import type { DialFailure } from '../errors.ts';
import { parseIp } from '../ip.ts';
import type { TcpTransportMetrics } from '../metrics.ts';
import type { Address } from '../transport.ts';
import { LogLimiter } from './log-limiter.ts';
import type { TcpSocket, TcpSockets } from './sockets.ts';

/** Limits of {@link PacketWriters}. */
export interface PacketWriterLimits {
  /** Packets being sent at once; below 1 counts as 1. */
  readonly maxConcurrentWrites: number;
  /** How long a packet waits for a free writer; 0: not at all. */
  readonly acquireWriterTimeoutMs: number;
  /** For the connection with its handshake; 0: no limit. */
  readonly dialTimeoutMs: number;
  /** For writing the packet; 0: no limit. */
  readonly writeTimeoutMs: number;
  /** Waiting packets, at most. */
  readonly maxWaitingPackets: number;
  /** Bytes of waiting packets, at most. */
  readonly maxWaitingBytes: number;
}

export interface PacketWritersOptions {
  readonly sockets: TcpSockets;
  readonly runtime: Runtime;
  readonly metrics: TcpTransportMetrics;
  readonly limits: PacketWriterLimits;
  /** Frames a payload. Called when the connection stands. */
  readonly encode: (payload: Uint8Array) => readonly Uint8Array[];
  /** -memberlist.transport-debug. */
  readonly debug: boolean;
}

interface Job {
  readonly to: Address;
  readonly payload: Uint8Array;
  readonly giveUpAt: number;
}

/** Sockets that have sent their packet and wait for the other side to close. */
const MAX_LINGERING = 256;
const WARN_PERIOD_MS = 60_000;

/**
 * Sends packets, each over a connection of its own, a limited number at a time. A packet that finds no free writer
 * waits in a short queue and is dropped when its time is up; the caller never waits. T-20
 */
export class PacketWriters {
  readonly #options: PacketWritersOptions;
  readonly #slots: number;
  readonly #active = new Set<TcpSocket>();
  readonly #lingering = new Set<TcpSocket>();
  readonly #warned = new LogLimiter({ periodMs: WARN_PERIOD_MS, maxKeys: 1024 });
  #waiting: Job[] = [];
  #waitingBytes = 0;
  #expiry: Timer | undefined;
  #stopped: boolean = false;
  #onIdle: (() => void) | undefined;

  constructor(options: PacketWritersOptions) {
    this.#options = options;
    this.#slots = Math.max(1, options.limits.maxConcurrentWrites);
  }

  /** Writers at work. */
  get busy(): number {
    return this.#active.size;
  }

  /** Packets in the queue. */
  get waiting(): number {
    return this.#waiting.length;
  }

  send(to: Address, payload: Uint8Array): void {
    const { limits, runtime, metrics } = this.#options;
    const giveUpAt = runtime.clock.now() + limits.acquireWriterTimeoutMs;
    const job = { to, payload, giveUpAt };
    if (this.#stopped) {
      metrics.packetsDropped.inc();
    } else if (this.#active.size < this.#slots) {
      this.#start(job);
    } else if (
      limits.acquireWriterTimeoutMs <= 0 ||
      this.#waiting.length >= limits.maxWaitingPackets ||
      this.#waitingBytes + payload.length > limits.maxWaitingBytes
    ) {
      this.#drop(job);
    } else {
      this.#waiting.push(job);
      this.#waitingBytes += payload.length;
      this.#expiry ??= runtime.timers.after(limits.acquireWriterTimeoutMs, () => this.#expire());
    }
  }

  /** Drops what waits and gives writers at work up to `limitMs` to finish; then cuts them. */
  async stop(limitMs: number): Promise<void> {
    this.#stopped = true;
    this.#expiry?.[Symbol.dispose]();
    for (const job of this.#waiting) this.#drop(job);
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#active.size > 0) {
      await new Promise<void>((resolve) => {
        const limit = this.#options.runtime.timers.after(limitMs, resolve);
        this.#onIdle = () => {
          limit[Symbol.dispose]();
          resolve();
        };
      });
    }
    for (const socket of [...this.#active, ...this.#lingering]) socket.destroy();
  }

  #drop({ to }: Job): void {
    this.#options.metrics.packetsDropped.inc();
    if (this.#options.debug) {
      this.#options.runtime.log.debug(
        { to: formatAddress(to) },
        'dropped a packet: no free writer',
      );
    }
  }

  #expire(): void {
    const { runtime } = this.#options;
    this.#expiry = undefined;
    const now = runtime.clock.now();
    while (this.#waiting[0] !== undefined && this.#waiting[0].giveUpAt <= now) {
      const job = this.#shift();
      if (job !== undefined) this.#drop(job);
    }
    const next = this.#waiting[0];
    if (next !== undefined) {
      this.#expiry = runtime.timers.after(next.giveUpAt - now, () => this.#expire());
    }
  }

  #shift(): Job | undefined {
    const job = this.#waiting.shift();
    if (job !== undefined) this.#waitingBytes -= job.payload.length;
    return job;
  }

  #start(job: Job): void {
    const { metrics, limits, sockets } = this.#options;
    metrics.packetsSent.inc();
    metrics.packetsSentBytes.inc(job.payload.length);
    if (parseIp(job.to.host) === undefined || !(job.to.port > 0 && job.to.port <= 65535)) {
      this.#failed(job, 'invalid', 'the address is not an IP and a port');
      return;
    }
    const socket = sockets.dial(job.to);
    this.#active.add(socket);
    let timer = this.#limit(socket, limits.dialTimeoutMs);
    let sent = false;
    const stopTimer = (): void => timer?.[Symbol.dispose]();
    socket.attach({
      onOpen: () => {
        stopTimer();
        timer = this.#limit(socket, limits.writeTimeoutMs);
        const parts = this.#options.encode(job.payload);
        for (const part of parts) metrics.sentBytes.inc(part.length);
        socket.write(parts, () => {});
        socket.end(() => {
          sent = true;
          stopTimer();
          timer = this.#release(socket);
        });
      },
      onData: (chunk) => metrics.receivedBytes.inc(chunk.length),
      onEnd: () => {},
      onClose: (failure) => {
        stopTimer();
        this.#lingering.delete(socket);
        if (sent) return;
        const reason = failure?.reason ?? 'timeout';
        this.#failed(job, reason, failure?.error.message ?? 'took too long');
        this.#free(socket);
      },
    });
    socket.resume();
  }

  #limit(socket: TcpSocket, ms: number): Timer | undefined {
    return ms > 0 ? this.#options.runtime.timers.after(ms, () => socket.destroy()) : undefined;
  }

  /** The packet is out: frees the writer, and closes the socket now or when the other side has. */
  #release(socket: TcpSocket): Timer | undefined {
    const { lingerMs } = this.#options.sockets;
    const lingers = lingerMs > 0 && this.#lingering.size < MAX_LINGERING && !this.#stopped;
    if (lingers) this.#lingering.add(socket);
    else socket.destroy();
    this.#free(socket);
    return lingers ? this.#limit(socket, lingerMs) : undefined;
  }

  #free(socket: TcpSocket): void {
    this.#active.delete(socket);
    while (this.#active.size < this.#slots) {
      const job = this.#shift();
      if (job === undefined) break;
      this.#start(job);
    }
    if (this.#active.size === 0) this.#onIdle?.();
  }

  #failed({ to }: Job, reason: DialFailure, text: string): void {
    const { metrics, runtime, debug } = this.#options;
    metrics.packetsSentErrors.inc();
    const fields = { to: formatAddress(to), reason, err: text };
    if (reason !== 'refused' && this.#warned.first(fields.to, runtime.clock.now())) {
      runtime.log.warn(fields, 'could not send a packet');
    } else if (debug) {
      runtime.log.debug(fields, 'could not send a packet');
    }
  }
}
