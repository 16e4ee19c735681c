import { createMemberlist, type GossipConfig, type Memberlist, type MemberPool } from '@ml/gossip';
import { type AnyMergeable, type Codec, gossipConfigOf, type MemberlistKv } from '@ml/kv';
import { memoryTokensStore, type Ring, type TokensStore } from '@ml/ring';
import { Deferred, onAbort, type Runtime, sleep } from '@ml/runtime';
import type { VirtualNode, VirtualRuntime } from '@ml/runtime/virtual';
import type { ServerConfig } from '@ml/server/config';
import { type ClusterNode, type PreparedNode, prepareNode } from '@ml/server/node';
import type { SimNetwork } from '@ml/transport/sim';
import { Cpu, runtimeOn } from './cpu.ts';
import type { SimDns, SimResolver } from './dns.ts';
import { SimUsageError } from './errors.ts';
import type { SimEvent } from './events.ts';
import { SimLog } from './sim-log.ts';
import type { Trace } from './trace.ts';
import { type NodeTraffic, noTraffic, TracedTransport } from './traced-transport.ts';

/** Every simulated node gossips here. */
export const GOSSIP_PORT = 7946;

/** A seed that did not answer is tried again after this time. */
const SEED_RETRY_MS = 1000;

/**
 * What runs on a node. `full`: what ml-server runs, without its pages: gossip, KV store, ring, lifecycler, DNS
 * discovery. `membership`: gossip alone, joined through fixed seeds.
 */
export type NodeMode = 'full' | 'membership';

/**
 * Where a node is in its life. `new`: never started. `starting`: from the call until it takes part. `up`, `paused` (as by
 * SIGSTOP). `leaving`: says good-bye. `down`: killed or stopped. `failed`: could not start.
 */
export type NodeState = 'new' | 'starting' | 'up' | 'paused' | 'leaving' | 'down' | 'failed';

/** What a {@link SimNode} is made of. */
export interface SimNodeSpec {
  readonly name: string;
  /** Which discovery name it joins through. */
  readonly cluster: string;
  /** Whose links it has; also its availability zone in the ring, unless the configuration names one. */
  readonly zone: string;
  readonly mode: NodeMode;
  readonly config: ServerConfig;
  /** Replaces parts of the gossip protocol's settings. */
  readonly gossip: Partial<GossipConfig>;
  /** Whether the DNS lists it. */
  readonly listed: boolean;
}

/** What all nodes of a simulation share. */
export interface SimWorld {
  readonly runtime: VirtualRuntime;
  readonly network: SimNetwork;
  readonly dns: SimDns;
  readonly pool: MemberPool;
  /** Codecs of values beyond rings. */
  readonly codecs: readonly Codec<AnyMergeable>[];
  readonly trace: Trace;
  readonly emit: (event: SimEvent) => void;
  /** Addresses that a membership-only node joins through, never its own. */
  readonly seeds: (node: SimNode) => readonly string[];
}

/** One process: from start to crash or leave. */
interface Life {
  readonly runtime: VirtualNode;
  readonly cpu: Cpu;
  readonly abort: AbortController;
  /** The process is there; paused counts. */
  alive: boolean;
  prepared: PreparedNode | undefined;
  node: ClusterNode | undefined;
  memberlist: Memberlist | undefined;
}

/** One machine of a simulated cluster and the processes that run on it, one after the other. */
export class SimNode {
  readonly name: string;
  /** Its number in the trace, from 0. */
  readonly number: number;
  readonly traffic: NodeTraffic = noTraffic();
  readonly resolver: SimResolver;
  readonly #world: SimWorld;
  #spec: SimNodeSpec;
  #ip: string;
  #state: NodeState = 'new';
  #life: Life | undefined;
  #networkPause: Disposable | undefined;
  #clockSkewMs = 0;
  #turnMs = 0;
  #lives = 0;
  #tokens: TokensStore = memoryTokensStore();
  #reachableSinceMs = Number.POSITIVE_INFINITY;
  #startedAtMs = Number.POSITIVE_INFINITY;
  #cuts = 0;

  constructor(world: SimWorld, spec: SimNodeSpec, number: number, ip: string) {
    this.#world = world;
    this.#spec = spec;
    this.#ip = ip;
    this.name = spec.name;
    this.number = number;
    this.resolver = world.dns.resolver(spec.cluster, spec.name);
  }

  get spec(): SimNodeSpec {
    return this.#spec;
  }

  get ip(): string {
    return this.#ip;
  }

  get state(): NodeState {
    return this.#state;
  }

  /** How often it was started. */
  get lives(): number {
    return this.#lives;
  }

  /** The process is up and runs: not paused, not leaving. */
  get live(): boolean {
    return this.#state === 'up';
  }

  /** It takes part in gossip: up, or so far in its start. */
  get gossips(): boolean {
    return this.live || (this.#state === 'starting' && this.memberlist !== undefined);
  }

  /** Virtual milliseconds at which it was last started; infinity while it is down. */
  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  /** Since when it was up, running and cut off from nobody; infinity while it is not. */
  get reachableSinceMs(): number {
    return this.#cuts > 0 ? Number.POSITIVE_INFINITY : this.#reachableSinceMs;
  }

  /** What other members call it; the node's name until the first start. With a random suffix where so configured. */
  get memberName(): string {
    return this.#life?.prepared?.kv.name ?? this.name;
  }

  /** Its membership; `undefined` when it is down or has not got so far. */
  get memberlist(): Memberlist | undefined {
    if (this.#life?.alive !== true) return undefined;
    return this.#life.prepared?.kv.memberlist ?? this.#life.memberlist;
  }

  /** Its store; `undefined` when it is down, or in mode `membership`. */
  get kv(): MemberlistKv | undefined {
    return this.#life?.alive === true ? this.#life.prepared?.kv : undefined;
  }

  /** Everything that ml-server runs; `undefined` until it is up, and in mode `membership`. */
  get node(): ClusterNode | undefined {
    return this.#life?.alive === true ? this.#life.node : undefined;
  }

  /** Its ring; `undefined` as for {@link node}. */
  get ring(): Ring | undefined {
    return this.node?.ring;
  }

  /** The runtime of its process; `undefined` before the first start. */
  get runtime(): VirtualNode | undefined {
    return this.#life?.runtime;
  }

  /** Configures the next start. */
  configure(change: Partial<Pick<SimNodeSpec, 'config' | 'gossip' | 'mode' | 'listed'>>): void {
    this.#spec = { ...this.#spec, ...change };
  }

  /** Starts the process, at once; it joins the cluster in the virtual time that follows. */
  start(): void {
    this.#require('start', ['new', 'down', 'failed']);
    const { world, life } = { world: this.#world, life: this.#newLife() };
    this.#life = life;
    this.#lives += 1;
    this.#state = 'starting';
    this.#startedAtMs = world.runtime.now;
    this.#event('starting');
    const { cluster, listed } = this.#spec;
    if (listed) world.dns.list(cluster, { node: this.name, ip: this.#ip, port: GOSSIP_PORT });
    const begin = this.#spec.mode === 'full' ? this.#startFull(life) : this.#startMembership(life);
    begin.then(
      () => this.#started(life),
      (error: unknown) => this.#failed(life, error),
    );
  }

  /** Leaves ring and cluster in good order, then ends the process. Takes virtual time; over at once when it is killed. */
  async stop(): Promise<void> {
    this.#require('stop', ['up', 'starting']);
    const life = this.#life;
    if (life === undefined) return;
    this.#state = 'leaving';
    this.#reachableSinceMs = Number.POSITIVE_INFINITY;
    this.#event('leaving');
    this.#world.dns.unlist(this.#spec.cluster, this.name);
    await unlessKilled(life, this.#leave(life));
    if (!life.alive) return;
    await unlessKilled(life, (life.prepared ?? life.memberlist)?.close());
    if (!life.alive) return;
    life.alive = false;
    life.runtime.crash();
    this.#down('stopped');
  }

  /** The process is gone without a word, as after kill -9 or a power failure. The DNS goes on listing it. */
  kill(): void {
    this.#require('kill', ['up', 'starting', 'paused', 'leaving']);
    const life = this.#life;
    if (life === undefined) return;
    life.alive = false;
    life.abort.abort();
    this.#networkPause?.[Symbol.dispose]();
    this.#networkPause = undefined;
    this.#world.network.kill(this.#ip);
    life.runtime.crash();
    // Gives back the rows of the shared tables; nothing is sent any more.
    void (life.memberlist ?? life.prepared?.kv.memberlist)?.close();
    this.#down('killed');
  }

  /** Moves a node that is down to another address. */
  move(ip: string): void {
    this.#require('move', ['new', 'down', 'failed']);
    this.#ip = ip;
  }

  /** Stops the process as SIGSTOP or a long garbage collection would; packets wait for it. */
  pause(): void {
    this.#require('pause', ['up', 'starting']);
    this.#networkPause = this.#world.network.pause(this.#ip);
    this.#life?.runtime.pause();
    this.#state = 'paused';
    this.#reachableSinceMs = Number.POSITIVE_INFINITY;
    this.#event('paused');
  }

  /** Ends a pause: what fell due meanwhile happens now. */
  resume(): void {
    this.#require('resume', ['paused']);
    this.#state =
      this.#life?.node === undefined && this.#life?.memberlist === undefined ? 'starting' : 'up';
    this.#life?.runtime.resume();
    this.#networkPause?.[Symbol.dispose]();
    this.#networkPause = undefined;
    this.#reachableSinceMs = this.#world.runtime.now;
    this.#event('resumed');
  }

  /** Virtual milliseconds that the processor takes for each packet, stream and timer; 0: none. Outlives restarts. */
  setTurnMs(ms: number): void {
    this.#turnMs = ms;
    if (this.#life !== undefined) this.#life.cpu.turnMs = ms;
  }

  /** How far its wall clock is ahead, in milliseconds; a change is a jump. Outlives restarts. */
  setClockSkewMs(ms: number): void {
    this.#clockSkewMs = ms;
    this.#life?.runtime.setSkewMs(ms);
  }

  /** The disk is lost: ring tokens that were kept over restarts are gone. */
  loseDisk(): void {
    this.#tokens = memoryTokensStore();
  }

  /** A cut in the network begins to keep it from somebody. */
  cut(): void {
    this.#cuts += 1;
  }

  /** One cut is over. */
  healed(): void {
    this.#cuts -= 1;
    if (this.#cuts === 0 && this.live) this.#reachableSinceMs = this.#world.runtime.now;
  }

  #newLife(): Life {
    const { runtime } = this.#world;
    const virtual = runtime.node(this.name, { clockSkewMs: this.#clockSkewMs });
    const cpu = new Cpu(virtual);
    cpu.turnMs = this.#turnMs;
    return {
      runtime: virtual,
      cpu,
      abort: new AbortController(),
      alive: true,
      prepared: undefined,
      node: undefined,
      memberlist: undefined,
    };
  }

  async #startFull(life: Life): Promise<void> {
    const { config, gossip } = this.#spec;
    const { pool, codecs } = this.#world;
    life.prepared = prepareNode({
      config,
      runtime: this.#runtimeOf(life),
      transport: this.#transport(life),
      resolver: this.resolver,
      hostname: this.name,
      gossip,
      pool,
      codecs,
      ...(config.ring.tokensFilePath !== '' && { tokensStore: this.#tokens }),
    });
    life.node = await life.prepared.start({ signal: life.abort.signal });
  }

  async #startMembership(life: Life): Promise<void> {
    const { config, gossip } = this.#spec;
    const runtime = this.#runtimeOf(life);
    life.memberlist = await createMemberlist({
      name: this.name,
      config: { ...gossipConfigOf(config.memberlist.kv), ...gossip },
      runtime,
      transport: this.#transport(life),
      resolveHost: (host, options) => this.resolver.lookupAddresses(host, options),
      pool: this.#world.pool,
    });
    void this.#joinSeeds(life, life.memberlist, runtime);
  }

  /** Joins through the first seed that answers, and goes on until one does. */
  async #joinSeeds(life: Life, memberlist: Memberlist, runtime: Runtime): Promise<void> {
    const random = runtime.random.fork('seeds');
    for (;;) {
      const seeds = random.shuffle(this.#world.seeds(this));
      if (seeds.length === 0) return;
      for (const seed of seeds) {
        if (await joins(life, memberlist, seed)) return;
        if (!life.alive || this.#state === 'leaving') return;
      }
      await sleep(runtime, SEED_RETRY_MS * (0.5 + random.float()));
    }
  }

  async #leave(life: Life): Promise<void> {
    const node = life.node ?? life.prepared;
    if (node !== undefined) await node.leave();
    else await this.#leaveMembership(life);
  }

  async #leaveMembership({ memberlist }: Life): Promise<void> {
    const { leaveTimeoutMs } = this.#spec.config.memberlist.kv;
    try {
      await memberlist?.leave({ timeoutMs: leaveTimeoutMs });
    } catch (error) {
      this.#event('leaving', textOf(error));
    }
  }

  #runtimeOf(life: Life): Runtime {
    const { trace, emit, runtime } = this.#world;
    const log = new SimLog({
      node: this.name,
      number: this.number,
      trace,
      now: () => runtime.now,
      alive: () => life.alive,
      emit,
    });
    const { clock, timers, random } = life.runtime;
    return runtimeOn(life.cpu, { clock, timers, random, log });
  }

  #transport(life: Life): TracedTransport {
    const { network, trace } = this.#world;
    return new TracedTransport({
      inner: network.transport({ host: this.#ip, port: GOSSIP_PORT }),
      trace,
      node: this.number,
      traffic: this.traffic,
      cpu: life.cpu,
      alive: () => life.alive,
    });
  }

  #started(life: Life): void {
    if (!life.alive || this.#life !== life) return;
    if (this.#state === 'starting') this.#state = 'up';
    if (this.#state === 'up') this.#reachableSinceMs = this.#world.runtime.now;
    this.#event('started');
  }

  #failed(life: Life, error: unknown): void {
    if (!life.alive || this.#life !== life) return;
    life.alive = false;
    life.runtime.crash();
    this.#startedAtMs = Number.POSITIVE_INFINITY;
    this.#state = 'failed';
    this.#event('failed', textOf(error));
  }

  #down(what: 'stopped' | 'killed'): void {
    this.#state = 'down';
    this.#startedAtMs = Number.POSITIVE_INFINITY;
    this.#reachableSinceMs = Number.POSITIVE_INFINITY;
    this.#event(what);
  }

  #event(what: Extract<SimEvent, { type: 'node' }>['what'], reason?: string): void {
    const { runtime, emit } = this.#world;
    const event = { type: 'node', atMs: runtime.now, node: this.name, what } as const;
    emit(reason === undefined ? event : { ...event, reason });
  }

  #require(what: string, states: readonly NodeState[]): void {
    if (states.includes(this.#state)) return;
    const allowed = states.join(' or ');
    throw new SimUsageError(
      `cannot ${what} node ${JSON.stringify(this.name)}: it is ${this.#state}, and must be ${allowed}`,
    );
  }
}

/** Waits for `work`, which in a killed process never ends. */
async function unlessKilled(life: Life, work: Promise<void> | undefined): Promise<void> {
  const over = new Deferred<void>();
  using _killed = onAbort(life.abort.signal, () => over.resolve());
  (work ?? Promise.resolve()).then(
    () => over.resolve(),
    (error: unknown) => over.reject(error),
  );
  await over.promise;
}

async function joins(life: Life, memberlist: Memberlist, seed: string): Promise<boolean> {
  try {
    return (await memberlist.join([seed], { signal: life.abort.signal })) > 0;
  } catch (error) {
    if (life.alive && !(error instanceof Error)) throw error;
    return false;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
