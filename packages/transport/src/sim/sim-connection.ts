import { Deferred } from '@ml/runtime';
import { ChunkQueue } from '../chunk-queue.ts';
import { StreamError } from '../errors.ts';
import type { Address, Stream } from '../transport.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimTransport } from './sim-transport.ts';

/** Bytes under way and unread in one direction, as a socket's buffers hold. */
const WINDOW_BYTES = 256 * 1024;
const SEGMENT_BYTES = 64 * 1024;
const RETRY_MS = 200;
const MAX_RETRY_MS = 3200;

/** Who connects to whom. */
export interface SimEndpoints {
  readonly dialer: SimTransport;
  readonly from: Address;
  readonly target: SimTransport;
  readonly to: Address;
}

/** Two {@link SimStream}s and the path between them. */
export class SimConnection {
  readonly #network: SimNetwork;
  readonly #ends: readonly [SimStream, SimStream];

  private constructor(network: SimNetwork, endpoints: SimEndpoints) {
    this.#network = network;
    const { dialer, from, target, to } = endpoints;
    const near = new SimStream({ network, owner: dialer, remote: to, connection: this });
    const far = new SimStream({ network, owner: target, remote: from, connection: this });
    near.join(far);
    far.join(near);
    this.#ends = [near, far];
  }

  /** A connection that stands at the dialer's side; the target's side follows when its first byte arrives. */
  static open(network: SimNetwork, endpoints: SimEndpoints): SimStream {
    const connection = new SimConnection(network, endpoints);
    const [near, far] = connection.#ends;
    network.opened(connection);
    near.sendOpening(() => endpoints.target.accept(far));
    return near;
  }

  /** Breaks both sides if the path is cut in either direction. */
  breakIfCut(): void {
    const [near, far] = this.#ends;
    const there = this.#network.reaches(near.hostIp, far.hostIp);
    if (there && this.#network.reaches(far.hostIp, near.hostIp)) return;
    near.fail('timed out');
    far.fail('timed out');
  }

  /** Forgets the connection when both sides are gone. */
  ended(): void {
    if (this.#ends.every((end) => end.gone)) this.#network.closed(this);
  }
}

interface SimStreamOptions {
  readonly network: SimNetwork;
  readonly owner: SimTransport;
  readonly remote: Address;
  readonly connection: SimConnection;
}

/** Something that travels in order: bytes, the end, or a call at the other side. */
type Segment =
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'open'; readonly run: () => void };

/** One side of a simulated connection: in order, with back-pressure, gone when the path stays cut. */
export class SimStream implements Stream {
  readonly remote: Address;
  readonly source: AsyncIterable<Uint8Array>;
  readonly #network: SimNetwork;
  readonly #owner: SimTransport;
  readonly #connection: SimConnection;
  readonly #received: ChunkQueue;
  readonly #outbox: Segment[] = [];
  readonly #writes: { readonly left: Uint8Array[]; readonly done: Deferred<void> }[] = [];
  #peer: SimStream | undefined;
  #inFlightBytes = 0;
  #lastArrivalAt = 0;
  #stalledSince: number | undefined;
  #writeEnd: Promise<void> | undefined;
  #disposed: boolean = false;
  #sourceEnded: boolean = false;
  #endSent: boolean = false;
  #gone: boolean = false;

  constructor(options: SimStreamOptions) {
    this.remote = options.remote;
    this.#network = options.network;
    this.#owner = options.owner;
    this.#connection = options.connection;
    this.#received = new ChunkQueue(() => this.#peer?.pump());
    this.source = this.#received;
    this.#owner.adopt(this);
  }

  /** Whether this side is closed or broken. */
  get gone(): boolean {
    return this.#gone;
  }

  /** The host of this side. */
  get hostIp(): string {
    return this.#owner.host.ip;
  }

  /** Tells this side of the other. */
  join(peer: SimStream): void {
    this.#peer = peer;
  }

  /** Lets the other side appear. */
  sendOpening(run: () => void): void {
    this.#outbox.push({ type: 'open', run });
    this.#flush();
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#gone || this.#disposed)
      return Promise.reject(new StreamError('the stream is closed'));
    if (this.#writeEnd !== undefined) {
      return Promise.reject(new StreamError('the stream was already closed for writing'));
    }
    const done = new Deferred<void>();
    this.#writes.push({ left: segments(bytes), done });
    this.pump();
    return done.promise;
  }

  closeWrite(): Promise<void> {
    this.#writeEnd ??= this.#finish();
    return this.#writeEnd;
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return Promise.resolve();
    this.#disposed = true;
    this.#received.abandon(new StreamError('the stream was closed on this side'));
    if (this.#gone) return Promise.resolve();
    if (this.#writes.length > 0) this.reset();
    else
      this.closeWrite().then(
        () => this.#end(),
        () => this.#end(),
      );
    return Promise.resolve();
  }

  /** Gives up this side; the other one learns of it when the path lets it. */
  reset(): void {
    if (this.#gone) return;
    const peer = this.#peer;
    if (peer !== undefined && this.#network.reaches(this.hostIp, peer.hostIp)) {
      const delay = this.#network.segmentDelay(this.hostIp, peer.hostIp, 0);
      const at = Math.max(this.#network.runtime.now + delay, this.#lastArrivalAt);
      this.#network.runtime.post(at - this.#network.runtime.now, () => peer.fail('was reset'));
    }
    this.fail('was closed on this side');
  }

  /** This side's host is gone; nobody is told. */
  vanish(): void {
    this.fail('was lost with its host');
  }

  /** Breaks this side. */
  fail(why: string): void {
    if (this.#gone) return;
    const error = new StreamError(`the connection ${why}`);
    this.#received.fail(error);
    this.#end();
    for (const { done } of this.#writes.splice(0)) done.reject(error);
  }

  /** Sends what the window allows. Called when the other side has read. */
  pump(): void {
    const peer = this.#peer;
    if (this.#gone || peer === undefined) return;
    for (let write = this.#writes[0]; write !== undefined; write = this.#writes[0]) {
      const bytes = write.left[0];
      if (bytes === undefined) {
        this.#writes.shift();
        write.done.resolve();
      } else if (this.#inFlightBytes + peer.#received.bufferedBytes < WINDOW_BYTES) {
        write.left.shift();
        this.#inFlightBytes += bytes.length;
        this.#outbox.push({ type: 'data', bytes });
      } else {
        break;
      }
    }
    this.#flush();
  }

  async #finish(): Promise<void> {
    await Promise.allSettled(this.#writes.map(({ done }) => done.promise));
    if (this.#gone) return;
    this.#outbox.push({ type: 'end' });
    this.#flush();
  }

  /** Puts the outbox on its way, in order; while the path is cut it tries again, in the end it breaks. */
  #flush(): void {
    const peer = this.#peer;
    const { runtime } = this.#network;
    if (this.#gone || peer === undefined || this.#outbox.length === 0) return;
    if (this.#stalledSince !== undefined) return;
    if (!this.#network.reaches(this.hostIp, peer.hostIp)) {
      this.#stalledSince = runtime.now;
      this.#retry(RETRY_MS);
      return;
    }
    for (const segment of this.#outbox.splice(0)) {
      const bytes = segment.type === 'data' ? segment.bytes.length : 0;
      const delay = this.#network.segmentDelay(this.hostIp, peer.hostIp, bytes);
      this.#lastArrivalAt = Math.max(this.#lastArrivalAt, runtime.now + delay);
      if (segment.type === 'end') this.#endSent = true;
      runtime.post(this.#lastArrivalAt - runtime.now, () => {
        peer.#owner.host.run(() => this.#arrive(peer, segment));
      });
    }
    this.#endWhenBothEnded();
  }

  #retry(delayMs: number): void {
    this.#network.runtime.post(delayMs, () => {
      const since = this.#stalledSince;
      const peer = this.#peer;
      if (since === undefined || peer === undefined || this.#gone) return;
      if (this.#network.reaches(this.hostIp, peer.hostIp)) {
        this.#stalledSince = undefined;
        this.#flush();
      } else if (this.#network.runtime.now - since >= this.#network.streamTimeoutMs) {
        this.fail('timed out');
      } else {
        this.#retry(Math.min(delayMs * 2, MAX_RETRY_MS));
      }
    });
  }

  #arrive(peer: SimStream, segment: Segment): void {
    if (segment.type === 'data') this.#inFlightBytes -= segment.bytes.length;
    if (segment.type === 'open') {
      segment.run();
    } else if (peer.#gone || peer.#disposed) {
      if (segment.type === 'data') this.#answerReset(peer);
    } else if (segment.type === 'data') {
      peer.#received.push(segment.bytes);
      this.pump();
    } else {
      peer.#sourceEnded = true;
      peer.#received.end();
      peer.#endWhenBothEnded();
    }
  }

  /** Bytes came to a side that is closed: the sender is told, if its host still stands. */
  #answerReset(peer: SimStream): void {
    if (!this.#network.reaches(peer.hostIp, this.hostIp)) return;
    const delay = this.#network.segmentDelay(peer.hostIp, this.hostIp, 0);
    this.#network.runtime.post(delay, () => this.fail('was reset'));
  }

  #endWhenBothEnded(): void {
    if (this.#endSent && this.#sourceEnded) this.#end();
  }

  #end(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#outbox.length = 0;
    this.#owner.drop(this);
    this.#connection.ended();
  }
}

/** Copies, so that the writer may reuse its buffer. */
function segments(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += SEGMENT_BYTES) {
    parts.push(bytes.slice(at, at + SEGMENT_BYTES));
  }
  return parts;
}
