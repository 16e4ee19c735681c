import { type Member, MemberPool } from '@ml/gossip';
import type { Random } from '@ml/runtime';
import { type PartialConfig, resolveConfig } from '@ml/runtime/config';
import { type RunOptions, VirtualRuntime } from '@ml/runtime/virtual';
import { type ServerConfig, serverConfig } from '@ml/server/config';
import { type LinkFaults, SimNetwork } from '@ml/transport/sim';
import type { SimClusterOptions, SimNodeOptions } from './cluster-options.ts';
import { type DnsFault, SimDns } from './dns.ts';
import { SimUsageError } from './errors.ts';
import type { SimEvent, SimObserver } from './events.ts';
import { Links } from './links.ts';
import { SimNode } from './sim-node.ts';
import type { SimNodeSpec, SimWorld } from './sim-world.ts';
import { TRACE_KINDS, Trace } from './trace.ts';

export type { SimClusterOptions, SimNetworkModel, SimNodeOptions } from './cluster-options.ts';

/** How nodes are started. */
export interface StartAllOptions {
  /** Nodes start at random moments of this time. Default 1000. */
  readonly spreadMs?: number;
  /** Nodes that are not started. */
  readonly except?: ReadonlySet<SimNode>;
}

/** What one node sees. */
export interface SimView {
  readonly node: SimNode;
  /** Names of members that are alive or suspect, sorted. */
  readonly members: readonly string[];
}

const DEFAULT_LINK: LinkFaults = { latencyMs: [0.2, 1] };
const DATAGRAM_BYTES = 1400;
const STREAM_PACKET_BYTES = 10 * 1024 * 1024;
const DEFAULT_CLUSTER = 'main';
const DEFAULT_SEEDS = 3;

/**
 * Whole clusters in virtual time: production code over a simulated network and DNS. One seed gives one outcome, which
 * {@link Trace.sha256} tells. Nothing happens but in {@link runFor}, {@link runUntil} and {@link settle}.
 */
export class SimCluster implements AsyncDisposable {
  readonly runtime: VirtualRuntime;
  readonly network: SimNetwork;
  readonly dns: SimDns;
  readonly links: Links;
  readonly trace: Trace;
  /** For faults and workloads; what they draw changes nothing in the nodes. */
  readonly random: Random;
  readonly options: SimClusterOptions;
  readonly #world: SimWorld;
  readonly #nodes: SimNode[] = [];
  readonly #byName = new Map<string, SimNode>();
  readonly #observers = new Set<SimObserver>();
  #addresses = 0;
  /** How the DNS misbehaves towards all. */
  #dnsFault: DnsFault | undefined;
  #checkedConfig: ServerConfig | undefined;

  private constructor(options: SimClusterOptions) {
    const { seed, network = {}, mode = 'full', checkPlain = false } = options;
    this.options = options;
    this.runtime = new VirtualRuntime({ seed, checkPlain });
    this.random = this.runtime.random.fork('simulation');
    this.links = new Links(network.link ?? DEFAULT_LINK);
    const networkMode = network.mode ?? (mode === 'full' ? 'tcp' : 'datagram');
    const defaultBytes = networkMode === 'tcp' ? STREAM_PACKET_BYTES : DATAGRAM_BYTES;
    this.network = new SimNetwork({
      runtime: this.runtime,
      mode: networkMode,
      maxPacketBytes: network.maxPacketBytes ?? defaultBytes,
      link: (from, to) => this.links.between(from, to),
    });
    this.dns = new SimDns(this.runtime.random.fork('dns'));
    this.trace = new Trace(() => this.runtime.now);
    this.#world = {
      runtime: this.runtime,
      network: this.network,
      dns: this.dns,
      pool: new MemberPool({ shared: true }),
      codecs: options.codecs ?? [],
      trace: this.trace,
      emit: (event) => this.#emit(event),
      seeds: (place) => this.#seeds(place),
    };
  }

  /** A cluster whose nodes are added but not started. @throws {ConfigError} when the configuration makes no sense */
  static create(options: SimClusterOptions): SimCluster {
    const cluster = new SimCluster(options);
    const { nodes = 0 } = options;
    const list = typeof nodes === 'number' ? Array.from({ length: nodes }, () => ({})) : nodes;
    for (const node of list) cluster.add(node);
    return cluster;
  }

  /** All nodes ever added, in the order of their numbers. */
  get nodes(): readonly SimNode[] {
    return this.#nodes;
  }

  /** Nodes that are up and run. */
  get live(): readonly SimNode[] {
    return this.#nodes.filter((node) => node.live);
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.runtime.now;
  }

  /** The node of that name. @throws {SimUsageError} */
  node(name: string): SimNode {
    const found = this.#byName.get(name);
    if (found === undefined) throw new SimUsageError(`there is no node ${JSON.stringify(name)}`);
    return found;
  }

  /** Adds a node that is not started. @throws {ConfigError} @throws {SimUsageError} when its name is taken */
  add(options: SimNodeOptions = {}): SimNode {
    const number = this.#nodes.length;
    const name = options.name ?? `node-${number}`;
    if (this.#byName.has(name)) {
      throw new SimUsageError(`there already is a node ${JSON.stringify(name)}`);
    }
    const ip = options.ip ?? this.nextAddress();
    const zone = options.zone ?? '';
    const node = new SimNode(this.#world, this.#specOf(name, options), number, ip);
    this.links.place(ip, zone);
    if (this.#dnsFault !== undefined) node.resolver.setFault(this.#dnsFault);
    this.#nodes.push(node);
    this.#byName.set(name, node);
    return node;
  }

  /** An IP that no node had yet. */
  nextAddress(): string {
    this.#addresses += 1;
    const n = this.#addresses;
    return `10.${(n >> 16) & 0xff}.${(n >> 8) & 0xff}.${n & 0xff}`;
  }

  /** Starts every node that never ran, at random moments from now on. The first node of each cluster starts now. */
  start(options: StartAllOptions = {}): void {
    const { spreadMs = 1000, except } = options;
    const random = this.random.fork(`start at ${this.now}`);
    const begun = new Set<string>();
    for (const node of this.#nodes) {
      if (node.state !== 'new' || except?.has(node) === true) continue;
      const first = !begun.has(node.spec.cluster);
      begun.add(node.spec.cluster);
      const delayMs = first ? 0 : random.float() * spreadMs;
      this.runtime.timers.after(delayMs, () => {
        if (node.state === 'new') node.start();
      });
    }
  }

  /** Kills a node if it runs, and starts it again, at its address or at a new one. */
  restart(name: string, options: { readonly address?: 'same' | 'new' } = {}): void {
    const node = this.node(name);
    if (!['new', 'down', 'failed'].includes(node.state)) node.kill();
    if (options.address === 'new') {
      node.move(this.nextAddress());
      this.links.place(node.ip, node.spec.zone);
    }
    node.start();
  }

  /** Leaves in good order. Needs virtual time, which this call lets pass. */
  async stop(name: string): Promise<void> {
    await this.settle(this.node(name).stop());
  }

  /** Changes the configuration of a node for its next start, option by option. @throws {ConfigError} */
  configure(name: string, config: PartialConfig<ServerConfig>): void {
    const node = this.node(name);
    const changed = resolveConfig(serverConfig, overlay(node.spec.config, config));
    node.configure({ config: this.#placed(name, node.spec, changed) });
  }

  /**
   * Nodes of different groups no longer reach each other, at the addresses they have now. Nodes in no group reach
   * everyone. Disposing heals.
   */
  partition(...groups: readonly (readonly string[])[]): Disposable {
    return this.#cut(groups.flat(), () =>
      this.network.partition(...groups.map((g) => this.#ips(g))),
    );
  }

  /** One-way: nothing from `from` reaches `to` any more. Disposing heals. */
  block(from: readonly string[], to: readonly string[]): Disposable {
    return this.#cut([...from, ...to], () => this.network.block(this.#ips(from), this.#ips(to)));
  }

  /** The DNS misbehaves towards these nodes, or all, also those that are added later; `undefined` heals it. */
  setDnsFault(fault: DnsFault | undefined, names?: readonly string[]): void {
    const nodes = names?.map((name) => this.node(name)) ?? this.#nodes;
    if (names === undefined) this.#dnsFault = fault;
    for (const node of nodes) node.resolver.setFault(fault);
  }

  /** Is told of every event from now on, synchronously. Disposing ends that. */
  observe(observer: SimObserver): Disposable {
    this.#observers.add(observer);
    return { [Symbol.dispose]: () => this.#observers.delete(observer) };
  }

  /** Writes something down in the trace and tells the observers. */
  note(text: string): void {
    this.#emit({ type: 'note', atMs: this.now, text });
  }

  /** Lets virtual time pass. */
  async runFor(ms: number, options: RunOptions = {}): Promise<void> {
    await this.runtime.runFor(ms, options);
  }

  /** Lets virtual time pass until `done` holds. @throws {SimulationStalledError} when it does not within `limitMs` */
  async runUntil(
    done: () => boolean,
    options: RunOptions & { readonly limitMs: number; readonly checkEveryMs?: number },
  ): Promise<void> {
    await this.runtime.runUntil(done, options);
  }

  /** Lets virtual time pass until `work` is over, and has its outcome. @throws {SimulationStalledError} after `limitMs` */
  async settle<T>(work: Promise<T>, limitMs = 600_000): Promise<T> {
    let over = false;
    const finish = (): void => {
      over = true;
    };
    work.then(finish, finish);
    await this.runtime.runUntil(() => over, { limitMs });
    return await work;
  }

  /** What every live node sees. Costs a list of members per node. */
  views(): readonly SimView[] {
    return this.live.map((node) => ({
      node,
      members: (node.memberlist?.members() ?? []).map(({ name }) => name).sort(),
    }));
  }

  /**
   * Whether every node that takes part in the gossip of a cluster (default: of each) sees exactly those that do. Nodes that
   * are paused or leaving do not count, and must not be seen.
   */
  converged(cluster?: string): boolean {
    const groups = new Map<string, SimNode[]>();
    for (const node of this.#nodes) {
      if (!node.gossips || (cluster !== undefined && node.spec.cluster !== cluster)) continue;
      const group = groups.get(node.spec.cluster) ?? [];
      group.push(node);
      groups.set(node.spec.cluster, group);
    }
    for (const group of groups.values()) {
      if (group.some((node) => node.memberlist?.memberCount !== group.length)) return false;
    }
    for (const group of groups.values()) if (!seeEachOther(group)) return false;
    return true;
  }

  /** Ends every process at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) {
      if (!['new', 'down', 'failed'].includes(node.state)) node.kill();
    }
    await this.runtime.runFor(0);
  }

  #emit(event: SimEvent): void {
    if (event.type === 'node') {
      const reason = event.reason === undefined ? '' : `: ${event.reason}`;
      const { number } = this.node(event.node);
      this.trace.line(TRACE_KINDS.event, number, `${event.what}${reason}`);
    } else if (event.type === 'note') {
      this.trace.line(TRACE_KINDS.event, -1, event.text);
    }
    for (const observer of this.#observers) observer(event);
  }

  #cut(names: readonly string[], begin: () => Disposable): Disposable {
    const nodes = [...new Set(names)].map((name) => this.node(name));
    const cut = begin();
    for (const node of nodes) node.cut();
    let over = false;
    return {
      [Symbol.dispose]: () => {
        if (over) return;
        over = true;
        cut[Symbol.dispose]();
        for (const node of nodes) node.healed();
      },
    };
  }

  #ips(names: readonly string[]): readonly string[] {
    return names.map((name) => this.node(name).ip);
  }

  #seeds({
    cluster,
    ip: own,
  }: {
    readonly cluster: string;
    readonly ip: string;
  }): readonly string[] {
    const { seeds = DEFAULT_SEEDS } = this.options;
    const found: string[] = [];
    for (const other of this.#nodes) {
      if (found.length >= seeds) break;
      if (other.spec.cluster === cluster) found.push(other.ip);
    }
    return found.filter((ip) => ip !== own);
  }

  #specOf(name: string, options: SimNodeOptions): SimNodeSpec {
    const { cluster = DEFAULT_CLUSTER, zone = '', listed = true } = options;
    const mode = options.mode ?? this.options.mode ?? 'full';
    const config =
      options.config === undefined
        ? this.#baseConfig
        : resolveConfig(serverConfig, overlay(this.#baseConfig, options.config));
    return {
      name,
      cluster,
      zone,
      mode,
      listed,
      config: this.#placed(name, { cluster, zone }, config),
      gossip: { ...this.options.gossip, ...options.gossip },
    };
  }

  /** The cluster's configuration, which most nodes share, is checked once. */
  get #baseConfig(): ServerConfig {
    this.#checkedConfig ??= resolveConfig(serverConfig, this.options.config ?? {});
    return this.#checkedConfig;
  }

  /** A configuration with what is the node's own: its name, its place, and how it finds others unless that is said. */
  #placed(
    name: string,
    place: Pick<SimNodeSpec, 'cluster' | 'zone'>,
    config: ServerConfig,
  ): ServerConfig {
    const { memberlist, ring } = config;
    const { kv } = memberlist;
    const joinMembers =
      kv.joinMembers.length > 0 ? kv.joinMembers : [this.dns.entry(place.cluster)];
    const instanceAvailabilityZone = ring.instanceAvailabilityZone || place.zone;
    return {
      ...config,
      memberlist: { ...memberlist, kv: { ...kv, nodeName: name, joinMembers } },
      ring: { ...ring, instanceId: name, instanceAvailabilityZone },
    };
  }
}

function seeEachOther(group: readonly SimNode[]): boolean {
  const names = new Set(group.map((node) => node.memberName));
  return group.every((node) => {
    const members: readonly Member[] = node.memberlist?.members() ?? [];
    return members.every(({ name }) => names.has(name));
  });
}

/** `over` laid over `base`, block by block; lists are replaced whole. */
function overlay(
  base: PartialConfig<ServerConfig>,
  over: PartialConfig<ServerConfig>,
): PartialConfig<ServerConfig> {
  return merge(base, over);
}

function merge<T extends object>(base: T, over: T): T {
  const merged: T = { ...base };
  for (const key in over) {
    const above = over[key];
    const below = merged[key];
    if (above === undefined) continue;
    merged[key] = isBlock(above) && isBlock(below) ? merge(below, above) : above;
  }
  return merged;
}

function isBlock(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
