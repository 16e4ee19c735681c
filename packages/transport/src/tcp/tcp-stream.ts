import { Deferred, type Timers } from '@ml/runtime';
import { ChunkQueue } from '../chunk-queue.ts';
import { StreamError } from '../errors.ts';
import type { TcpTransportMetrics } from '../metrics.ts';
import type { Address, Stream } from '../transport.ts';
import type { SocketFailure, TcpSocket } from './sockets.ts';

/** Reading pauses while more than this many bytes wait for the reader. */
const READ_HIGH_WATER_BYTES = 64 * 1024;
/** How long a disposed stream may take to send its end before it is cut. */
const CLOSE_LIMIT_MS = 1000;

/** What a stream needs besides its socket. */
export interface TcpStreamOptions {
  readonly socket: TcpSocket;
  /** Bytes that arrived together with the type byte. */
  readonly initial?: Uint8Array;
  readonly timers: Timers;
  readonly metrics: TcpTransportMetrics;
  /** Called once, when the connection is gone. */
  readonly onClosed: (stream: TcpStream) => void;
}

/** A {@link Stream} over one socket. Reads as fast as its reader; disposal never waits longer than a second. */
export class TcpStream implements Stream {
  readonly remote: Address;
  readonly source: AsyncIterable<Uint8Array>;
  readonly #socket: TcpSocket;
  readonly #timers: Timers;
  readonly #metrics: TcpTransportMetrics;
  readonly #received: ChunkQueue;
  readonly #closed = new Deferred<void>();
  #paused: boolean = false;
  #pendingWrites = 0;
  #writeEnd: Deferred<void> | undefined;
  #gone: boolean = false;
  #disposed: boolean = false;

  constructor(options: TcpStreamOptions) {
    const { socket, initial, onClosed } = options;
    this.#socket = socket;
    this.#timers = options.timers;
    this.#metrics = options.metrics;
    this.remote = socket.remote;
    this.#received = new ChunkQueue(() => this.#resumeWhenLow());
    this.source = this.#received;
    if (initial !== undefined) this.#received.push(initial);
    socket.attach({
      onOpen: () => {},
      onData: (chunk) => this.#onData(chunk),
      onEnd: () => this.#received.end(),
      onClose: (failure) => {
        this.#onClose(failure);
        onClosed(this);
      },
    });
    socket.resume();
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#gone || this.#disposed)
      return Promise.reject(new StreamError('the stream is closed'));
    if (this.#writeEnd !== undefined) {
      return Promise.reject(new StreamError('the stream was already closed for writing'));
    }
    this.#pendingWrites++;
    this.#metrics.sentBytes.inc(bytes.length);
    const written = new Deferred<void>();
    this.#socket.write([bytes], (error) => {
      this.#pendingWrites--;
      if (error === undefined) written.resolve();
      else written.reject(new StreamError('the stream broke while writing', { cause: error }));
    });
    return written.promise;
  }

  closeWrite(): Promise<void> {
    let end = this.#writeEnd;
    if (end === undefined) {
      end = new Deferred<void>();
      this.#writeEnd = end;
      if (this.#gone) end.resolve();
      else this.#socket.end(() => this.#writeEnd?.resolve());
    }
    return end.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#disposed) {
      this.#disposed = true;
      this.#received.abandon(new StreamError('the stream was closed on this side'));
      if (!this.#gone) this.#shutDown();
    }
    await this.#closed.promise;
  }

  /** Cuts the connection without a word to the other side. */
  destroy(): void {
    this.#disposed = true;
    this.#received.abandon(new StreamError('the stream was closed on this side'));
    this.#socket.destroy();
  }

  #shutDown(): void {
    if (this.#pendingWrites > 0) {
      this.#socket.destroy();
      return;
    }
    const limit = this.#timers.after(CLOSE_LIMIT_MS, () => this.#socket.destroy());
    const destroy = (): void => {
      limit[Symbol.dispose]();
      this.#socket.destroy();
    };
    this.closeWrite().then(destroy, destroy); // it never rejects
  }

  #onData(chunk: Uint8Array): void {
    this.#metrics.receivedBytes.inc(chunk.length);
    if (this.#disposed) return;
    this.#received.push(chunk);
    if (this.#received.bufferedBytes > READ_HIGH_WATER_BYTES && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  #resumeWhenLow(): void {
    if (!this.#paused || this.#received.bufferedBytes > READ_HIGH_WATER_BYTES / 2) return;
    this.#paused = false;
    this.#socket.resume();
  }

  #onClose(failure: SocketFailure | undefined): void {
    this.#gone = true;
    this.#writeEnd?.resolve();
    this.#closed.resolve();
    this.#received.fail(
      failure === undefined
        ? new StreamError('the connection was closed')
        : new StreamError(`the connection broke: ${failure.error.message}`, {
            cause: failure.error,
          }),
    );
  }
}
