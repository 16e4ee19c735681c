import { assert, type Random } from '@ml/runtime';
import type { VirtualRuntime } from '@ml/runtime/virtual';
import { formatAddress } from '../address.ts';
import { canonicalIp } from '../ip.ts';
import type { Address, Transport } from '../transport.ts';
import { DEFAULT_REORDER_MS, drawLatencyMs, flipBit, happens, type LinkFaults } from './link.ts';
import { Partitions } from './partitions.ts';
import type { SimConnection } from './sim-connection.ts';
import { SimHost, type Traffic, TrafficCounter } from './sim-host.ts';
import { SimTransport } from './sim-transport.ts';

/** Options of {@link SimNetwork}. */
export interface SimNetworkOptions {
  readonly runtime: VirtualRuntime;
  /** Faults of every link that has none of its own, or a function that tells them by the two hosts' IPs. Default: none. */
  readonly link?: LinkFaults | ((from: string, to: string) => LinkFaults);
  /**
   * `datagram`: a packet takes one latency and may be lost, doubled, overtaken, corrupted. `tcp`: a packet is a
   * connection, as in dskit; it takes `connectRoundTrips` more, and loss only delays it. Default `datagram`.
   */
  readonly mode?: 'datagram' | 'tcp';
  /** Round trips before the first byte of a connection: 1 for TCP (the default), 2 with TLS 1.3. Streams take them in both modes. */
  readonly connectRoundTrips?: number;
  /** In mode `tcp` a packet whose connection takes longer is lost. Default 2000. As -memberlist.packet-dial-timeout in dskit. */
  readonly packetDialTimeoutMs?: number;
  /** How long a stream outlives a broken path. Default 15,000, as Go's keep-alive. */
  readonly streamTimeoutMs?: number;
  /** What the transports report as their largest packet. Default 10 MiB. */
  readonly maxPacketBytes?: number;
}

/** First retransmission of data and of a connection's first segment, in milliseconds; each further one doubles. */
const DATA_RETRY_MS = 200;
const CONNECT_RETRY_MS = 1000;
const MAX_RETRIES = 6;
/** A datagram that would wait longer for its link is dropped. */
const MAX_QUEUE_MS = 1000;
const IDLE_LINKS_CHECKED = 4096;

/**
 * A network in virtual time. Hosts are IPs, created by {@link transport}; links are directed and cost nothing until
 * one is given faults of its own. Packets arrive by plain calls; all randomness is the runtime's.
 */
export class SimNetwork {
  readonly runtime: VirtualRuntime;
  readonly maxPacketBytes: number;
  readonly streamTimeoutMs: number;
  readonly #options: SimNetworkOptions;
  readonly #random: Random;
  readonly #hosts = new Map<string, SimHost>();
  readonly #links = new Map<string, Map<string, LinkState>>();
  readonly #busyUntil = new Map<string, number>();
  readonly #partitions: Partitions = new Partitions();
  readonly #connections = new Set<SimConnection>();
  readonly #total = new TrafficCounter();

  constructor(options: SimNetworkOptions) {
    this.#options = options;
    this.runtime = options.runtime;
    this.#random = options.runtime.random.fork('network');
    this.maxPacketBytes = options.maxPacketBytes ?? 10 * 1024 * 1024;
    this.streamTimeoutMs = options.streamTimeoutMs ?? 15_000;
  }

  /**
   * A transport at an address whose host is an IP. The host comes up if it is new or was killed. Another transport
   * at the same address must have been disposed or killed before.
   */
  transport(address: Address): Transport {
    const host = canonicalIp(address.host);
    assert(host !== undefined, `${JSON.stringify(address.host)} is not an IP address`);
    const owner = this.#host(host);
    owner.up = true;
    const taken = owner.listeners.has(address.port);
    assert(!taken, `${formatAddress(address)} already has a transport`);
    const transport = new SimTransport(this, owner, { host, port: address.port });
    owner.listeners.set(address.port, transport);
    return transport;
  }

  /** Gives a directed link faults of its own, and counters; undefined takes both away. */
  setLink(from: string, to: string, faults: LinkFaults | undefined): void {
    const row = this.#links.get(from) ?? new Map<string, LinkState>();
    if (faults === undefined) row.delete(to);
    else row.set(to, { faults, traffic: row.get(to)?.traffic ?? new TrafficCounter() });
    if (row.size === 0) this.#links.delete(from);
    else this.#links.set(from, row);
  }

  /** Hosts of different groups no longer reach each other; hosts in no group reach everyone. Disposing heals. */
  partition(...groups: readonly (readonly string[])[]): Disposable {
    return this.#cut(this.#partitions.split(groups));
  }

  /** One-way: nothing from `from` reaches `to` any more. Disposing heals. */
  block(from: readonly string[], to: readonly string[]): Disposable {
    return this.#cut(this.#partitions.block(from, to));
  }

  /** What arrives at a host waits until the pause is disposed, as for a process that is stopped. At most 10,000 packets wait. */
  pause(host: string): Disposable {
    const owner = this.#host(host);
    owner.pauses++;
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        owner.pauses--;
        for (const run of owner.takeHeld()) this.runtime.post(0, run);
      },
    };
  }

  /** The host's power fails: nothing answers, nobody is told. Its transports are dead; a new one brings it up again. */
  kill(host: string): void {
    const owner = this.#host(host);
    owner.up = false;
    for (const transport of [...owner.listeners.values()]) transport.kill();
    owner.listeners.clear();
    owner.takeHeld();
    this.#breakLater();
  }

  /** Packets and stream bytes of one host. */
  hostTraffic(host: string): Traffic {
    return (this.#hosts.get(host)?.traffic ?? new TrafficCounter()).snapshot();
  }

  /** Packets and stream bytes of a link that {@link setLink} named; undefined for others, which are not counted. */
  linkTraffic(from: string, to: string): Traffic | undefined {
    return this.#links.get(from)?.get(to)?.traffic.snapshot();
  }

  /** Packets and stream bytes of the whole network. */
  totalTraffic(): Traffic {
    return this.#total.snapshot();
  }

  /** @private For SimTransport. Carries a packet, or loses it. */
  sendPacket(from: SimTransport, to: Address, bytes: Uint8Array): void {
    const source = from.host;
    // The network's own names of hosts are canonical.
    const known = this.#hosts.has(to.host);
    const toHost = known ? to.host : (canonicalIp(to.host) ?? to.host);
    const link = this.#link(source.ip, toHost);
    this.#total.sent(bytes.length);
    source.traffic.sent(bytes.length);
    link.traffic?.sent(bytes.length);
    const delay = this.#packetDelay(source.ip, toHost, link.faults, bytes.length);
    if (delay === undefined) {
      this.#total.dropped();
      source.traffic.dropped();
      link.traffic?.dropped();
      return;
    }
    const faults = this.#options.mode === 'tcp' ? NO_FAULTS : link.faults;
    const random = this.#random;
    const arriving = happens(faults.corrupt, random) ? flipBit(bytes, random) : bytes;
    const held = happens(faults.reorder, random) ? (faults.reorderMs ?? DEFAULT_REORDER_MS) : 0;
    const target = known ? to : { host: toHost, port: to.port };
    const arrive = (): void => this.#deliver(from.advertised, target, arriving, link.traffic);
    this.runtime.post(delay + held, arrive);
    if (happens(faults.duplicate, random)) {
      this.runtime.post(delay + drawLatencyMs(faults, random), arrive);
    }
  }

  /** @private The transport at an address, if it is up and listens. */
  listener(at: Address): SimTransport | undefined {
    const host = this.#hosts.get(at.host);
    const transport = host?.up === true ? host.listeners.get(at.port) : undefined;
    return transport?.listening === true ? transport : undefined;
  }

  /** @private Whether bytes from one host reach another now. */
  reaches(from: string, to: string): boolean {
    if (this.#hosts.get(from)?.up !== true || this.#hosts.get(to)?.up !== true) return false;
    return from === to || !this.#partitions.blocks(from, to);
  }

  /** @private How long a stream's segment takes; loss makes it longer. */
  segmentDelay(from: string, to: string, bytes: number): number {
    const { faults, traffic } = this.#link(from, to);
    for (const counter of [this.#total, this.#hosts.get(from)?.traffic, traffic]) {
      counter?.streamed(bytes);
    }
    const delay = drawLatencyMs(faults, this.#random) + this.#retries(faults, DATA_RETRY_MS);
    return delay + this.#queueing(from, to, faults, bytes);
  }

  /** @private How long a connection takes until the dialer may write. */
  connectDelay(from: string, to: string): number {
    const there = this.#link(from, to).faults;
    const back = this.#link(to, from).faults;
    let delay = this.#retries(there, CONNECT_RETRY_MS);
    for (let trip = 0; trip < (this.#options.connectRoundTrips ?? 1); trip++) {
      delay += drawLatencyMs(there, this.#random) + drawLatencyMs(back, this.#random);
    }
    return delay;
  }

  /** @private */
  opened(connection: SimConnection): void {
    this.#connections.add(connection);
  }

  /** @private */
  closed(connection: SimConnection): void {
    this.#connections.delete(connection);
  }

  #host(ip: string): SimHost {
    const known = this.#hosts.get(ip);
    if (known !== undefined) return known;
    const made = new SimHost(ip);
    this.#hosts.set(ip, made);
    return made;
  }

  #cut(cut: Disposable): Disposable {
    this.#breakLater();
    return cut;
  }

  /** Streams whose path is still broken after the time-out break. */
  #breakLater(): void {
    if (this.#connections.size === 0) return;
    this.runtime.post(this.streamTimeoutMs, () => {
      for (const connection of [...this.#connections]) connection.breakIfCut();
    });
  }

  #link(from: string, to: string): { faults: LinkFaults; traffic?: TrafficCounter } {
    const own = this.#links.get(from)?.get(to);
    if (own !== undefined) return own;
    if (from === to) return LOOPBACK;
    const { link = NO_FAULTS } = this.#options;
    return { faults: typeof link === 'function' ? link(from, to) : link };
  }

  /** Undefined: the packet is lost. */
  #packetDelay(from: string, to: string, faults: LinkFaults, bytes: number): number | undefined {
    if (!this.reaches(from, to)) return undefined;
    if (this.#options.mode === 'tcp') {
      if (!this.reaches(to, from)) return undefined;
      const connect = this.connectDelay(from, to);
      if (connect > (this.#options.packetDialTimeoutMs ?? 2000)) return undefined;
      const data = drawLatencyMs(faults, this.#random) + this.#retries(faults, DATA_RETRY_MS);
      return connect + data + this.#queueing(from, to, faults, bytes);
    }
    if (happens(faults.loss, this.#random)) return undefined;
    const queueing = this.#queueing(from, to, faults, bytes);
    if (queueing > MAX_QUEUE_MS) return undefined;
    return drawLatencyMs(faults, this.#random) + queueing;
  }

  #retries({ loss }: LinkFaults, firstMs: number): number {
    let delay = 0;
    for (let retry = 0; retry < MAX_RETRIES && happens(loss, this.#random); retry++) {
      delay += firstMs * 2 ** retry;
    }
    return delay;
  }

  #queueing(from: string, to: string, { bytesPerSecond }: LinkFaults, bytes: number): number {
    if (bytesPerSecond === undefined) return 0;
    const { now } = this.runtime;
    const key = `${from} ${to}`;
    const wait = Math.max(0, (this.#busyUntil.get(key) ?? 0) - now);
    const total = wait + (bytes * 1000) / bytesPerSecond;
    if (wait <= MAX_QUEUE_MS) this.#busyUntil.set(key, now + total);
    if (this.#busyUntil.size > IDLE_LINKS_CHECKED) this.#forgetIdleLinks(now);
    return total;
  }

  #forgetIdleLinks(now: number): void {
    for (const [key, until] of this.#busyUntil) if (until <= now) this.#busyUntil.delete(key);
  }

  #deliver(
    from: Address,
    to: Address,
    bytes: Uint8Array,
    linkTraffic: TrafficCounter | undefined,
  ): void {
    const host = this.#hosts.get(to.host);
    const lost =
      host?.up !== true || (from.host !== to.host && this.#partitions.blocks(from.host, to.host));
    if (host === undefined || lost) {
      this.#total.dropped();
      linkTraffic?.dropped();
      return;
    }
    host.run(() => {
      const target = host.up ? host.listeners.get(to.port) : undefined;
      const listens = target?.listening === true;
      this.#total.arrived(bytes.length, listens);
      host.traffic.arrived(bytes.length, listens);
      linkTraffic?.arrived(bytes.length, listens);
      if (listens) target.receive({ bytes, from, receivedAt: this.runtime.now });
    });
  }
}

const NO_FAULTS: LinkFaults = {};
const LOOPBACK = { faults: NO_FAULTS };

interface LinkState {
  readonly faults: LinkFaults;
  readonly traffic: TrafficCounter;
}
