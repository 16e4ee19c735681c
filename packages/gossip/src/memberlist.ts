import { noMetrics, type Registerer } from '@ml/metrics';
import { assert, Closer, type Runtime, throwIfAborted } from '@ml/runtime';
import { type Address, parseIp, parseNetwork, type Transport } from '@ml/transport';
import { checkGossipConfig, type GossipConfig } from './config.ts';
import { GossipCore } from './core/core.ts';
import { LogGate } from './core/log-gate.ts';
import type { MemberPool } from './core/member-pool.ts';
import type { Delegates } from './delegate.ts';
import { Driver } from './driver.ts';
import {
  GossipConfigError,
  JoinAddressError,
  JoinError,
  MemberlistClosedError,
  NoResponseError,
} from './errors.ts';
import type { Member, MemberEvent } from './events.ts';
import { parseJoinAddress } from './join-address.ts';
import { createGossipMetrics, type GossipGauges } from './metrics.ts';
import { DEFAULT_WIRE_LIMITS } from './wire/index.ts';

/** The addresses of a host name, as IP literals; at least one, or a rejection. */
export type ResolveHost = (
  host: string,
  options: { readonly signal?: AbortSignal },
) => Promise<readonly string[]>;

/** What a member of a cluster is made of. */
export interface MemberlistOptions extends Delegates {
  /** Unique in the cluster, 1 to 1024 bytes; the same as before after a restart, or a new one. */
  readonly name: string;
  readonly config: GossipConfig;
  readonly runtime: Runtime;
  /** Belongs to the memberlist once that is created: closing the one closes the other. */
  readonly transport: Transport;
  /** Every address of a host name is joined. */
  readonly resolveHost: ResolveHost;
  readonly metrics?: Registerer;
  /** Shared between nodes of one process to keep each member's data once. Default: one of its own. */
  readonly pool?: MemberPool;
}

/** One node's part in a cluster. Disposing it without {@link Memberlist.leave} is a crash to the others. */
export interface Memberlist extends AsyncDisposable {
  /** Ourselves as others see us. */
  readonly localNode: Member;
  /** How unwell this node is: 0 is healthy, `awarenessMaxMultiplier − 1` the worst. */
  readonly healthScore: number;
  /** Members that are alive or suspect, ourselves included. */
  readonly memberCount: number;
  /** Membership messages that wait to be sent. */
  readonly queuedBroadcasts: number;
  /** Members that are alive or suspect, in no particular order. With `all`, also the dead and left that are remembered. */
  members(options?: { readonly all?: boolean }): readonly Member[];
  /** The member of that name in whatever state, undefined when it is not known. */
  member(name: string): Member | undefined;
  /**
   * Exchanges full states with every address, one after the other; each is `[name/]host[:port]`. Resolves to the number
   * of exchanges that worked, 0 for no address at all.
   * @throws {JoinError} when none worked
   */
  join(addresses: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<number>;
  /**
   * To be called before {@link Memberlist.leave} when something else has to be sent first: whatever waits is sent as
   * often as ever, with a quarter of the gossip interval between the rounds, and so is the good-bye. Nothing undoes
   * it. G-55.
   */
  hasten(): void;
  /**
   * Says good-bye, and waits until that has been sent as often as it should; 0: for ever. Later calls return at once.
   * The node keeps answering until it is closed. @throws {TimeoutError} the news may have spread all the same
   */
  leave(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Announces new meta data from the delegate; waits as {@link Memberlist.leave} does.
   * @throws {MetaTooLongError | TimeoutError}
   */
  updateNode(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<void>;
  /** Sends a user message in one packet; it may get lost. */
  sendBestEffort(to: Member, bytes: Uint8Array): void;
  /** Sends a user message over a stream. @throws {DialError | TimeoutError} */
  sendReliable(
    to: Member,
    bytes: Uint8Array,
    options?: { readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Round trip of a ping in milliseconds. @throws {NoResponseError} when `probeTimeoutMs` passed */
  ping(
    name: string,
    address: Address,
    options?: { readonly signal?: AbortSignal },
  ): Promise<number>;
  /**
   * What happens from this call on. Each call makes a reader of its own, whose backlog is bounded: a slow one gets a
   * `dropped` event in place of those it missed. Ends when the memberlist closes.
   */
  events(options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<MemberEvent>;
  /** To be called when the delegate has something new to broadcast: an idle node does not ask. May be called any time. */
  wakeGossip(): void;
  /** Stops at once, and closes the transport. */
  close(): Promise<void>;
}

/**
 * Starts a cluster of one; {@link Memberlist.join} makes it more.
 * @throws {GossipConfigError | MetaTooLongError} and the transport stays the caller's
 */
export async function createMemberlist(options: MemberlistOptions): Promise<Memberlist> {
  const { config, runtime, transport, name } = options;
  checkGossipConfig(config, (text) => parseNetwork(text) !== undefined);
  checkIdentity(name, transport);
  let gauges: GossipGauges | undefined;
  const closer = new Closer('a memberlist');
  const registerer = options.metrics ?? noMetrics;
  const metrics = createGossipMetrics(registerer, () => gauges, closer.signal);
  const { clock, timers, random } = runtime;
  const log = runtime.log.child({ component: 'memberlist' });
  const core = new GossipCore({
    name,
    address: transport.advertised,
    ip: transport.advertisedIp,
    config,
    maxPacketBytes: transport.maxPacketBytes,
    random: random.fork('memberlist'),
    log,
    metrics,
    delegates: options,
    ...(options.pool === undefined ? {} : { pool: options.pool }),
  });
  gauges = core;
  const gate = new LogGate(log);
  const driver = new Driver({
    core,
    config,
    runtime: { clock, timers, random, log },
    transport,
    metrics,
    gate,
    closer,
  });
  try {
    await driver.start();
  } catch (error) {
    await closer.close();
    throw error;
  }
  return new OpenMemberlist(options, core, driver);
}

class OpenMemberlist implements Memberlist {
  readonly #options: MemberlistOptions;
  readonly #core: GossipCore;
  readonly #driver: Driver;

  constructor(options: MemberlistOptions, core: GossipCore, driver: Driver) {
    this.#options = options;
    this.#core = core;
    this.#driver = driver;
  }

  get localNode(): Member {
    return this.#core.self;
  }

  get healthScore(): number {
    return this.#core.healthScore;
  }

  get memberCount(): number {
    return this.#core.count('alive') + this.#core.count('suspect');
  }

  get queuedBroadcasts(): number {
    return this.#core.queuedBroadcasts;
  }

  members(options?: { readonly all?: boolean }): readonly Member[] {
    return this.#core.members(options);
  }

  member(name: string): Member | undefined {
    return this.#core.member(name);
  }

  async join(
    addresses: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    const { signal } = options;
    const failures: Error[] = [];
    let joined = 0;
    for (const text of addresses) {
      this.#assertOpen('join');
      throwIfAborted(signal, 'a join');
      const targets = await collect(failures, signal, () => this.#resolve(text, signal));
      for (const to of targets ?? []) {
        const done = await collect(failures, signal, async () => {
          await this.#driver.pushPull(to, true, signal);
          return true;
        });
        if (done === true) joined += 1;
      }
    }
    if (joined === 0 && failures.length > 0) throw new JoinError(failures);
    const [first] = failures;
    if (first !== undefined) {
      const { log } = this.#options.runtime;
      log.warn(
        { joined, failed: failures.length, err: first },
        'some addresses could not be joined',
      );
    }
    return joined;
  }

  hasten(): void {
    this.#assertOpen('hasten');
    this.#driver.turn((now) => this.#core.hasten(now));
  }

  async leave(options: {
    readonly timeoutMs: number;
    readonly signal?: AbortSignal;
  }): Promise<void> {
    this.#assertOpen('leave');
    await this.#driver.spread('leaving the cluster', (now) => this.#core.leave(now), options);
  }

  async updateNode(options: {
    readonly timeoutMs: number;
    readonly signal?: AbortSignal;
  }): Promise<void> {
    this.#assertOpen('update the node');
    await this.#driver.spread('an update of the node', (now) => this.#core.update(now), options);
  }

  sendBestEffort(to: Member, bytes: Uint8Array): void {
    this.#assertOpen('send');
    this.#driver.turn((now) => this.#core.sendUserMessage(now, to, bytes));
  }

  async sendReliable(
    to: Member,
    bytes: Uint8Array,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#assertOpen('send');
    await this.#driver.sendUser(to.address, bytes, options.signal);
  }

  async ping(
    name: string,
    address: Address,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<number> {
    this.#assertOpen('ping');
    const roundTripMs = await this.#driver.ping(name, address, options.signal);
    if (roundTripMs === undefined) {
      throw new NoResponseError(name, this.#options.config.probeTimeoutMs);
    }
    return roundTripMs;
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<MemberEvent> {
    return this.#driver.events(options.signal);
  }

  wakeGossip(): void {
    if (this.#driver.closed) return;
    this.#core.notifyBroadcasts(this.#options.runtime.clock.now());
    this.#driver.rearm();
  }

  close(): Promise<void> {
    return this.#driver.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #resolve(text: string, signal: AbortSignal | undefined): Promise<readonly Address[]> {
    const { host, port } = parseJoinAddress(text, this.#options.config.bindPort);
    if (parseIp(host) !== undefined) return [{ host, port }];
    const found = await this.#options.resolveHost(host, signal === undefined ? {} : { signal });
    if (found.length === 0) throw new JoinAddressError(text, 'the host has no address');
    return found.map((ip) => ({ host: ip, port }));
  }

  #assertOpen(what: string): void {
    if (this.#driver.closed) throw new MemberlistClosedError(what);
  }
}

/** The result of `work`; undefined when it failed, with the failure put to the others. An abort is not a failure. */
async function collect<T>(
  failures: Error[],
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted === true) throw error;
    assert(error instanceof Error, 'what is thrown is an Error');
    failures.push(error);
    return undefined;
  }
}

function checkIdentity(name: string, transport: Transport): void {
  const faults: string[] = [];
  const { maxNameBytes } = DEFAULT_WIRE_LIMITS;
  const nameBytes = new TextEncoder().encode(name).length;
  if (nameBytes === 0 || nameBytes > maxNameBytes) {
    faults.push(`the node name has ${nameBytes} bytes: use 1 to ${maxNameBytes}`);
  }
  if (/\p{Surrogate}/u.test(name)) faults.push('the node name is not well-formed Unicode');
  const ipBytes = transport.advertisedIp.length;
  if (ipBytes !== 4 && ipBytes !== 16) {
    faults.push(`the transport advertises an IP of ${ipBytes} bytes: it must have 4 or 16`);
  }
  if (faults.length > 0) throw new GossipConfigError(faults);
}
