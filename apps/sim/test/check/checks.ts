import type { SeenNode, SeenRing, Snapshot } from '../../src/check/check.ts';

/** A node of cluster `c` that sees everybody named, and itself, alive. */
export function seenNode(name: string, more: Partial<SeenNode> = {}): SeenNode {
  return {
    name,
    memberName: name,
    cluster: 'c',
    lives: 1,
    members: ['c-0', 'c-1'].map((member) => ({ name: member, state: 'alive', incarnation: 1 })),
    queuedBroadcasts: 0,
    queuedChanges: 0,
    ring: undefined,
    ...more,
  };
}

/** A cluster of two nodes that see each other, with changes to the second. */
export function snapshot(second: Partial<SeenNode> = {}, more: Partial<Snapshot> = {}): Snapshot {
  return {
    atMs: 0,
    nodes: [seenNode('c-0'), seenNode('c-1', second)],
    pendingEvents: 10,
    ...more,
  };
}

/** A ring of instances in zones `z0`, `z1` …, in which every key has the given replicas. */
export function seenRing(
  ids: readonly string[],
  replicas: readonly (readonly [id: string, zone: string])[],
  more: Partial<SeenRing> = {},
): SeenRing {
  return {
    instances: ids.map((id, index) => ({ id, state: 'ACTIVE', zone: `z${index}` })),
    lookups: [{ key: 7, instances: replicas.map(([id, zone]) => ({ id, zone })) }],
    replicationFactor: 2,
    zoneAware: true,
    ...more,
  };
}
