import { Sha256 } from './node-sha256.ts';

/** What a record of the trace is about. The numbers are part of the hash. */
export const TRACE_KINDS = {
  packetSent: 1,
  packetReceived: 2,
  streamDialled: 3,
  streamAccepted: 4,
  streamSent: 5,
  streamReceived: 6,
  log: 7,
  event: 8,
} as const;

type TraceKind = (typeof TRACE_KINDS)[keyof typeof TRACE_KINDS];

const BUFFER_BYTES = 1 << 20;
/** Kind, node, peer's host, peer's port, length, virtual milliseconds. */
const HEADER_BYTES = 1 + 4 + 4 + 2 + 4 + 8;

/**
 * The transcript of a run, as a running SHA-256: everything that was sent, received or logged, and what was done to the
 * cluster, each with its virtual time. Two runs with one hash did the same. Nothing is kept but the hash and one buffer.
 */
export class Trace {
  readonly #hash = new Sha256();
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #view = new DataView(this.#buffer.buffer);
  readonly #hosts = new Map<string, number>();
  readonly #text = new TextEncoder();
  readonly #now: () => number;
  #used = 0;
  #records = 0;

  /** `now` tells the virtual milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Records so far. */
  get records(): number {
    return this.#records;
  }

  /** Bytes that `node` sent to, or got from, `host:port`. */
  bytes(
    kind: TraceKind,
    node: number,
    peer: { readonly host: string; readonly port: number },
    bytes: Uint8Array,
  ): void {
    this.#header(kind, node, peer.host, peer.port, bytes.length);
    this.#append(bytes);
  }

  /** A line that `node` logged, or something that was done to it; −1 is the cluster as a whole. */
  line(kind: typeof TRACE_KINDS.log | typeof TRACE_KINDS.event, node: number, text: string): void {
    const bytes = this.#text.encode(text);
    this.#header(kind, node, '', 0, bytes.length);
    this.#append(bytes);
  }

  /** The hash over everything so far: 64 hexadecimal digits. */
  sha256(): string {
    this.#flush();
    return this.#hash.hex();
  }

  #header(kind: TraceKind, node: number, host: string, port: number, length: number): void {
    if (this.#used + HEADER_BYTES > BUFFER_BYTES) this.#flush();
    const view = this.#view;
    const at = this.#used;
    view.setUint8(at, kind);
    view.setInt32(at + 1, node);
    view.setUint32(at + 5, this.#hostNumber(host));
    view.setUint16(at + 9, port);
    view.setUint32(at + 11, length);
    view.setFloat64(at + 15, this.#now());
    this.#used = at + HEADER_BYTES;
    this.#records += 1;
  }

  /** Hosts are numbered as they first appear, which is the same in every run. */
  #hostNumber(host: string): number {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const made = this.#hosts.size;
    this.#hosts.set(host, made);
    return made;
  }

  #append(bytes: Uint8Array): void {
    if (this.#used + bytes.length > BUFFER_BYTES) this.#flush();
    if (bytes.length > BUFFER_BYTES) {
      this.#hash.update(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #flush(): void {
    if (this.#used > 0) this.#hash.update(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}
