import { expect } from 'vitest';

import { Cleanup } from './cleanup.ts';
import { HarnessError } from './errors.ts';
import { eventually } from './eventually.ts';
import { type GoPeer, GoPeers, type GoPeersOptions } from './go-peer.ts';
import type { Flags, ManagedProcess } from './managed-process.ts';
import { type RingInstance, ringDigest } from './ring-digest.ts';
import { goObservations, logObservations, type Observation } from './suspicion-story.ts';
import { TsNode, type TsNodeOptions } from './ts-node.ts';

/** Where Go peers and our nodes register unless flags say otherwise. */
export const RING_KEY = 'collectors/ring';

/** The gossip settings of dskit that deadlines follow from. */
export const PROBE_INTERVAL_MS = 5000;

/** What members of either kind are asked the same way. */
interface Asked {
  readonly name: string;
  readonly gossipAddress: string;
  /** Several Go peers may share one. */
  readonly process: ManagedProcess;
  /** Names of the members that it holds for alive, itself among them, sorted. */
  aliveNames(): Promise<readonly string[]>;
  /** The ring without tombstones. */
  ring(): Promise<readonly RingInstance[]>;
  /** What it noticed of other members so far. */
  observations(): Promise<readonly Observation[]>;
}

/** A Go peer, with all that only it can do. */
export interface GoMember extends Asked {
  readonly kind: 'go';
  readonly peer: GoPeer;
}

/** A node of ours, with all that only it can do. */
export interface TsMember extends Asked {
  readonly kind: 'ts';
  readonly node: TsNode;
}

/** One member of a cluster of both kinds. */
export type MixedNode = GoMember | TsMember;

/** Go peers of one process, with the flags beyond the common ones. */
export type GoGroup = GoPeersOptions & { readonly name: string };

export interface MixedClusterOptions {
  /** The first is the seed that all others join through. */
  readonly go: readonly [GoGroup, ...GoGroup[]];
  readonly ts: readonly TsNodeOptions[];
  /** For all members. */
  readonly flags?: Flags;
  /** For our nodes only. */
  readonly tsFlags?: Flags;
}

/** A rumour that missed somebody comes with the next push/pull, which members start every 30 s. */
const AGREEMENT_LIMIT_MS = 45_000;

const TS_FLAGS: Flags = {
  'ring.name': 'ingester',
  'ring.key': 'ring',
  'log.level': 'debug',
};

/** Common to both kinds: heartbeats leave pauses in which all rings can be compared, and readiness is not delayed. */
const FLAGS: Flags = { 'ring.heartbeat-period': '15s', 'ring.min-ready-duration': '0s' };

/** A started cluster of Go peers and our nodes in one ring. Disposal kills what still runs. */
export class MixedCluster implements AsyncDisposable {
  readonly nodes: MixedNode[] = [];
  readonly #cleanup = new Cleanup();
  readonly #options: MixedClusterOptions;

  private constructor(options: MixedClusterOptions) {
    this.#options = options;
  }

  /** Returns when all processes answer; {@link MixedCluster.agree} waits for one view. */
  static async start(options: MixedClusterOptions): Promise<MixedCluster> {
    const cluster = new MixedCluster(options);
    const [seed, ...others] = options.go;
    try {
      await cluster.addGo(seed);
      await Promise.all([
        ...others.map((group) => cluster.addGo(group)),
        ...options.ts.map((member) => cluster.addTs(member)),
      ]);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async addGo(group: GoGroup): Promise<readonly GoMember[]> {
    const peers = this.#cleanup.use(
      await GoPeers.start({
        join: this.#seeds(),
        ...group,
        flags: { ...FLAGS, ...this.#options.flags, ...group.flags },
      }),
    );
    const added = peers.peers.map((peer) => goNode(peer, peers.process));
    this.nodes.push(...added);
    return added;
  }

  async addTs(member: TsNodeOptions): Promise<TsMember> {
    const { flags, tsFlags } = this.#options;
    const node = this.#cleanup.use(
      await TsNode.start({
        join: this.#seeds(),
        awaitReady: false,
        ...member,
        flags: { ...FLAGS, ...TS_FLAGS, ...flags, ...tsFlags, ...member.flags },
      }),
    );
    await eventually(async () => await node.http.text('/memberlist'), {
      what: `${node.name} answers`,
      withinMs: 30_000,
      detail: () => node.process.tail(),
    });
    const added = tsNode(node);
    this.nodes.push(added);
    return added;
  }

  get names(): readonly string[] {
    return this.nodes.map((node) => node.name).sort(byText);
  }

  get go(): readonly GoMember[] {
    return this.nodes.filter((node) => node.kind === 'go');
  }

  get ts(): readonly TsMember[] {
    return this.nodes.filter((node) => node.kind === 'ts');
  }

  /** @throws {HarnessError} when there is none of the name. */
  node(name: string): MixedNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new HarnessError(`no member is called ${name}`);
    return found;
  }

  /** Takes a member that ended, or is about to, out of the list of those asked. */
  drop(name: string): MixedNode {
    const node = this.node(name);
    this.nodes.splice(this.nodes.indexOf(node), 1);
    return node;
  }

  /** Waits until all members hold exactly each other for alive and ACTIVE, and their rings are equal byte for byte. */
  async agree(
    options: { readonly withinMs?: number; readonly ids?: readonly string[] } = {},
  ): Promise<void> {
    const { withinMs = AGREEMENT_LIMIT_MS, ids = this.names } = options;
    await eventually(() => this.expectAgreement(ids), {
      what: `all of ${this.names.join(', ')} agree`,
      withinMs,
    });
  }

  /** Waits until all rings are equal byte for byte. */
  async sameRing(withinMs: number = AGREEMENT_LIMIT_MS): Promise<void> {
    await eventually(
      async () => {
        const rings = await Promise.all(this.nodes.map(async (node) => await node.ring()));
        expect(new Set(rings.map(ringDigest)).size, 'different rings').toBe(1);
      },
      { what: `equal rings on ${this.names.join(', ')}`, withinMs },
    );
  }

  /** Asks all once. `ids` are the instances that must be in the ring, and ACTIVE. */
  async expectAgreement(ids: readonly string[] = this.names): Promise<void> {
    const views = await Promise.all(
      this.nodes.map(async (node) => {
        const [alive, ring] = await Promise.all([node.aliveNames(), node.ring()]);
        return { name: node.name, alive, ring };
      }),
    );
    for (const { name, alive, ring } of views) {
      expect(alive, `members that ${name} sees`).toEqual(this.names);
      const active = ring.filter((i) => i.state === 'ACTIVE').map((i) => i.id);
      expect(active.sort(byText), `ACTIVE instances that ${name} sees`).toEqual(
        [...ids].sort(byText),
      );
    }
    const digests = new Set(views.map(({ ring }) => ringDigest(ring)));
    expect(digests.size, 'different rings').toBe(1);
  }

  /** What each member noticed of `subject`, by the observer's name. */
  async observationsOf(
    subject: string,
    observers: readonly MixedNode[] = this.nodes,
  ): Promise<ReadonlyMap<string, readonly Observation[]>> {
    const entries = await Promise.all(
      observers.map(async (node) => {
        const seen = await node.observations();
        return [node.name, seen.filter((o) => o.member === subject)] as const;
      }),
    );
    return new Map(entries);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }

  #seeds(): readonly string[] {
    return this.nodes.slice(0, 1).map((node) => node.gossipAddress);
  }
}

function goNode(peer: GoPeer, process: ManagedProcess): GoMember {
  return {
    kind: 'go',
    name: peer.name,
    gossipAddress: peer.gossipAddress,
    process,
    peer,
    aliveNames: async () => [...(await peer.aliveNames())].sort(byText),
    ring: async () => await peer.ring(),
    observations: async () => goObservations(await peer.events()),
  };
}

function tsNode(node: TsNode): TsMember {
  return {
    kind: 'ts',
    name: node.name,
    gossipAddress: node.gossipAddress,
    process: node.process,
    node,
    aliveNames: async () => {
      const { SortedMembers } = await node.memberlistPage();
      return SortedMembers.filter((m) => m.State === 0)
        .map((m) => m.Name)
        .sort(byText);
    },
    ring: async () => await tsRing(node),
    observations: async () => logObservations(node.process.lines('stderr')),
  };
}

const STATES = ['ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'LEFT'] as const;

interface StoredInstance {
  readonly addr?: string;
  readonly timestamp?: number;
  readonly state?: number;
  readonly tokens?: readonly number[];
  readonly zone?: string;
  readonly registered_timestamp?: number;
  readonly read_only_updated_timestamp?: number;
  readonly read_only?: boolean;
}

/** The stored ring, as the node shows it in the reference's JSON, without tombstones. */
async function tsRing(node: TsNode): Promise<readonly RingInstance[]> {
  const text = await node.viewKey(RING_KEY);
  const stored: { readonly ingesters?: Readonly<Record<string, StoredInstance>> } =
    text === undefined ? {} : JSON.parse(text);
  return Object.entries(stored.ingesters ?? {})
    .map(([id, i]) => ({
      id,
      addr: i.addr ?? '',
      timestamp: i.timestamp ?? 0,
      state: STATES[i.state ?? 0] ?? `${i.state}`,
      tokens: i.tokens ?? [],
      zone: i.zone ?? '',
      registeredTimestamp: i.registered_timestamp ?? 0,
      readOnlyUpdatedTimestamp: i.read_only_updated_timestamp ?? 0,
      readOnly: i.read_only ?? false,
    }))
    .filter((i) => i.state !== 'LEFT');
}

/** Order of names. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
