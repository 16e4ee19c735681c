import { type VirtualNode, VirtualRuntime } from '@ml/runtime/virtual';
import { type LinkFaults, SimNetwork, type SimNetworkOptions } from '@ml/transport/sim';
import { gossipPresets } from '../src/config.ts';
import {
  createMemberlist,
  type GossipConfig,
  type Memberlist,
  type MemberlistOptions,
  type MemberState,
} from '../src/index.ts';

/** What a node of a {@link Cluster} may be given. */
export interface NodeOptions {
  /** Host of the node; default: the next free one. */
  readonly host?: string;
  readonly config?: Partial<GossipConfig>;
  readonly options?: Partial<MemberlistOptions>;
}

/** One node under test. */
export interface ClusterNode {
  readonly name: string;
  readonly host: string;
  readonly runtime: VirtualNode;
  readonly memberlist: Memberlist;
}

/** Nodes on one virtual network, with the LAN preset unless told otherwise, and no compression to keep runs short. */
export class Cluster implements AsyncDisposable {
  readonly runtime: VirtualRuntime;
  readonly network: SimNetwork;
  readonly nodes: ClusterNode[] = [];
  readonly #config: Partial<GossipConfig>;
  #hosts = 0;

  constructor(
    options: {
      readonly seed?: number;
      readonly config?: Partial<GossipConfig>;
      readonly link?: LinkFaults;
      readonly network?: Omit<SimNetworkOptions, 'runtime' | 'link'>;
    } = {},
  ) {
    this.runtime = new VirtualRuntime({ seed: options.seed ?? 1 });
    this.network = new SimNetwork({
      runtime: this.runtime,
      link: options.link ?? { latencyMs: [0.2, 1] },
      maxPacketBytes: 1400,
      ...options.network,
    });
    this.#config = options.config ?? {};
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.runtime.clock.now();
  }

  async add(name: string, given: NodeOptions = {}): Promise<ClusterNode> {
    this.#hosts += 1;
    const host = given.host ?? `10.0.${this.#hosts >> 8}.${this.#hosts & 0xff}`;
    const runtime = this.runtime.node(name);
    const transport = this.network.transport({ host, port: 7946 });
    const memberlist = await createMemberlist({
      name,
      config: { ...gossipPresets.lan, compression: false, ...this.#config, ...given.config },
      runtime,
      transport,
      resolveHost: async () => [],
      ...given.options,
    });
    const node = { name, host, runtime, memberlist };
    this.nodes.push(node);
    return node;
  }

  /** `count` nodes that have joined the first one and know each other. */
  async grow(count: number): Promise<readonly ClusterNode[]> {
    for (let i = 0; i < count; i++) {
      const node = await this.add(`node-${this.nodes.length}`);
      const [seed] = this.nodes;
      if (seed !== undefined && seed !== node) await this.join(node, seed);
    }
    await this.until(() => this.nodes.every((node) => seen(node).length === this.nodes.length));
    return this.nodes;
  }

  async join(node: ClusterNode, seed: ClusterNode): Promise<number> {
    return await this.settled(node.memberlist.join([seed.host]));
  }

  /** Lets time pass until `promise` has settled. */
  async settled<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let done = false;
    const finish = (): void => {
      done = true;
    };
    promise.then(finish, finish);
    await this.until(() => done, limitMs);
    return await promise;
  }

  async until(done: () => boolean, limitMs = 120_000): Promise<void> {
    await this.runtime.runUntil(done, { limitMs });
  }

  async runFor(ms: number): Promise<void> {
    await this.runtime.runFor(ms);
  }

  /** The node's power fails. */
  crash(node: ClusterNode): void {
    this.network.kill(node.host);
    node.runtime.crash();
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  /** Stops the node as SIGSTOP would; disposing lets it go on. */
  pause(node: ClusterNode): Disposable {
    const stopped = this.network.pause(node.host);
    node.runtime.pause();
    return {
      [Symbol.dispose]: () => {
        node.runtime.resume();
        stopped[Symbol.dispose]();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { memberlist } of this.nodes) await memberlist.close();
  }
}

/** Names of the living members that the node sees, sorted. */
export function seen(node: ClusterNode): readonly string[] {
  return node.memberlist
    .members()
    .map((member) => member.name)
    .sort();
}

/** What the node thinks of the member of that name. */
export function stateOf(node: ClusterNode, name: string): MemberState | undefined {
  return node.memberlist.member(name)?.state;
}
