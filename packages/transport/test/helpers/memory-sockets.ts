import type { Timers } from '@ml/runtime';
import { BindError } from '../../src/errors.ts';
import type {
  ListenerEvents,
  SocketEvents,
  SocketFailure,
  TcpSocket,
  TcpSockets,
} from '../../src/tcp/sockets.ts';
import type { Address } from '../../src/transport.ts';

const LATENCY_MS = 1;

/** TCP in memory and virtual time: what the transport sees of the world in tests of its deadlines and limits. */
export class MemoryNetwork {
  readonly #timers: Timers;
  readonly #listeners = new Map<number, ListenerEvents>();
  readonly #silent = new Set<number>();
  #nextPort = 40_000;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Connections to this port are never answered. */
  silence(port: number): void {
    this.#silent.add(port);
  }

  /** A server that takes connections and leaves the rest to the test. */
  serve(port: number, onSocket: (socket: TcpSocket) => void): void {
    this.#listeners.set(port, { ...ignored, onAccept: () => true, onSocket });
  }

  sockets(): TcpSockets {
    return {
      lingerMs: 0,
      listen: async ({ port }, events) => {
        const actual = port === 0 ? this.#nextPort++ : port;
        if (this.#listeners.has(actual)) throw new BindError(`port ${actual} is taken`);
        this.#listeners.set(actual, events);
        return { port: actual, close: async () => void this.#listeners.delete(actual) };
      },
      dial: (to) => this.dial(to),
      close: () => {},
    };
  }

  dial(to: Address): MemorySocket {
    const near = new MemorySocket(this.#timers, to);
    if (this.#silent.has(to.port)) return near;
    this.#timers.after(LATENCY_MS, () => {
      const listener = this.#listeners.get(to.port);
      if (listener === undefined) {
        near.break({ reason: 'refused', error: new BindError('refused by the test') });
        return;
      }
      const from = { host: '127.0.0.1', port: this.#nextPort++ };
      if (!listener.onAccept(from)) {
        near.break({ reason: 'broken', error: new BindError('turned away') });
        return;
      }
      const far = new MemorySocket(this.#timers, from);
      near.join(far);
      far.join(near);
      far.onGone = () => listener.onRelease();
      near.open();
      listener.onSocket(far);
    });
    return near;
  }
}

const ignored: ListenerEvents = {
  onAccept: () => false,
  onSocket: () => {},
  onRelease: () => {},
  onFailure: () => {},
};

interface Unread {
  readonly bytes: Uint8Array | undefined;
  readonly done: (error: Error | undefined) => void;
}

/** One side of a connection; what the peer has not read is not written. */
export class MemorySocket implements TcpSocket {
  readonly remote: Address;
  onGone: () => void = () => {};
  /** Whether this side is closed. */
  closed: boolean = false;
  readonly #timers: Timers;
  readonly #inbox: Unread[] = [];
  #events: SocketEvents | undefined;
  #peer: MemorySocket | undefined;
  #flowing: boolean = false;
  #ended: boolean = false;
  #gotEnd: boolean = false;

  constructor(timers: Timers, remote: Address) {
    this.#timers = timers;
    this.remote = remote;
  }

  join(peer: MemorySocket): void {
    this.#peer = peer;
  }

  open(): void {
    if (!this.closed) this.#events?.onOpen();
  }

  attach(events: SocketEvents): void {
    this.#events = events;
  }

  resume(): void {
    this.#flowing = true;
    this.#timers.after(LATENCY_MS, () => this.#drain());
  }

  pause(): void {
    this.#flowing = false;
  }

  write(parts: readonly Uint8Array[], done: (error: Error | undefined) => void): void {
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    this.#peer?.take({ bytes, done });
  }

  end(done: () => void): void {
    this.#peer?.take({
      bytes: undefined,
      done: () => {
        this.#ended = true;
        done();
        this.#closeWhenBothEnded();
      },
    });
  }

  destroy(): void {
    if (this.closed) return;
    const unread = this.#inbox.splice(0);
    const peer = this.#peer;
    this.#close(undefined);
    for (const { bytes, done } of unread) if (bytes !== undefined) done(new BindError('reset'));
    if (peer === undefined) return;
    if (unread.length > 0) peer.break({ reason: 'broken', error: new BindError('reset') });
    else if (!this.#ended) peer.take({ bytes: undefined, done: () => {} });
  }

  break(failure: SocketFailure): void {
    this.#timers.after(LATENCY_MS, () => this.#close(failure));
  }

  take(unread: Unread): void {
    this.#inbox.push(unread);
    this.#timers.after(LATENCY_MS, () => this.#drain());
  }

  #drain(): void {
    while (this.#flowing && !this.closed) {
      const next = this.#inbox.shift();
      if (next === undefined) return;
      if (next.bytes === undefined) {
        this.#gotEnd = true;
        this.#events?.onEnd();
        next.done(undefined);
        this.#closeWhenBothEnded();
      } else {
        this.#events?.onData(next.bytes);
        next.done(undefined);
      }
    }
  }

  #closeWhenBothEnded(): void {
    if (this.#ended && this.#gotEnd) this.#timers.after(0, () => this.#close(undefined));
  }

  #close(failure: SocketFailure | undefined): void {
    if (this.closed) return;
    this.closed = true;
    this.onGone();
    this.#timers.after(0, () => this.#events?.onClose(failure));
  }
}
