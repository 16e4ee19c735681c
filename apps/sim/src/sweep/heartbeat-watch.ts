import { type RingDesc, ringCodec } from '@ml/ring';
import type { SimCluster } from '../cluster.ts';
import { Histogram, type HistogramSummary } from '../histogram.ts';
import type { SimNode } from '../sim-node.ts';
import type { NodeTraffic } from '../traced-transport.ts';

/** Which time of a run counts, in virtual milliseconds. */
export interface HeartbeatWindow {
  /** Heartbeats from then on count. */
  readonly fromMs: number;
  /** Heartbeats from then on do not; they still may carry earlier ones. */
  readonly untilMs: number;
}

/** What became of the heartbeats of a window. */
export interface HeartbeatFigures {
  /** Heartbeats that were given in the window. */
  readonly heartbeats: number;
  /**
   * From a heartbeat to the moment at which another node had it, or a later one of the same instance, in milliseconds:
   * one entry a heartbeat and node. What had not arrived at the end of the run counts with the time it was under way.
   */
  readonly propagation: HistogramSummary;
  /** Pairs of a heartbeat and a node that it had not reached at the end. */
  readonly missing: number;
  /** Pairs of a heartbeat and a node that it took more than {@link LATE_MS} to reach, the missing ones among them. */
  readonly late: number;
  /** The oldest that any instance's last heartbeat became in the eyes of any node, its own time in milliseconds. */
  readonly oldestMs: number;
  /** What a node sent and received in the window, per second. */
  readonly rates: TrafficRates;
}

/** Traffic of a node per second, on average over nodes. Bytes are those of packets and streams, without TCP and IP headers. */
export interface TrafficRates {
  readonly sentBytesS: number;
  readonly receivedBytesS: number;
  readonly sentPacketsS: number;
  readonly receivedPacketsS: number;
  /** Connections for full exchanges and the like that a node dialled. */
  readonly dialsS: number;
}

/** Gossip takes a second or two. What takes longer was missed by it, and came with a full exchange or the next heartbeat. */
export const LATE_MS = 5000;

interface Heartbeat {
  readonly stampS: number;
  readonly atMs: number;
}

/** What a node knows of an instance. */
interface Known {
  stampS: number;
  /** How many of the instance's heartbeats it has. */
  count: number;
}

/**
 * Follows the heartbeats that nodes give themselves in the ring from the moment they are written until every other node
 * has them. Watches the nodes' stores as a consumer of the ring would, and changes nothing in what they send.
 */
export class HeartbeatWatch implements Disposable {
  readonly #cluster: SimCluster;
  readonly #window: HeartbeatWindow;
  readonly #subscription: Disposable;
  readonly #timers: readonly Disposable[];
  readonly #watching = new AbortController();
  readonly #written = new Map<string, Heartbeat[]>();
  readonly #known = new Map<SimNode, Map<string, Known>>();
  readonly #propagation = new Histogram();
  #oldestMs = 0;
  #late = 0;
  #before: NodeTraffic | undefined;
  #after: NodeTraffic | undefined;

  /** Watches every node that starts from now on. */
  constructor(cluster: SimCluster, window: HeartbeatWindow) {
    this.#cluster = cluster;
    this.#window = window;
    this.#subscription = cluster.observe((event) => {
      if (event.type !== 'node' || event.what !== 'started') return;
      void this.#watch(cluster.node(event.node));
    });
    const { timers } = cluster.runtime;
    this.#timers = [
      timers.after(window.fromMs, () => {
        this.#before = trafficOf(cluster);
      }),
      timers.after(window.untilMs, () => {
        this.#after = trafficOf(cluster);
      }),
    ];
  }

  /** What the heartbeats came to until now; ends the watch. */
  finish(): HeartbeatFigures {
    this[Symbol.dispose]();
    const { now } = this.#cluster;
    let missing = 0;
    for (const known of this.#known.values()) {
      for (const [id, heartbeats] of this.#written) {
        const { count = 0 } = known.get(id) ?? {};
        for (const heartbeat of heartbeats.slice(count)) {
          if (!this.#counts(heartbeat)) continue;
          missing += 1;
          this.#add(now - heartbeat.atMs);
        }
        const last = heartbeats[count - 1];
        if (last !== undefined) this.#oldestMs = Math.max(this.#oldestMs, now - last.atMs);
      }
    }
    const given = [...this.#written.values()].flat().filter((each) => this.#counts(each));
    return {
      heartbeats: given.length,
      propagation: this.#propagation.summary(),
      missing,
      late: this.#late,
      oldestMs: this.#oldestMs,
      rates: this.#rates(),
    };
  }

  [Symbol.dispose](): void {
    this.#watching.abort();
    this.#subscription[Symbol.dispose]();
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  async #watch(node: SimNode): Promise<void> {
    const { kv, spec } = node;
    if (kv === undefined) return;
    const { prefix, key } = spec.config.ring;
    const known = new Map<string, Known>();
    this.#known.set(node, known);
    const { signal } = this.#watching;
    try {
      for await (const ring of kv.client(ringCodec).watchKey(prefix + key, { signal })) {
        if (ring !== undefined) this.#look(node, ring, known);
      }
    } catch (error) {
      // A store that closes ends its watches with an error; so does the end of this one.
      if (node.live && !signal.aborted) throw error;
    }
  }

  #look(node: SimNode, ring: RingDesc, known: Map<string, Known>): void {
    const { now } = this.#cluster;
    for (const { id, heartbeatUnixS: stampS } of ring.instances) {
      const before = known.get(id);
      if (before !== undefined && before.stampS >= stampS) continue;
      const heartbeats = this.#heartbeatsOf(id);
      if (id === node.name) heartbeats.push({ stampS, atMs: now });
      const seen = before ?? { stampS, count: 0 };
      known.set(id, seen);
      seen.stampS = stampS;
      this.#arrived(seen, heartbeats, id === node.name);
    }
  }

  #arrived(seen: Known, heartbeats: readonly Heartbeat[], own: boolean): void {
    const { now } = this.#cluster;
    const last = heartbeats[seen.count - 1];
    const inWindow = now >= this.#window.fromMs;
    if (last !== undefined && inWindow) this.#oldestMs = Math.max(this.#oldestMs, now - last.atMs);
    for (;;) {
      const next = heartbeats[seen.count];
      if (next === undefined || next.stampS > seen.stampS) return;
      seen.count += 1;
      if (!own && this.#counts(next)) this.#add(now - next.atMs);
    }
  }

  #add(ms: number): void {
    this.#propagation.add(ms);
    if (ms >= LATE_MS) this.#late += 1;
  }

  #heartbeatsOf(id: string): Heartbeat[] {
    const found = this.#written.get(id) ?? [];
    this.#written.set(id, found);
    return found;
  }

  #counts({ atMs }: Heartbeat): boolean {
    return atMs >= this.#window.fromMs && atMs < this.#window.untilMs;
  }

  #rates(): TrafficRates {
    const { fromMs, untilMs } = this.#window;
    const before = this.#before;
    const after = this.#after;
    if (before === undefined || after === undefined) return NO_RATES;
    const nodeSeconds = ((untilMs - fromMs) / 1000) * this.#cluster.nodes.length;
    const rate = (count: (traffic: NodeTraffic) => number): number =>
      (count(after) - count(before)) / nodeSeconds;
    return {
      sentBytesS: rate((t) => t.sentPacketBytes + t.sentStreamBytes),
      receivedBytesS: rate((t) => t.receivedPacketBytes + t.receivedStreamBytes),
      sentPacketsS: rate((t) => t.sentPackets),
      receivedPacketsS: rate((t) => t.receivedPackets),
      dialsS: rate((t) => t.dials),
    };
  }
}

const NO_RATES: TrafficRates = {
  sentBytesS: 0,
  receivedBytesS: 0,
  sentPacketsS: 0,
  receivedPacketsS: 0,
  dialsS: 0,
};

/** What all nodes together have sent and received so far. */
function trafficOf({ nodes }: SimCluster): NodeTraffic {
  const sum = (count: (traffic: NodeTraffic) => number): number =>
    nodes.reduce((total, { traffic }) => total + count(traffic), 0);
  return {
    sentPackets: sum((t) => t.sentPackets),
    sentPacketBytes: sum((t) => t.sentPacketBytes),
    receivedPackets: sum((t) => t.receivedPackets),
    receivedPacketBytes: sum((t) => t.receivedPacketBytes),
    sentStreamBytes: sum((t) => t.sentStreamBytes),
    receivedStreamBytes: sum((t) => t.receivedStreamBytes),
    dials: sum((t) => t.dials),
  };
}
