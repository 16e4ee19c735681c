import type { Memberlist } from '@ml/gossip';
import type { MemberlistKv } from '@ml/kv';
import { memoryTokensStore, type Ring, type TokensStore } from '@ml/ring';
import type { VirtualNode } from '@ml/runtime/virtual';
import type { ClusterNode } from '@ml/server/node';
import type { SimResolver } from './dns.ts';
import { SimUsageError } from './errors.ts';
import type { SimEvent } from './events.ts';
import { SimProcess, textOf } from './sim-process.ts';
import { GOSSIP_PORT, type SimNodeSpec, type SimWorld } from './sim-world.ts';
import { type NodeTraffic, noTraffic } from './traced-transport.ts';

export type { NodeMode, SimNodeSpec } from './sim-world.ts';

/**
 * Where a node is in its life. `new`: never started. `starting`: from the call until it takes part. `up`, `paused` (as by
 * SIGSTOP). `leaving`: says good-bye. `down`: killed or stopped. `failed`: could not start.
 */
export type NodeState = 'new' | 'starting' | 'up' | 'paused' | 'leaving' | 'down' | 'failed';

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
  #life: SimProcess | undefined;
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
    return this.#life?.memberName ?? this.name;
  }

  /** Its membership; `undefined` when it is down or has not got so far. */
  get memberlist(): Memberlist | undefined {
    return this.#life?.alive === true ? this.#life.memberlist : undefined;
  }

  /** Its store; `undefined` when it is down, or in mode `membership`. */
  get kv(): MemberlistKv | undefined {
    return this.#life?.alive === true ? this.#life.kv : undefined;
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
    life.start().then(
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
    if (await life.stop()) this.#down('stopped');
  }

  /** The process is gone without a word, as after kill -9 or a power failure. The DNS goes on listing it. */
  kill(): void {
    this.#require('kill', ['up', 'starting', 'paused', 'leaving']);
    const life = this.#life;
    if (life === undefined) return;
    life.kill(() => {
      this.#networkPause?.[Symbol.dispose]();
      this.#networkPause = undefined;
      this.#world.network.kill(this.#ip);
    });
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
    this.#state = this.#life?.started === true ? 'up' : 'starting';
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

  #newLife(): SimProcess {
    return new SimProcess({
      world: this.#world,
      spec: this.#spec,
      number: this.number,
      ip: this.#ip,
      traffic: this.traffic,
      resolver: this.resolver,
      tokens: this.#tokens,
      clockSkewMs: this.#clockSkewMs,
      turnMs: this.#turnMs,
      onFault: (reason) => this.#event('leaving', reason),
    });
  }

  #started(life: SimProcess): void {
    if (!life.alive || this.#life !== life) return;
    if (this.#state === 'starting') this.#state = 'up';
    if (this.#state === 'up') this.#reachableSinceMs = this.#world.runtime.now;
    this.#event('started');
  }

  #failed(life: SimProcess, error: unknown): void {
    if (!life.alive || this.#life !== life) return;
    life.end();
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
