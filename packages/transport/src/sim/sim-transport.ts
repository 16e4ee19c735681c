import { abortReason, assert, Deferred, onAbort } from '@ml/runtime';
import { formatAddress } from '../address.ts';
import { DialError } from '../errors.ts';
import { canonicalIp, parseIp, toIpv6 } from '../ip.ts';
import type { Address, Packet, Stream, Transport, TransportHandler } from '../transport.ts';
import { SimConnection, type SimStream } from './sim-connection.ts';
import type { SimHost } from './sim-host.ts';
import type { SimNetwork } from './sim-network.ts';

/** How long a system goes on trying to connect when nobody sets a limit. */
const SYSTEM_CONNECT_LIMIT_MS = 127_000;
const CONNECT_RETRY_MS = 1000;
const MAX_EPHEMERAL_PORT = 65_535;
const MIN_EPHEMERAL_PORT = 32_768;

/** A {@link Transport} over a {@link SimNetwork}. Disposing ends the process, not the host: dials are refused from then on. */
export class SimTransport implements Transport {
  readonly advertised: Address;
  readonly advertisedIp: Uint8Array;
  readonly maxPacketBytes: number;
  readonly host: SimHost;
  readonly #network: SimNetwork;
  readonly #streams = new Set<SimStream>();
  readonly #dials = new Set<Deferred<SimStream>>();
  #handler: TransportHandler | undefined;
  #nextPort = MIN_EPHEMERAL_PORT;
  #closed: boolean = false;

  constructor(network: SimNetwork, host: SimHost, address: Address) {
    this.#network = network;
    this.host = host;
    this.advertised = address;
    this.maxPacketBytes = network.maxPacketBytes;
    const ip = parseIp(address.host);
    assert(ip !== undefined, 'the network checked the address');
    this.advertisedIp = toIpv6(ip) ?? ip;
  }

  /** Whether {@link listen} was called and the transport lives. */
  get listening(): boolean {
    return this.#handler !== undefined && !this.#closed;
  }

  async listen(handler: TransportHandler): Promise<void> {
    assert(this.#handler === undefined, 'listen() was called twice');
    assert(!this.#closed, 'listen() was called on a closed transport');
    this.#handler = handler;
  }

  sendPacket(to: Address, bytes: Uint8Array): void {
    if (!this.#closed) this.#network.sendPacket(this, to, bytes);
  }

  async dial(
    to: Address,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Stream> {
    const target = formatAddress(to);
    const { signal, timeoutMs } = options;
    if (this.#closed) throw new DialError('closed', 'the transport is closed');
    if (signal?.aborted === true) throw abortReason(signal, `dialling ${target}`);
    const host = canonicalIp(to.host);
    if (host === undefined) {
      throw new DialError('invalid', `${JSON.stringify(target)} is not an IP and a port to dial`);
    }
    const opened = new Deferred<SimStream>();
    this.#dials.add(opened);
    const limitMs = timeoutMs > 0 ? timeoutMs : SYSTEM_CONNECT_LIMIT_MS;
    using _limit = this.#network.runtime.timers.after(
      limitMs,
      () =>
        opened.reject(new DialError('timeout', `${target} did not answer within ${limitMs} ms`)),
      { plain: true },
    );
    using _link = onAbort(signal, () => {
      if (signal !== undefined) opened.reject(abortReason(signal, `dialling ${target}`));
    });
    this.#connect({ host, port: to.port }, opened, 0);
    try {
      return await opened.promise;
    } finally {
      this.#dials.delete(opened);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.host.listeners.delete(this.advertised.port);
    for (const stream of [...this.#streams]) stream.reset();
    this.#rejectDials();
    return Promise.resolve();
  }

  /** The host's power fails. */
  kill(): void {
    this.#closed = true;
    for (const stream of [...this.#streams]) stream.vanish();
    this.#rejectDials();
  }

  /** Takes a packet that has arrived. */
  receive(packet: Packet): void {
    this.#handler?.onPacket(packet);
  }

  /** Takes a stream that has arrived. */
  accept(stream: SimStream): void {
    if (!this.listening) stream.reset();
    else this.#handler?.onStream(stream);
  }

  /** Counts a stream as this transport's until it is gone. */
  adopt(stream: SimStream): void {
    this.#streams.add(stream);
  }

  /** A stream is gone. */
  drop(stream: SimStream): void {
    this.#streams.delete(stream);
  }

  #rejectDials(): void {
    for (const dial of this.#dials) {
      dial.reject(new DialError('closed', 'the transport is closed'));
    }
  }

  /** One attempt; while the path is cut it is repeated until somebody gives up the dial. */
  #connect(to: Address, opened: Deferred<SimStream>, attempt: number): void {
    if (!this.#dials.has(opened)) return;
    const network = this.#network;
    const here = this.host.ip;
    if (!network.reaches(here, to.host) || !network.reaches(to.host, here)) {
      const retryMs = CONNECT_RETRY_MS * 2 ** Math.min(attempt, 6);
      network.runtime.post(retryMs, () => this.#connect(to, opened, attempt + 1));
      return;
    }
    network.runtime.post(network.connectDelay(here, to.host), () => {
      if (!this.#dials.has(opened)) return;
      const target = network.listener(to);
      if (target === undefined) {
        const text = `could not dial ${formatAddress(to)}: nobody listens there`;
        opened.reject(new DialError('refused', text));
        return;
      }
      const from = { host: here, port: this.#ephemeralPort() };
      opened.resolve(SimConnection.open(network, { dialer: this, from, target, to }));
    });
  }

  #ephemeralPort(): number {
    const port = this.#nextPort;
    this.#nextPort = port === MAX_EPHEMERAL_PORT ? MIN_EPHEMERAL_PORT : port + 1;
    return port;
  }
}
