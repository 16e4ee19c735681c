import type { Topology } from './topology.ts';

/** The tokens of one zone. */
export interface ZoneTokens {
  /** Ascending. */
  readonly tokens: Uint32Array;
  /** The position of each token's owner in the ring's id order. */
  readonly owners: Uint32Array;
}

/** Splits the ring's tokens by zone, in the order of its zones; or leaves all together. */
export function tokensByZone(topology: Topology, zoneAware: boolean): readonly ZoneTokens[] {
  const { tokens, owners, zoneOf, zones } = topology;
  if (!zoneAware) return [{ tokens, owners }];
  const counts = new Uint32Array(zones.length);
  for (const [position, own] of topology.tokensOf.entries()) {
    const zone = zoneOf[position] ?? 0;
    counts[zone] = (counts[zone] ?? 0) + own;
  }
  const split = Array.from(counts, (count) => ({
    tokens: new Uint32Array(count),
    owners: new Uint32Array(count),
  }));
  counts.fill(0);
  const { length } = tokens;
  for (let i = 0; i < length; i++) {
    const owner = owners[i] ?? 0;
    const zone = zoneOf[owner] ?? 0;
    const into = split[zone];
    const at = counts[zone] ?? 0;
    counts[zone] = at + 1;
    if (into === undefined) continue;
    into.tokens[at] = tokens[i] ?? 0;
    into.owners[at] = owner;
  }
  return split;
}
