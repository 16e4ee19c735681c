import { createMemberlist, type Memberlist, parseJoinAddress } from '@ml/gossip';
import { noMetrics } from '@ml/metrics';
import { Deferred, type Runtime, sleep, throwIfAborted } from '@ml/runtime';
import type { Address } from '@ml/transport';
import type { KvClient } from './client.ts';
import type { Codec } from './codec.ts';
import { FastJoinError, KvOptionsError } from './errors.ts';
import { gossipConfigOf, maxMessageBytes, nodeName } from './gossip-config.ts';
import { Inbox } from './inbox.ts';
import { Joiner } from './join.ts';
import { replicaClient } from './kv-client.ts';
import { KvDelegate } from './kv-delegate.ts';
import { LimitedLog } from './limited-log.ts';
import type {
  MemberlistKvLimits,
  MemberlistKvOptions,
  PreparedMemberlistKv,
} from './memberlist-kv.ts';
import type { Mergeable } from './mergeable.ts';
import { type KvMetrics, kvMetrics } from './metrics.ts';
import { Rejoiner } from './rejoiner.ts';
import { Replica } from './replica.ts';
import {
  entryView,
  type KvEntryView,
  type KvMessageView,
  type KvState,
  type KvStatus,
  messageView,
  statusOf,
} from './status.ts';
import { Life, untilAborted } from './store-life.ts';

/** How often a leaving node looks whether its changes are sent. */
const LEAVE_POLL_MS = 50;
const DEFAULT_REJOIN_JITTER = 0.1;

const DEFAULT_LIMITS: MemberlistKvLimits = {
  maxKeys: 10_000,
  maxQueuedMessages: 4096,
  casAttempts: 10,
  casNoChangeWaitMs: 1000,
};

/** Store, gossip and joining of one node, from start to end. */
export class KvService implements PreparedMemberlistKv {
  readonly name: string;
  readonly #options: MemberlistKvOptions;
  readonly #limits: MemberlistKvLimits;
  readonly #runtime: Runtime;
  readonly #life = new Life();
  readonly #metrics: KvMetrics;
  readonly #replica: Replica;
  readonly #inbox: Inbox;
  readonly #delegate: KvDelegate;
  readonly #joiner: Joiner;
  /** Ends joining and rejoining; they stop before the store does. */
  readonly #joining = new AbortController();
  readonly #joined = new Deferred<number>();
  readonly #timers: Disposable[] = [];
  #memberlist: Memberlist | undefined;
  #wake: Disposable | undefined;
  #starting: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: MemberlistKvOptions) {
    const { config, runtime } = options;
    this.#options = options;
    this.#runtime = runtime;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.name = nodeName(options);
    this.#metrics = kvMetrics({
      registerer: options.metrics ?? noMetrics,
      figures: {
        queued: (queue) => this.#replica.broadcasts.size(queue),
        queuedBytes: () => this.#replica.broadcasts.bytes,
        keys: () => this.#replica.store.size,
        members: () => this.#memberlist?.memberCount ?? 0,
        healthScore: () => this.#memberlist?.healthScore ?? 0,
        isolated: () =>
          this.#joiner.configured && (this.#memberlist?.memberCount ?? 0) <= 1 ? 1 : 0,
      },
      signal: this.#life.closed,
    });
    const log = new LimitedLog(runtime);
    this.#replica = new Replica({
      runtime,
      codecs: options.codecs,
      metrics: this.#metrics,
      log,
      tombstoneTimeoutMs: config.leftIngestersTimeoutMs,
      retransmitFactor: config.retransmitFactor,
      maxMessageBytes: maxMessageBytes(options),
      maxQueuedMessages: this.#limits.maxQueuedMessages,
      maxKeys: this.#limits.maxKeys,
      historyBytes: config.messageHistoryBufferBytes,
      debounced: config.notifyIntervalMs > 0,
      members: () => this.#memberlist?.memberCount ?? 1,
      queued: () => this.#wakeGossip(),
    });
    this.#inbox = new Inbox({ runtime, replica: this.#replica, metrics: this.#metrics, log });
    this.#delegate = new KvDelegate({ replica: this.#replica, inbox: this.#inbox });
    this.#joiner = new Joiner({
      target: { join: (addresses, wait) => this.#requireMemberlist().join(addresses, wait) },
      dns: options.dns,
      runtime,
      entries: config.joinMembers,
      retransmitFactor: config.retransmitFactor,
      minJoinBackoffMs: config.minJoinBackoffMs,
      maxJoinBackoffMs: config.maxJoinBackoffMs,
      maxJoinRetries: config.maxJoinRetries,
    });
    // Nobody need wait for the startup join; its failure is logged and told to those who do.
    this.#joined.promise.catch(() => {});
  }

  get state(): KvState {
    return this.#life.state;
  }

  get memberlist(): Memberlist | undefined {
    return this.#memberlist;
  }

  async start(): Promise<void> {
    if (this.#starting !== undefined || this.#life.closed.aborted) {
      throw new KvOptionsError(`the store cannot be started: it is ${this.#life.state.type}`);
    }
    this.#starting = this.#start();
    await this.#starting;
  }

  client<T extends Mergeable<T>>(codec: Codec<T>): KvClient<T> {
    return replicaClient({
      codec,
      replica: this.#replica,
      runtime: this.#runtime,
      metrics: this.#metrics,
      life: this.#life,
      casAttempts: this.#limits.casAttempts,
      casNoChangeWaitMs: this.#limits.casNoChangeWaitMs,
      watchPrefixBufferSize: this.#options.config.watchPrefixBufferSize,
    });
  }

  status(): KvStatus {
    return statusOf({
      nowUnixMs: this.#runtime.clock.unixMs(),
      name: this.name,
      state: this.#life.state,
      memberlist: this.#memberlist,
      joinConfigured: this.#joiner.configured,
      replica: this.#replica,
      historyBytes: this.#options.config.messageHistoryBufferBytes,
    });
  }

  entry(key: string): KvEntryView | undefined {
    return entryView(this.#replica, key);
  }

  message(id: number): KvMessageView | undefined {
    return messageView(this.#replica, id);
  }

  clearHistory(): void {
    this.#replica.history.clear();
  }

  async joined(options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    return await untilAborted(this.#joined.promise, options.signal, 'waiting for the startup join');
  }

  async ended(options: { readonly signal?: AbortSignal } = {}): Promise<KvState> {
    return await this.#life.ended(options.signal);
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close({ type: 'terminated' });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    this.#life.enter('starting');
    try {
      await this.#listen();
      await this.#fastJoin();
      throwIfAborted(this.#joining.signal, 'starting the store');
    } catch (error) {
      await this.#release({ type: 'failed', error });
      throw error;
    }
    this.#life.run();
    this.#startTimers();
    void this.#startupJoin();
  }

  async #listen(): Promise<void> {
    const { config, gossip, transport, metrics, pool, resolveHost } = this.#options;
    this.#memberlist = await createMemberlist({
      name: this.name,
      config: { ...gossipConfigOf(config), ...gossip },
      runtime: this.#runtime,
      transport,
      delegate: this.#delegate,
      resolveHost,
      ...(metrics === undefined ? {} : { metrics }),
      ...(pool === undefined ? {} : { pool }),
    });
  }

  async #fastJoin(): Promise<void> {
    const { config } = this.#options;
    if (!this.#joiner.configured) return;
    const { log } = this.#runtime;
    try {
      const reached = await this.#joiner.fastJoin({ signal: this.#joining.signal });
      log.info({ reached }, 'reached members at startup');
    } catch (error) {
      if (config.abortIfFastJoinFails || !(error instanceof FastJoinError)) throw error;
      log.warn({ err: error }, 'no member reached at startup, starting alone');
    }
  }

  #startTimers(): void {
    const { config } = this.#options;
    const { timers } = this.#runtime;
    const { notifyIntervalMs, obsoleteEntriesTimeoutMs } = config;
    if (notifyIntervalMs > 0) {
      this.#timers.push(timers.every(notifyIntervalMs, () => this.#notifyWatchers()));
    }
    if (obsoleteEntriesTimeoutMs > 0) {
      const purge = () => this.#replica.purge(obsoleteEntriesTimeoutMs);
      this.#timers.push(timers.every(obsoleteEntriesTimeoutMs, purge, { plain: true }));
    }
  }

  /** Goes on joining after the start, then from time to time. */
  async #startupJoin(): Promise<void> {
    const { log } = this.#runtime;
    const { signal } = this.#joining;
    if (!this.#joiner.configured) {
      this.#joined.resolve(0);
      return;
    }
    try {
      const reached = await this.#joiner.joinWithBackoff({ signal });
      log.info({ reached }, 'joined the cluster');
      this.#joined.resolve(reached);
    } catch (error) {
      if (signal.aborted) {
        this.#joined.reject(this.#life.closedError());
        return;
      }
      this.#joined.reject(error);
      log.error({ err: error }, 'joining the cluster given up');
      if (this.#options.config.abortIfJoinFails) {
        await this.#fail(error);
        return;
      }
    }
    if (!signal.aborted) this.#rejoin();
  }

  #rejoin(): void {
    const { config, clusterRejoin } = this.#options;
    this.#timers.push(
      new Rejoiner({
        joiner: this.#joiner,
        runtime: this.#runtime,
        signal: this.#joining.signal,
        everyoneIntervalMs: config.rejoinIntervalMs,
        absentIntervalMs: clusterRejoin?.intervalMs ?? 0,
        absentJitter: clusterRejoin?.jitter ?? DEFAULT_REJOIN_JITTER,
        members: () => this.#memberlist?.members() ?? [],
        resolve: (address, wait) => this.#resolveJoinAddress(address, wait),
      }),
    );
  }

  #notifyWatchers(): void {
    const told = this.#replica.watchers.flush();
    if (told > 0) this.#metrics.pendingKeyNotifications.set(told);
  }

  /** Leaves and ends as a failure. Never throws. */
  async #fail(error: unknown): Promise<void> {
    await this.leave();
    this.#closing ??= this.#close({ type: 'failed', error });
    try {
      await this.#closing;
    } catch (err) {
      this.#runtime.log.error({ err }, 'closing the store failed');
    }
  }

  async #leave(): Promise<void> {
    this.#joining.abort();
    if (this.#life.state.type !== 'running') return;
    this.#life.enter('stopping');
    this.#replica.stopSpreadingOwnChanges();
    const memberlist = this.#requireMemberlist();
    memberlist.hasten();
    await this.#sendOwnChanges(memberlist);
    try {
      await memberlist.leave({ timeoutMs: Math.max(0, this.#options.config.leaveTimeoutMs) });
    } catch (err) {
      this.#runtime.log.warn({ err }, 'leaving did not reach everyone');
    }
  }

  /** Waits until own changes have been sent as often as they should, within the limit. // K-33 */
  async #sendOwnChanges(memberlist: Memberlist): Promise<void> {
    const limitMs = this.#options.config.broadcastTimeoutForLocalUpdatesOnShutdownMs;
    const { clock, log } = this.#runtime;
    const startedAt = clock.now();
    const waiting = () => (memberlist.memberCount > 1 ? this.#replica.broadcasts.size('local') : 0);
    while (waiting() > 0 && !this.#life.closed.aborted) {
      if (limitMs > 0 && clock.now() - startedAt >= limitMs) {
        log.warn({ messages: waiting() }, 'own changes could not all be sent before leaving');
        return;
      }
      await sleep(this.#runtime, LEAVE_POLL_MS);
    }
  }

  /** Ends a start that is under way, then everything else. */
  async #close(last: KvState): Promise<void> {
    this.#joining.abort();
    try {
      await this.#starting;
    } catch (err) {
      this.#runtime.log.debug({ err }, 'closing a store that did not start');
    }
    await this.#release(last);
  }

  async #release(last: KvState): Promise<void> {
    if (this.#life.closed.aborted) return;
    this.#joining.abort();
    for (const timer of this.#timers) timer[Symbol.dispose]();
    this.#wake?.[Symbol.dispose]();
    this.#delegate.close();
    this.#inbox.close();
    this.#life.end(last);
    this.#joined.reject(this.#life.closedError());
    await (this.#memberlist ?? this.#options.transport)[Symbol.asyncDispose]();
  }

  /** Lets gossip know that there is something to send; from inside the protocol, after its turn. */
  #wakeGossip(): void {
    if (!this.#delegate.inside) {
      this.#memberlist?.wakeGossip();
      return;
    }
    this.#wake ??= this.#runtime.timers.after(
      0,
      () => {
        this.#wake = undefined;
        this.#memberlist?.wakeGossip();
      },
      { plain: true },
    );
  }

  #requireMemberlist(): Memberlist {
    if (this.#memberlist === undefined) throw this.#life.closedError();
    return this.#memberlist;
  }

  async #resolveJoinAddress(
    text: string,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly Address[]> {
    const { host, port } = parseJoinAddress(text, gossipConfigOf(this.#options.config).bindPort);
    const hosts = await this.#options.resolveHost(host, options);
    return hosts.map((ip) => ({ host: ip, port }));
  }
}
