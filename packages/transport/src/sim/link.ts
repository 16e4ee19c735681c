import type { Random } from '@ml/runtime';

/** Draws one latency in milliseconds. */
export type LatencySampler = (random: Random) => number;

/** What a directed link does to what it carries. Everything left out does not happen. */
export interface LinkFaults {
  /** Milliseconds one way: fixed, uniform in [min, max], or drawn by a function. Default 0. */
  readonly latencyMs?: number | readonly [min: number, max: number] | LatencySampler;
  /** Share of packets that vanish, 0 to 1. On streams (and packets in mode `tcp`): share that is sent again later. */
  readonly loss?: number;
  /** Share of packets that arrive twice. Datagrams only. */
  readonly duplicate?: number;
  /** Share of packets that are held back for {@link reorderMs}, so that later ones overtake them. Datagrams only. */
  readonly reorder?: number;
  /** How long, in milliseconds. Default 20. */
  readonly reorderMs?: number;
  /** Share of packets of which one bit is flipped. Datagrams only: TCP would notice. */
  readonly corrupt?: number;
  /** Bandwidth. Bytes wait for those before them; datagrams that would wait over a second are dropped. */
  readonly bytesPerSecond?: number;
}

/** Delay added to a packet that is held back, unless told otherwise. */
export const DEFAULT_REORDER_MS = 20;

/** One latency of the link. */
export function drawLatencyMs(faults: LinkFaults, random: Random): number {
  const { latencyMs = 0 } = faults;
  if (typeof latencyMs === 'number') return latencyMs;
  if (typeof latencyMs === 'function') return Math.max(0, latencyMs(random));
  const [min, max] = latencyMs;
  return min + (max - min) * random.float();
}

/** Whether something of this probability happens. Draws nothing when it cannot, so an unused fault costs no randomness. */
export function happens(probability: number | undefined, random: Random): boolean {
  return probability !== undefined && probability > 0 && random.float() < probability;
}

/** A copy with one bit flipped; empty bytes stay as they are. */
export function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length === 0) return copy;
  const at = random.int(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.int(8));
  return copy;
}
