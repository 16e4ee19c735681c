import { EmptyRingError, Reporting } from '@ml/ring';
import type { SimNode } from './sim-node.ts';

/** What costs more to see, so that samples tell it only when an assertion asks. */
export interface CloseUp {
  /** Most instances without a fresh heartbeat in the ring of a live node, as its page would call UNHEALTHY. */
  readonly unhealthy: number;
  /** Members and ring instances of another cluster that live nodes know, over all nodes. */
  readonly strangers: number;
  /** Most members that a live node remembers, the dead and those that left included. */
  readonly remembered: number;
  /** Changes of values that wait to be gossiped, over all nodes. */
  readonly queuedChanges: number;
}

/** Looks closely at what live nodes know. `all`: every node of the simulation. */
export function closeUpOf(live: readonly SimNode[], all: readonly SimNode[]): CloseUp {
  const clusters = clustersByName(all);
  const figures = { unhealthy: 0, strangers: 0, remembered: 0, queuedChanges: 0 };
  for (const node of live) {
    const members = node.memberlist?.members({ all: true }) ?? [];
    const queued = node.kv?.status().queued;
    const known = [
      ...members.filter(({ state }) => state === 'alive' || state === 'suspect'),
      ...(node.ring?.instances.map(({ id }) => ({ name: id })) ?? []),
    ];
    figures.unhealthy = Math.max(figures.unhealthy, unhealthyIn(node));
    figures.strangers += known.filter(({ name }) => {
      const cluster = clusters.get(name);
      return cluster !== undefined && cluster !== node.spec.cluster;
    }).length;
    figures.remembered = Math.max(figures.remembered, members.length);
    figures.queuedChanges += queued === undefined ? 0 : queued.local + queued.gossip;
  }
  return figures;
}

/** Which cluster each name belongs to, as members and as instances call themselves. */
function clustersByName(nodes: readonly SimNode[]): ReadonlyMap<string, string> {
  const clusters = new Map<string, string>();
  for (const { name, memberName, spec } of nodes) {
    clusters.set(name, spec.cluster);
    clusters.set(memberName, spec.cluster);
  }
  return clusters;
}

function unhealthyIn({ ring }: SimNode): number {
  if (ring === undefined) return 0;
  try {
    return ring.instances.length - ring.getAllHealthy(Reporting).instances.length;
  } catch (error) {
    if (error instanceof EmptyRingError) return ring.instances.length;
    throw error;
  }
}
