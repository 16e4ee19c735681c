import { noMetrics } from '@ml/metrics';
import { recordingLogger, seededRandom } from '@ml/runtime';
import { type Address, parseIp } from '@ml/transport';
import { type GossipConfig, gossipPresets } from '../../src/config.ts';
import { GossipCore } from '../../src/core/core.ts';
import type { Effect } from '../../src/core/effects.ts';
import type { MemberPool } from '../../src/core/member-pool.ts';
import type { Delegates } from '../../src/delegate.ts';
import type { MemberEvent } from '../../src/events.ts';
import { createGossipMetrics, type GossipMetrics } from '../../src/metrics.ts';
import {
  type Alive,
  buildPackets,
  type Dead,
  decodePacket,
  encodeMessage,
  type PacketMessage,
  type Suspect,
} from '../../src/wire/index.ts';

/** What a core under test may be given. */
export interface HarnessOptions {
  readonly name?: string;
  readonly ip?: string;
  readonly seed?: number;
  readonly config?: Partial<GossipConfig>;
  readonly delegates?: Delegates;
  readonly maxPacketBytes?: number;
  readonly pool?: MemberPool;
}

/** A packet that the core sent, taken apart. */
export interface Sent {
  readonly to: string;
  readonly bytes: Uint8Array;
  readonly messages: readonly PacketMessage[];
}

/** Versions of a node as it is today. */
export const VERSIONS: Uint8Array = Uint8Array.of(1, 5, 2, 0, 0, 0);

/** One core at 10.0.0.1:7946, driven by hand: a quiet one, unless the test sets intervals. */
export class Harness {
  readonly core: GossipCore;
  readonly config: GossipConfig;
  readonly rejected: string[] = [];
  readonly log: ReturnType<typeof recordingLogger> = recordingLogger();
  readonly counts = new Map<string, number>();
  now = 0;
  readonly #effects: Effect[] = [];

  constructor(options: HarnessOptions = {}) {
    this.config = {
      ...gossipPresets.lan,
      compression: false,
      stagger: false,
      probeIntervalMs: 0,
      gossipIntervalMs: 0,
      pushPullIntervalMs: 0,
      ...options.config,
    };
    const ip = options.ip ?? '10.0.0.1';
    this.core = new GossipCore({
      name: options.name ?? 'node-a',
      address: { host: ip, port: 7946 },
      ip: ipBytes(ip),
      config: this.config,
      maxPacketBytes: options.maxPacketBytes ?? 1400,
      random: seededRandom(options.seed ?? 1),
      log: this.log,
      metrics: this.#metrics(),
      delegates: options.delegates ?? {},
      ...(options.pool === undefined ? {} : { pool: options.pool }),
    });
    this.core.start(0);
    this.#drain();
    this.#effects.length = 0;
  }

  /** Hands the core messages in one packet, as from 10.9.9.9:1111. */
  receive(...messages: readonly PacketMessage[]): void {
    const [bytes] = buildPackets(messages.map(encodeMessage), {
      label: this.config.label,
      compress: false,
      crc: false,
    });
    if (bytes !== undefined) this.packet(bytes);
  }

  packet(bytes: Uint8Array, from: Address = { host: '10.9.9.9', port: 1111 }): void {
    this.core.handlePacket(this.now, from, bytes);
    this.#drain();
  }

  /** Lets time pass, doing what is due when it is due. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let at = this.core.nextTimeout(); at !== undefined && at <= end; ) {
      this.now = Math.max(this.now, at);
      this.core.handleTimeout(this.now);
      this.#drain();
      at = this.core.nextTimeout();
    }
    this.now = end;
  }

  /** Calls the core at the present time. */
  run<T>(call: (core: GossipCore, now: number) => T): T {
    const result = call(this.core, this.now);
    this.#drain();
    return result;
  }

  /** Effects since the last call of this or the other two below. */
  effects(): readonly Effect[] {
    return this.#effects.splice(0);
  }

  sent(): readonly Sent[] {
    return this.effects().flatMap((effect) => {
      if (effect.type !== 'packet') return [];
      const { host, port } = effect.to;
      const options = { label: this.config.label, skipLabelCheck: true };
      const { messages, faults } = decodePacket(effect.bytes, options);
      if (faults.length > 0) throw new RangeError(`sent a bad packet: ${faults[0]?.message}`);
      return [{ to: `${host}:${port}`, bytes: effect.bytes, messages }];
    });
  }

  events(): readonly MemberEvent[] {
    return this.effects().flatMap((effect) => (effect.type === 'event' ? [effect.event] : []));
  }

  /** Sends pings until nothing is left to piggyback on the answers. */
  drainQueue(): void {
    for (let i = 0; i < 1000 && this.core.queuedBroadcasts > 0; i++) {
      this.receive(ping(1));
    }
    this.effects();
  }

  /** How often a metric was counted up. */
  count(metric: keyof GossipMetrics): number {
    return this.counts.get(metric) ?? 0;
  }

  #drain(): void {
    for (let e = this.core.pollEffect(); e !== undefined; e = this.core.pollEffect()) {
      this.#effects.push(e);
    }
  }

  #metrics(): GossipMetrics {
    const counter = (name: string) => {
      const made = {
        inc: (by = 1): void => {
          this.counts.set(name, (this.counts.get(name) ?? 0) + by);
        },
        labels: () => made,
      };
      return made;
    };
    return {
      ...createGossipMetrics(noMetrics, () => undefined),
      aliveMessages: counter('aliveMessages'),
      suspectMessages: counter('suspectMessages'),
      deadMessages: counter('deadMessages'),
      degradedProbes: counter('degradedProbes'),
      degradedTimeouts: counter('degradedTimeouts'),
      refutations: counter('refutations'),
      deferredRefutations: counter('deferredRefutations'),
      incarnationCeilings: counter('incarnationCeilings'),
      conflicts: counter('conflicts'),
      delegateFailures: counter('delegateFailures'),
      rejected: (reason) => {
        this.rejected.push(reason);
      },
    };
  }
}

export function ipBytes(text: string): Uint8Array {
  const ip = parseIp(text);
  if (ip === undefined) throw new RangeError(`${text} is not an IP`);
  return ip;
}

/** A sign of life of `node-<letter>` at 10.0.0.<n>, where b is 2, c is 3 and so on. */
export function alive(letter: string, incarnation = 1, more: Partial<Alive> = {}): Alive {
  return {
    type: 'alive',
    node: `node-${letter}`,
    addr: Uint8Array.of(10, 0, 0, letter.charCodeAt(0) - 96),
    port: 7946,
    meta: undefined,
    versions: VERSIONS,
    incarnation,
    ...more,
  };
}

export function suspect(letter: string, incarnation = 1, from = 'node-z'): Suspect {
  return { type: 'suspect', node: `node-${letter}`, incarnation, from };
}

export function dead(letter: string, incarnation = 1, from = 'node-z'): Dead {
  return { type: 'dead', node: `node-${letter}`, incarnation, from };
}

export function left(letter: string, incarnation = 1): Dead {
  return dead(letter, incarnation, `node-${letter}`);
}

/** A ping for node-a from a node that does not say who it is. */
export function ping(seqNo: number, node = 'node-a'): PacketMessage {
  return { type: 'ping', seqNo, node, sourceAddr: undefined, sourcePort: 0, sourceNode: '' };
}

export function ack(seqNo: number): PacketMessage {
  return { type: 'ack', seqNo, payload: undefined };
}
