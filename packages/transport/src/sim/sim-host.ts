import type { SimTransport } from './sim-transport.ts';

/** What went over a host, a link or the network. */
export interface Traffic {
  readonly sentPackets: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly receivedBytes: number;
  /** Packets lost on the way, turned away, or without a receiver. */
  readonly droppedPackets: number;
  /** Bytes sent over streams. */
  readonly streamBytes: number;
}

/** Counts {@link Traffic}. */
export class TrafficCounter {
  #sentPackets = 0;
  #sentBytes = 0;
  #receivedPackets = 0;
  #receivedBytes = 0;
  #droppedPackets = 0;
  #streamBytes = 0;

  sent(bytes: number): void {
    this.#sentPackets++;
    this.#sentBytes += bytes;
  }

  /** A packet came to a host where somebody takes it, or not. */
  arrived(bytes: number, taken: boolean): void {
    if (!taken) {
      this.#droppedPackets++;
      return;
    }
    this.#receivedPackets++;
    this.#receivedBytes += bytes;
  }

  dropped(): void {
    this.#droppedPackets++;
  }

  streamed(bytes: number): void {
    this.#streamBytes += bytes;
  }

  snapshot(): Traffic {
    return {
      sentPackets: this.#sentPackets,
      sentBytes: this.#sentBytes,
      receivedPackets: this.#receivedPackets,
      receivedBytes: this.#receivedBytes,
      droppedPackets: this.#droppedPackets,
      streamBytes: this.#streamBytes,
    };
  }
}

/** What a paused host keeps for later, as its sockets' buffers would. */
const MAX_HELD = 10_000;

/** One machine: an IP with transports at its ports. */
export class SimHost {
  readonly ip: string;
  readonly listeners: Map<number, SimTransport> = new Map<number, SimTransport>();
  readonly traffic: TrafficCounter = new TrafficCounter();
  up: boolean = true;
  /** Pauses in force. */
  pauses: number = 0;
  #held: (() => void)[] = [];

  constructor(ip: string) {
    this.ip = ip;
  }

  /** Runs what arrives, now or when the host is no longer paused. */
  run(arrive: () => void): void {
    if (this.pauses === 0) arrive();
    else if (this.#held.length < MAX_HELD) this.#held.push(arrive);
    else this.traffic.dropped();
  }

  /** Hands out what was held, in the order of arrival. */
  takeHeld(): readonly (() => void)[] {
    if (this.pauses > 0 && this.up) return [];
    const held = this.#held;
    this.#held = [];
    return held;
  }
}
