import type { Check, SeenLookup, SeenRing, Snapshot } from './check.ts';

/**
 * No look-up names an instance twice. With zone awareness none names a zone twice, and when all is well none leaves a
 * zone out while it has room for it.
 */
export function lookupsAreDistinct(): Check {
  return {
    name: 'look-ups are distinct',
    during: (snapshot) => first(snapshot, (lookup, ring) => repeated(lookup, ring)),
    atEnd: (snapshot) =>
      first(snapshot, (lookup, ring) => repeated(lookup, ring) ?? skipped(lookup, ring)),
  };
}

function first(
  { nodes }: Snapshot,
  faultOf: (lookup: SeenLookup, ring: SeenRing) => string | undefined,
): string | undefined {
  for (const { name, ring } of nodes) {
    for (const lookup of ring?.lookups ?? []) {
      const fault = ring === undefined ? undefined : faultOf(lookup, ring);
      if (fault !== undefined) return `${name}, key ${lookup.key}: ${fault}`;
    }
  }
  return undefined;
}

function repeated({ instances = [] }: SeenLookup, ring: SeenRing): string | undefined {
  const ids = instances.map(({ id }) => id);
  if (new Set(ids).size < ids.length) return `an instance comes twice in ${ids.join(' ')}`;
  if (!ring.zoneAware) return undefined;
  const zones = instances.map(({ zone }) => zone);
  const twice = new Set(zones).size < zones.length;
  return twice ? `a zone comes twice in ${zones.join(' ')}` : undefined;
}

function skipped({ instances }: SeenLookup, ring: SeenRing): string | undefined {
  if (instances === undefined) return 'the ring has no answer';
  const all = new Set(
    ring.zoneAware ? ring.instances.map(({ zone }) => zone) : ring.instances.map(({ id }) => id),
  );
  const room = Math.min(ring.replicationFactor, all.size);
  if (instances.length >= room) return undefined;
  return `${instances.length} replicas where there is room for ${room}`;
}
