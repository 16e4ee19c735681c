import { Write } from '@ml/ring';
import { MlError } from '@ml/runtime';
import type { SeenLookup, SeenNode, SeenRing, Snapshot } from './check/check.ts';
import type { SimCluster } from './cluster.ts';
import type { SimNode } from './sim-node.ts';

/** What {@link Snapshot}s are taken with. */
export interface SnapshotOptions {
  /** Keys to look up in every ring. */
  readonly keys: readonly number[];
  /** Whether to read status pages for the length of queues, which costs a list of keys a node. */
  readonly queues: boolean;
}

/** What every node that is up sees at this moment, as plain data. */
export function snapshotOf(cluster: SimCluster, options: SnapshotOptions): Snapshot {
  return {
    atMs: cluster.now,
    nodes: cluster.live.map((node) => seenBy(node, options)),
    pendingEvents: cluster.runtime.pendingEvents,
  };
}

function seenBy(node: SimNode, options: SnapshotOptions): SeenNode {
  const { memberlist } = node;
  const queued = options.queues ? node.kv?.status().queued : undefined;
  return {
    name: node.name,
    memberName: node.memberName,
    cluster: node.spec.cluster,
    lives: node.lives,
    members: (memberlist?.members({ all: true }) ?? []).map(({ name, state, incarnation }) => ({
      name,
      state,
      incarnation,
    })),
    queuedBroadcasts: memberlist?.queuedBroadcasts ?? 0,
    queuedChanges: queued === undefined ? 0 : queued.local + queued.gossip,
    ring: ringOf(node, options.keys),
  };
}

function ringOf({ ring, spec }: SimNode, keys: readonly number[]): SeenRing | undefined {
  if (ring === undefined) return undefined;
  const { replicationFactor, zoneAwarenessEnabled } = spec.config.ring;
  return {
    instances: ring.instances.map(({ id, state, zone }) => ({ id, state, zone })),
    lookups: keys.map((key): SeenLookup => {
      try {
        const { instances } = ring.get(key, Write);
        return { key, instances: instances.map(({ id, zone }) => ({ id, zone })) };
      } catch (error) {
        if (MlError.is(error)) return { key, instances: undefined };
        throw error;
      }
    }),
    replicationFactor,
    zoneAware: zoneAwarenessEnabled,
  };
}
