import { createMemberlist, type Memberlist } from '@ml/gossip';
import { gossipConfigOf, type MemberlistKv } from '@ml/kv';
import type { TokensStore } from '@ml/ring';
import { Deferred, onAbort, type Runtime, sleep } from '@ml/runtime';
import type { VirtualNode } from '@ml/runtime/virtual';
import { type ClusterNode, type PreparedNode, prepareNode } from '@ml/server/node';
import { Cpu, runtimeOn } from './cpu.ts';
import type { SimResolver } from './dns.ts';
import { SimLog } from './sim-log.ts';
import { GOSSIP_PORT, type SimNodeSpec, type SimWorld } from './sim-world.ts';
import { type NodeTraffic, TracedTransport } from './traced-transport.ts';

/** A seed that did not answer is tried again after this time. */
const SEED_RETRY_MS = 1000;

/** What a {@link SimProcess} is made of. */
export interface SimProcessOptions {
  readonly world: SimWorld;
  readonly spec: SimNodeSpec;
  /** Number of its node in the trace. */
  readonly number: number;
  readonly ip: string;
  readonly traffic: NodeTraffic;
  readonly resolver: SimResolver;
  /** The disk that ring tokens are kept on. */
  readonly tokens: TokensStore;
  readonly clockSkewMs: number;
  readonly turnMs: number;
  /** Is told when a good-bye failed. */
  readonly onFault: (reason: string) => void;
}

/** What ml-server runs, or gossip alone, from start to crash or leave. */
export class SimProcess {
  readonly runtime: VirtualNode;
  readonly cpu: Cpu;
  readonly #options: SimProcessOptions;
  readonly #abort = new AbortController();
  #alive: boolean = true;
  #leaving: boolean = false;
  #prepared: PreparedNode | undefined;
  #node: ClusterNode | undefined;
  /** In mode `membership`. */
  #memberlist: Memberlist | undefined;

  constructor(options: SimProcessOptions) {
    const { world, spec, clockSkewMs, turnMs } = options;
    this.#options = options;
    this.runtime = world.runtime.node(spec.name, { clockSkewMs });
    this.cpu = new Cpu(this.runtime);
    this.cpu.turnMs = turnMs;
  }

  /** The process is there; paused counts. */
  get alive(): boolean {
    return this.#alive;
  }

  /** What other members call it; `undefined` before it knows. */
  get memberName(): string | undefined {
    return this.#prepared?.kv.name;
  }

  get memberlist(): Memberlist | undefined {
    return this.#prepared?.kv.memberlist ?? this.#memberlist;
  }

  get kv(): MemberlistKv | undefined {
    return this.#prepared?.kv;
  }

  /** Everything that ml-server runs, once it is up. */
  get node(): ClusterNode | undefined {
    return this.#node;
  }

  /** Whether its start is over. */
  get started(): boolean {
    return this.#node !== undefined || this.#memberlist !== undefined;
  }

  /** Begins to run; resolves when it takes part. */
  start(): Promise<void> {
    return this.#options.spec.mode === 'full' ? this.#startFull() : this.#startMembership();
  }

  /** Leaves ring and cluster in good order, then ends. False, at once, when it is killed meanwhile. */
  async stop(): Promise<boolean> {
    this.#leaving = true;
    await this.#unlessKilled(this.#leave());
    if (!this.#alive) return false;
    await this.#unlessKilled((this.#prepared ?? this.#memberlist)?.close());
    if (!this.#alive) return false;
    this.end();
    return true;
  }

  /** Ends it, with nothing more to be said. */
  end(): void {
    this.#alive = false;
    this.runtime.crash();
  }

  /** Ends it without a word; `cutOff` takes its host off the network. */
  kill(cutOff: () => void): void {
    this.#alive = false;
    this.#abort.abort();
    cutOff();
    this.runtime.crash();
    // Gives back the rows of the shared tables; nothing is sent any more.
    void this.memberlist?.close();
  }

  async #startFull(): Promise<void> {
    const { spec, world, resolver, tokens } = this.#options;
    const { config, gossip, name } = spec;
    this.#prepared = prepareNode({
      config,
      runtime: this.#newRuntime(),
      transport: this.#newTransport(),
      resolver,
      hostname: name,
      gossip,
      pool: world.pool,
      codecs: world.codecs,
      ...(config.ring.tokensFilePath !== '' && { tokensStore: tokens }),
    });
    this.#node = await this.#prepared.start({ signal: this.#abort.signal });
  }

  async #startMembership(): Promise<void> {
    const { spec, world, resolver } = this.#options;
    const { config, gossip, name } = spec;
    const runtime = this.#newRuntime();
    this.#memberlist = await createMemberlist({
      name,
      config: { ...gossipConfigOf(config.memberlist.kv), ...gossip },
      runtime,
      transport: this.#newTransport(),
      resolveHost: (host, options) => resolver.lookupAddresses(host, options),
      pool: world.pool,
    });
    void this.#joinSeeds(this.#memberlist, runtime);
  }

  /** Joins through the first seed that answers, and goes on until one does. */
  async #joinSeeds(memberlist: Memberlist, runtime: Runtime): Promise<void> {
    const { world, spec, ip } = this.#options;
    const random = runtime.random.fork('seeds');
    for (;;) {
      const seeds = random.shuffle(world.seeds({ cluster: spec.cluster, ip }));
      if (seeds.length === 0) return;
      for (const seed of seeds) {
        if (await this.#joins(memberlist, seed)) return;
        if (!this.#alive || this.#leaving) return;
      }
      await sleep(runtime, SEED_RETRY_MS * (0.5 + random.float()));
    }
  }

  async #joins(memberlist: Memberlist, seed: string): Promise<boolean> {
    try {
      return (await memberlist.join([seed], { signal: this.#abort.signal })) > 0;
    } catch (error) {
      if (this.#alive && !(error instanceof Error)) throw error;
      return false;
    }
  }

  async #leave(): Promise<void> {
    const node = this.#node ?? this.#prepared;
    if (node !== undefined) await node.leave();
    else await this.#leaveMembership();
  }

  async #leaveMembership(): Promise<void> {
    const { spec, onFault } = this.#options;
    const { leaveTimeoutMs } = spec.config.memberlist.kv;
    try {
      await this.#memberlist?.leave({ timeoutMs: leaveTimeoutMs });
    } catch (error) {
      onFault(textOf(error));
    }
  }

  #newRuntime(): Runtime {
    const { world, spec, number } = this.#options;
    const { trace, emit, runtime } = world;
    const log = new SimLog({
      node: spec.name,
      number,
      trace,
      now: () => runtime.now,
      alive: () => this.#alive,
      emit,
    });
    const { clock, timers, random } = this.runtime;
    return runtimeOn(this.cpu, { clock, timers, random, log });
  }

  #newTransport(): TracedTransport {
    const { world, number, ip, traffic } = this.#options;
    return new TracedTransport({
      inner: world.network.transport({ host: ip, port: GOSSIP_PORT }),
      trace: world.trace,
      node: number,
      traffic,
      cpu: this.cpu,
      alive: () => this.#alive,
    });
  }

  /** Waits for `work`, which in a killed process never ends. */
  async #unlessKilled(work: Promise<void> | undefined): Promise<void> {
    const over = new Deferred<void>();
    using _killed = onAbort(this.#abort.signal, () => over.resolve());
    (work ?? Promise.resolve()).then(
      () => over.resolve(),
      (error: unknown) => over.reject(error),
    );
    await over.promise;
  }
}

/** What an error says. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
