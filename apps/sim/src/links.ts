import type { Random } from '@ml/runtime';
import type { LatencySampler, LinkFaults } from '@ml/transport/sim';

/** How long a packet is under way, in milliseconds one way. */
export type Latency =
  | { readonly type: 'fixed'; readonly ms: number }
  | { readonly type: 'uniform'; readonly minMs: number; readonly maxMs: number }
  /** A fixed part, and behind it an exponentially distributed one of this mean. */
  | { readonly type: 'exponential'; readonly minMs: number; readonly meanMs: number }
  /** Half of all packets are faster than the median; `sigma` is the spread of the logarithm (0.5: moderate, 1: heavy tail). */
  | { readonly type: 'lognormal'; readonly medianMs: number; readonly sigma: number };

/** A latency as links take it. No draw is longer than a minute. */
export function latencyOf(latency: Latency): number | LatencySampler {
  switch (latency.type) {
    case 'fixed':
      return latency.ms;
    case 'uniform':
      return (random) => latency.minMs + (latency.maxMs - latency.minMs) * random.float();
    case 'exponential':
      return (random) => {
        const tail = -Math.log(1 - random.float()) * (latency.meanMs - latency.minMs);
        return Math.min(MAX_LATENCY_MS, latency.minMs + tail);
      };
    default:
      return (random) => {
        const factor = Math.exp(latency.sigma * normal(random));
        return Math.min(MAX_LATENCY_MS, latency.medianMs * factor);
      };
  }
}

const MAX_LATENCY_MS = 60_000;

/** A standard normal number (Box and Muller). */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.float()));
  return radius * Math.cos(2 * Math.PI * random.float());
}

/**
 * Which faults the link between two hosts has: those of either host, else those of the two zones, else the default.
 * Changing one changes what is sent from then on.
 */
export class Links {
  readonly #zones = new Map<string, string>();
  readonly #pairs = new Map<string, Map<string, LinkFaults>>();
  readonly #hosts = new Map<string, LinkFaults>();
  #base: LinkFaults;

  constructor(base: LinkFaults) {
    this.#base = base;
  }

  /** What links without faults of their own have. */
  get base(): LinkFaults {
    return this.#base;
  }

  set base(faults: LinkFaults) {
    this.#base = faults;
  }

  /** Says where a host is. */
  place(ip: string, zone: string): void {
    this.#zones.set(ip, zone);
  }

  /** Faults of all links from one zone to another; `undefined` takes them away. Directed: call twice for both ways. */
  setZones(from: string, to: string, faults: LinkFaults | undefined): void {
    const row = this.#pairs.get(from) ?? new Map<string, LinkFaults>();
    if (faults === undefined) row.delete(to);
    else row.set(to, faults);
    if (row.size > 0) this.#pairs.set(from, row);
    else this.#pairs.delete(from);
  }

  /** Faults that links from one zone to another were given. */
  zones(from: string, to: string): LinkFaults | undefined {
    return this.#pairs.get(from)?.get(to);
  }

  /** Faults of all links to and from a host; `undefined` takes them away. */
  setHost(ip: string, faults: LinkFaults | undefined): void {
    if (faults === undefined) this.#hosts.delete(ip);
    else this.#hosts.set(ip, faults);
  }

  /** The faults of one directed link. */
  between(from: string, to: string): LinkFaults {
    if (this.#hosts.size > 0) {
      const own = this.#hosts.get(from) ?? this.#hosts.get(to);
      if (own !== undefined) return own;
    }
    if (this.#pairs.size === 0) return this.#base;
    const row = this.#pairs.get(this.#zones.get(from) ?? '');
    return row?.get(this.#zones.get(to) ?? '') ?? this.#base;
  }
}
