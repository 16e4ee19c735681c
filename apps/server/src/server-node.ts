import { DnsProvider, type Resolution } from '@ml/dns-discovery';
import {
  type KvState,
  type PreparedMemberlistKv,
  prepareMemberlistKv,
  usageStatsCodec,
  versionsCodec,
} from '@ml/kv';
import { noMetrics, type Registerer, withPrefix } from '@ml/metrics';
import { type BasicLifecycler, type Lifecycler, type Ring, ringCodec } from '@ml/ring';
import {
  assert,
  assertNever,
  Closer,
  onAbort,
  type Runtime,
  sleep,
  throwIfAborted,
} from '@ml/runtime';
import type { Address } from '@ml/transport';
import { checkServerConfig, effectiveExtras, joinEntries, type ServerConfig } from './config.ts';
import { type JoinProgress, joinReadiness } from './join-progress.ts';
import { namespaced } from './metric-namespace.ts';
import type {
  ClusterNode,
  NodeOptions,
  NodeRing,
  PreparedNode,
  ServiceStatus,
  StartOptions,
} from './node-types.ts';
import type { Readiness } from './readiness.ts';
import { hostResolver } from './resolve-host.ts';
import {
  followObservedRings,
  followOwnRing,
  ownRingOf,
  type Registrant,
  type RingSetup,
  registerInRing,
  shortName,
} from './ring-setup.ts';

/** @throws {ConfigError} when join entries or addresses are badly written. */
export function prepareNode(options: NodeOptions): PreparedNode {
  checkServerConfig(options.config);
  return new ServerNode(options);
}

/** A started node. @throws as {@link prepareNode} and {@link PreparedNode.start}. */
export async function startNode(options: NodeOptions & StartOptions): Promise<ClusterNode> {
  return await prepareNode(options).start(options);
}

/** How often {@link ClusterNode.ready} looks. */
const READY_POLL_MS = 100;

/** How often a starting node looks by itself whether it is ready. */
const READINESS_CHECK_MS = 1000;

class ServerNode implements PreparedNode, ClusterNode {
  readonly kv: PreparedMemberlistKv;
  readonly dns: DnsProvider;
  readonly gossipAddress: Address;
  readonly ownRing: NodeRing;
  readonly #options: NodeOptions;
  readonly #runtime: Runtime;
  readonly #metrics: Registerer;
  readonly #gone = new AbortController();
  #resolution: Resolution | undefined;
  #progress: JoinProgress = { type: 'pending' };
  #startedAt = 0;
  #ring: Ring | undefined;
  #observed: readonly Ring[] = [];
  #lifecycler: Lifecycler | BasicLifecycler | undefined;
  #leaving: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: NodeOptions) {
    const { config, runtime, resolver, transport } = options;
    const { namespace } = config.metrics;
    const registerer = options.registerer ?? noMetrics;
    const extras = effectiveExtras(config);
    this.#options = options;
    this.#runtime = runtime;
    // S-7
    this.#metrics = namespaced(registerer, namespace);
    this.dns = new DnsProvider({
      resolver,
      runtime,
      metrics: withPrefix(this.#metrics, '', { name: 'memberlist' }),
      keepLastGoodMs: extras.keepLastGoodMs,
      signal: this.#gone.signal,
    });
    this.gossipAddress = transport.advertised;
    this.ownRing = ownRing(config);
    this.kv = prepareMemberlistKv({
      config: config.memberlist.kv,
      codecs: [ringCodec, versionsCodec, usageStatsCodec, ...(options.codecs ?? [])],
      runtime,
      transport,
      dns: { resolve: async (specs, wait = {}) => await this.#resolve(specs, wait) },
      resolveHost: hostResolver(this.dns),
      metrics: registerer,
      name: options.hostname ?? DEFAULT_HOSTNAME,
      clusterRejoin: { intervalMs: extras.clusterRejoinIntervalMs },
      ...(options.gossip && { gossip: options.gossip }),
      ...(options.pool && { pool: options.pool }),
    });
  }

  async start(options: StartOptions = {}): Promise<ClusterNode> {
    const { signal } = options;
    this.#startedAt = this.#runtime.clock.now();
    // A store that is starting ends its start when it is told to leave.
    using _abort = onAbort(signal, () => void this.kv.leave());
    try {
      this.#watchJoin();
      await this.kv.start();
      throwIfAborted(signal, 'starting the node');
      const setup = this.#ringSetup(signal);
      this.#ring = await followOwnRing(setup);
      this.#observed = await followObservedRings(setup);
      this.#lifecycler = await registerInRing(setup, this.#registrant(options));
      this.#watchReadiness();
      return this;
    } catch (error) {
      if (signal?.aborted !== true) await this.close();
      throw error;
    }
  }

  get ring(): Ring {
    assert(this.#ring !== undefined, 'the node has been started');
    return this.#ring;
  }

  get observedRings(): readonly Ring[] {
    return this.#observed;
  }

  get lifecycler(): Lifecycler | BasicLifecycler | undefined {
    return this.#lifecycler;
  }

  rings(): readonly NodeRing[] {
    const { ring } = this.#options.config;
    const { heartbeatTimeoutMs } = ring;
    const others = this.kv
      .status()
      .store.filter(({ key, codecId, deleted }) => {
        return codecId === ringCodec.id && !deleted && key !== this.ownRing.key;
      })
      .map(({ key }) => {
        return { name: shortName(ring, key), aliases: [key], key, heartbeatTimeoutMs };
      });
    return [this.ownRing, ...others];
  }

  services(): readonly ServiceStatus[] {
    const kv = serviceState(this.kv.state);
    const ring = kv === 'Running' && this.#ring === undefined ? 'Starting' : kv;
    const services: readonly ServiceStatus[] = [
      { name: 'memberlist_kv', state: kv },
      { name: 'ring', state: ring },
    ];
    if (this.#options.config.ring.mode === 'observer') return services;
    return [...services, { name: 'lifecycler', state: this.#lifecyclerState(kv) }];
  }

  async readiness(): Promise<Readiness> {
    const { state } = this.kv;
    switch (state.type) {
      case 'new':
        return { type: 'waiting', stage: 'start', reason: 'the node has not been started' };
      case 'failed':
        return { type: 'waiting', stage: 'failed', reason: textOf(state.error) };
      case 'stopping':
      case 'terminated':
        return { type: 'waiting', stage: 'stopping', reason: 'the node is leaving' };
      case 'starting':
      case 'running':
        break;
      default:
        return assertNever(state);
    }
    if (this.#leaving !== undefined) {
      return { type: 'waiting', stage: 'stopping', reason: 'the node is leaving' };
    }
    const joined = joinReadiness({
      entries: joinEntries(this.#options.config),
      progress: this.#progress,
      resolution: this.#resolution,
      members: this.kv.memberlist?.memberCount ?? 1,
      upMs: this.#runtime.clock.now() - this.#startedAt,
    });
    return joined.type === 'ready' ? await this.#ringReadiness() : joined;
  }

  async ready(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    while ((await this.readiness()).type !== 'ready') {
      throwIfAborted(this.#gone.signal, 'waiting for the node to be ready');
      await sleep(this.#runtime, READY_POLL_MS, options);
    }
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #leave(): Promise<void> {
    try {
      await this.#lifecycler?.close();
    } catch (err) {
      this.#runtime.log.warn({ err }, 'the instance could not be taken out of its ring');
    }
    await this.kv.leave();
  }

  async #close(): Promise<void> {
    this.#gone.abort();
    const closer = new Closer('the node');
    closer.use(this.kv);
    for (const ring of [...this.#observed, this.#ring]) if (ring !== undefined) closer.use(ring);
    if (this.#lifecycler !== undefined) closer.use(this.#lifecycler);
    await closer.close();
  }

  async #resolve(
    specs: readonly string[],
    wait: { readonly signal?: AbortSignal },
  ): Promise<Resolution> {
    this.#resolution = await this.dns.resolve(specs, wait);
    return this.#resolution;
  }

  #watchJoin(): void {
    this.kv.joined().then(
      (count) => {
        this.#progress = { type: 'answered', count };
      },
      (error: unknown) => {
        this.#progress = { type: 'failed', error };
      },
    );
  }

  /** Looks until the node is ready, whether or not anybody asks: the time for which all must be fine runs from here. S-37 */
  #watchReadiness(): void {
    const { timers, log } = this.#runtime;
    const look = async (): Promise<void> => {
      if (this.#gone.signal.aborted || (await this.readiness()).type !== 'ready') return;
      timer[Symbol.dispose]();
      log.info({ node: this.kv.name }, 'ready');
    };
    const timer = timers.every(READINESS_CHECK_MS, () => void look());
    onAbort(this.#gone.signal, () => timer[Symbol.dispose]());
  }

  #ringSetup(signal: AbortSignal | undefined): RingSetup {
    const { config, runtime } = this.#options;
    return { config: config.ring, kv: this.kv, runtime, metrics: this.#metrics, signal };
  }

  #registrant({ instanceAddress }: StartOptions): Registrant {
    const { config, hostname = DEFAULT_HOSTNAME, tokensStore } = this.#options;
    const { host } = this.gossipAddress;
    const address = instanceAddress ?? { host, port: config.server.httpListenPort };
    return { hostname, address, tokensStore };
  }

  /** What the ring is still missing. An observer only needs to see instances. */
  async #ringReadiness(): Promise<Readiness> {
    const { ring } = this.#options.config;
    if (this.#ring === undefined) return waitingForRing('the ring is being read');
    if (ring.mode === 'observer') {
      if (this.#ring.desc.size > 0) return { type: 'ready' };
      return waitingForRing(`the ring ${JSON.stringify(this.ownRing.name)} is empty`);
    }
    if (this.#lifecycler === undefined) return waitingForRing('the instance is being registered');
    try {
      if ('checkReady' in this.#lifecycler) await this.#lifecycler.checkReady();
    } catch (error) {
      return waitingForRing(textOf(error));
    }
    const { state } = this.#lifecycler;
    return state === 'ACTIVE'
      ? { type: 'ready' }
      : waitingForRing(`the instance is ${state}, not ACTIVE`);
  }

  #lifecyclerState(kv: ServiceStatus['state']): ServiceStatus['state'] {
    if (kv === 'Running' && this.#lifecycler === undefined) return 'Starting';
    return this.#leaving !== undefined && kv === 'Running' ? 'Stopping' : kv;
  }
}

const DEFAULT_HOSTNAME = 'localhost';

function ownRing(config: ServerConfig): NodeRing {
  const { ring } = config;
  const { name, key } = ownRingOf(ring);
  const aliases = [shortName(ring, key), key];
  return { name, aliases, key, heartbeatTimeoutMs: ring.heartbeatTimeoutMs };
}

function waitingForRing(reason: string): Readiness {
  return { type: 'waiting', stage: 'ring', reason };
}

function serviceState(state: KvState): ServiceStatus['state'] {
  switch (state.type) {
    case 'new':
      return 'New';
    case 'starting':
      return 'Starting';
    case 'running':
      return 'Running';
    case 'stopping':
      return 'Stopping';
    case 'terminated':
      return 'Terminated';
    case 'failed':
      return 'Failed';
    default:
      return assertNever(state);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
