import type { MemberState } from '@ml/gossip';

/** A member as one node sees it. */
export interface SeenMember {
  readonly name: string;
  readonly state: MemberState;
  readonly incarnation: number;
}

/** Where a key's replicas are, as one node's ring says; `undefined` where it gives a reason instead. */
export interface SeenLookup {
  readonly key: number;
  readonly instances: readonly { readonly id: string; readonly zone: string }[] | undefined;
}

/** A node's ring as it sees it, tombstones left out. */
export interface SeenRing {
  readonly instances: readonly {
    readonly id: string;
    readonly state: string;
    readonly zone: string;
  }[];
  readonly lookups: readonly SeenLookup[];
  readonly replicationFactor: number;
  readonly zoneAware: boolean;
}

/** One node that is up and runs. */
export interface SeenNode {
  readonly name: string;
  /** What gossip calls it in this life. */
  readonly memberName: string;
  readonly cluster: string;
  readonly lives: number;
  /** All it remembers, the dead and left included. */
  readonly members: readonly SeenMember[];
  readonly queuedBroadcasts: number;
  readonly queuedChanges: number;
  /** `undefined` in mode `membership`, and before it is up. */
  readonly ring: SeenRing | undefined;
}

/** The whole simulation at one moment. */
export interface Snapshot {
  readonly atMs: number;
  readonly nodes: readonly SeenNode[];
  readonly pendingEvents: number;
}

/** Something that must hold. One is made for each run, and may remember what it saw. */
export interface Check {
  readonly name: string;
  /** What is wrong at this moment; `undefined` when nothing is. Called again and again while faults go on. */
  during?(snapshot: Snapshot): string | undefined;
  /** What is still wrong when the faults are over and the cluster had time to recover. */
  atEnd?(snapshot: Snapshot): string | undefined;
}

/** The nodes of each cluster. */
export function byCluster(nodes: readonly SeenNode[]): ReadonlyMap<string, readonly SeenNode[]> {
  const groups = new Map<string, SeenNode[]>();
  for (const node of nodes) {
    const group = groups.get(node.cluster) ?? [];
    group.push(node);
    groups.set(node.cluster, group);
  }
  return groups;
}
