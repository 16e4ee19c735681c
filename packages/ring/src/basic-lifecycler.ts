import type { KvClient } from '@ml/kv';
import type { Registerer } from '@ml/metrics';
import { type Runtime, sleep } from '@ml/runtime';
import { RingDesc } from './core/desc.ts';
import { InstanceDesc } from './core/instance.ts';
import type { KnownInstanceState } from './core/instance-state.ts';
import { countLost, fillTokens, unclaimed } from './core/own-tokens.ts';
import { isTooFarAhead, nextStamp } from './core/stamp.ts';
import { randomTokenGenerator, type TokenGenerator } from './core/token-generator.ts';
import type { Tokens } from './core/tokens.ts';
import type { BasicLifecyclerDelegate } from './delegates.ts';
import { JoinRingError, LifecyclerClosedError } from './errors.ts';
import { Heartbeats } from './heartbeats.ts';
import { checkRegistrant } from './lifecycler.ts';
import type { InstanceIdentity } from './lifecycler-types.ts';
import { type BasicLifecyclerMetrics, registerBasicLifecyclerMetrics } from './metrics.ts';
import { Serial } from './serial.ts';

/** Behaviour of a basic lifecycler. As `ring.BasicLifecyclerConfig` in dskit. */
export interface BasicLifecyclerConfig {
  /** Tokens to hold. */
  readonly numTokens: number;
  /** Time between heartbeats, in milliseconds; 0: none. */
  readonly heartbeatPeriodMs: number;
  /** How long new tokens are watched for conflicts, in milliseconds; 0: not at all. */
  readonly tokensObservePeriodMs: number;
  /** Whether the entry stays in the ring at the end. */
  readonly keepInstanceInTheRingOnShutdown: boolean;
  /** Versions of what runs here, told to all members. */
  readonly versions?: ReadonlyMap<bigint, bigint>;
}

export interface BasicLifecyclerOptions {
  /** Names the ring in logs and metrics. */
  readonly name: string;
  /** The whole key in the KV store. */
  readonly key: string;
  readonly identity: InstanceIdentity;
  readonly config: BasicLifecyclerConfig;
  readonly client: KvClient<RingDesc>;
  readonly delegate: BasicLifecyclerDelegate;
  readonly runtime: Runtime;
  readonly metrics?: Registerer | undefined;
  /** Default: random tokens. */
  readonly tokenGenerator?: TokenGenerator | undefined;
  /** Gives up the registration. */
  readonly signal?: AbortSignal;
}

/**
 * Keeps one instance in a ring as its delegate says; never changes the state by itself and takes over what others
 * write into the entry. As `ring.BasicLifecycler` in dskit.
 */
export interface BasicLifecycler extends AsyncDisposable {
  readonly id: string;
  /** PENDING before the registration. */
  readonly state: KnownInstanceState;
  readonly tokens: Tokens;
  readonly readOnly: boolean;
  /** Unix seconds, 0: never. */
  readonly readOnlyUpdatedUnixS: number;
  /** Unix seconds. */
  readonly registeredUnixS: number;
  /** Changes the state, to any other. @throws {LifecyclerClosedError} */
  changeState(to: KnownInstanceState): Promise<void>;
  /** Sets or clears read-only; setting it again changes nothing. @throws {LifecyclerClosedError} */
  changeReadOnly(readOnly: boolean): Promise<void>;
  /** Stops: the delegate first, with heartbeats going on, then out of the ring unless it is to stay. */
  close(): Promise<void>;
}

/**
 * Registers the instance and resolves when its tokens have settled.
 * @throws {RingOptionsError | JoinRingError}
 */
export async function createBasicLifecycler(
  options: BasicLifecyclerOptions,
): Promise<BasicLifecycler> {
  checkRegistrant(options.name, options.identity, options.config.numTokens);
  const lifecycler = new DelegatedLifecycler(options);
  await lifecycler.start();
  return lifecycler;
}

/** What one update makes of the own entry and the ring around it. */
interface Update {
  readonly entry: InstanceDesc;
  readonly ring: RingDesc;
}

class DelegatedLifecycler implements BasicLifecycler {
  readonly #options: BasicLifecyclerOptions;
  readonly #generator: TokenGenerator;
  readonly #metrics: BasicLifecyclerMetrics;
  readonly #serial = new Serial();
  readonly #gone = new AbortController();
  /** The own entry as last written. */
  #entry: InstanceDesc;
  #registered: boolean = false;
  #settled: boolean = false;
  #heartbeats: Heartbeats | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: BasicLifecyclerOptions) {
    const { runtime, name, identity, config } = options;
    this.#options = options;
    this.#generator = options.tokenGenerator ?? randomTokenGenerator(runtime.random);
    this.#entry = InstanceDesc.of({
      ...identity,
      state: 'PENDING',
      ...(config.versions === undefined ? {} : { versions: config.versions }),
    });
    this.#metrics = registerBasicLifecyclerMetrics(options.metrics, {
      name,
      readOnly: () => this.#entry.readOnly,
      signal: this.#gone.signal,
    });
  }

  get id(): string {
    return this.#options.identity.id;
  }

  get state(): KnownInstanceState {
    const { state } = this.#entry;
    return !this.#registered || state === 'UNKNOWN' ? 'PENDING' : state;
  }

  get tokens(): Tokens {
    return this.#entry.tokens;
  }

  get readOnly(): boolean {
    return this.#entry.readOnly;
  }

  get readOnlyUpdatedUnixS(): number {
    return this.#entry.readOnlyUpdatedUnixS;
  }

  get registeredUnixS(): number {
    return this.#entry.registeredUnixS;
  }

  async start(): Promise<void> {
    const { runtime, config, delegate, name } = this.#options;
    try {
      await delegate.prepare();
      await this.#register();
      this.#heartbeats = new Heartbeats(runtime, config.heartbeatPeriodMs, () => this.#heartbeat());
      await this.#settle();
    } catch (error) {
      await this.#heartbeats?.stop();
      this.#gone.abort();
      throw new JoinRingError(name, { cause: error });
    }
    this.#metrics.tokensToOwn.set(config.numTokens);
    this.#metrics.tokensOwned.set(this.tokens.size);
  }

  changeState(to: KnownInstanceState): Promise<void> {
    return this.#command(() => this.#changeState(to));
  }

  changeReadOnly(readOnly: boolean): Promise<void> {
    return this.#command(() =>
      this.#update('change', (entry, ring, nowUnixMs) =>
        entry.readOnly === readOnly
          ? undefined
          : {
              ring,
              entry: entry.with({ readOnly, readOnlyUpdatedUnixS: Math.floor(nowUnixMs / 1000) }),
            },
      ),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #command<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new LifecyclerClosedError(this.#options.name);
    return await this.#serial.run(task);
  }

  /** Writes the entry in any case: with the delegate's state and tokens, and what an earlier life left. */
  async #register(): Promise<void> {
    const { client, key, runtime, identity, delegate, config, signal } = this.#options;
    let written = this.#entry;
    await client.cas(
      key,
      (ring = RingDesc.empty) => {
        const existing = ring.get(this.id);
        const nowUnixMs = runtime.clock.unixMs();
        const { state, tokens } = delegate.onRegister({
          identity,
          ring,
          existing,
          generator: this.#generator,
          nowUnixMs,
        });
        written = (existing ?? this.#entry).with({
          addr: identity.addr,
          zone: identity.zone,
          state,
          tokens,
          registeredUnixS: existing?.registeredUnixS ?? Math.floor(nowUnixMs / 1000),
          heartbeatUnixS: nextStamp(nowUnixMs, existing?.heartbeatUnixS ?? 0),
          ...(config.versions === undefined ? {} : { versions: config.versions }),
        });
        return ring.set(written);
      },
      signal === undefined ? {} : { signal },
    );
    this.#entry = written;
    this.#registered = true;
  }

  /** Watches the tokens until nobody has taken any for a whole period, then tells the delegate. */
  async #settle(): Promise<void> {
    const { runtime, config, delegate, signal } = this.#options;
    if (this.tokens.isEmpty) return;
    if (config.tokensObservePeriodMs > 0) {
      let expected: Tokens;
      do {
        // A heartbeat meanwhile may find tokens missing, so what is expected is fixed now.
        expected = this.tokens;
        await sleep(runtime, config.tokensObservePeriodMs, { signal });
      } while (!(await this.#verify(expected)));
    }
    this.#settled = true;
    await delegate.onTokens(this.tokens);
  }

  /** Whether the ring still holds the tokens that were taken; if not, others are taken in their place. */
  async #verify(expected: Tokens): Promise<boolean> {
    const { numTokens } = this.#options.config;
    let kept = false;
    await this.#serial.run(() =>
      this.#update('change', (entry, ring) => {
        kept = entry.tokens.equals(expected);
        if (kept) return undefined;
        const tokens = fillTokens(entry.tokens, numTokens, { ring, generator: this.#generator });
        return { ring, entry: entry.with({ tokens }) };
      }),
    );
    return kept;
  }

  async #changeState(to: KnownInstanceState): Promise<void> {
    await this.#update('change', (entry, ring) =>
      entry.state === to ? undefined : { ring, entry: entry.with({ state: to }) },
    );
  }

  async #heartbeat(): Promise<void> {
    const { delegate, runtime, name } = this.#options;
    try {
      await this.#serial.run(() =>
        this.#update('heartbeat', (entry, ring, nowUnixMs) => ({
          ring: delegate.onHeartbeat(ring, nowUnixMs),
          entry: this.#settled ? this.#withLostTokens(entry, ring) : entry,
        })),
      );
      this.#metrics.heartbeats.inc();
    } catch (error) {
      runtime.log.error(
        { ring: name, instance: this.id, err: error },
        'writing the heartbeat failed',
      );
    }
  }

  /** Tokens that an active instance has lost are replaced: it still serves its share of keys. R-46 */
  #withLostTokens(entry: InstanceDesc, ring: RingDesc): InstanceDesc {
    const lost = entry.state === 'ACTIVE' ? countLost(this.tokens, entry.tokens) : 0;
    if (lost === 0) return entry;
    const wanted = entry.tokens.size + lost;
    return entry.with({
      tokens: fillTokens(entry.tokens, wanted, { ring, generator: this.#generator }),
    });
  }

  /**
   * One CAS of the own entry, which is put back first if it is missing. `mutate` gets it and the ring and says what
   * becomes of both; `undefined` leaves them as they are. What is in the ring afterwards is taken over.
   */
  async #update(
    kind: 'change' | 'heartbeat',
    mutate: (entry: InstanceDesc, ring: RingDesc, nowUnixMs: number) => Update | undefined,
  ): Promise<void> {
    const { client, key, runtime, name } = this.#options;
    let after = this.#entry;
    let forgotten = 0;
    await client.cas(key, (ring = RingDesc.empty) => {
      const nowUnixMs = runtime.clock.unixMs();
      const known = ring.get(this.id);
      const base = known ?? this.#revived(ring, nowUnixMs);
      const update = mutate(base, ring, nowUnixMs);
      after = base;
      if (update === undefined && known !== undefined) return undefined;
      const { entry, ring: around } = update ?? { entry: base, ring };
      const stored = Math.max(base.heartbeatUnixS, this.#entry.heartbeatUnixS);
      const heartbeatUnixS = nextStamp(nowUnixMs, stored);
      const idle = kind === 'heartbeat' && entry === known && around === ring;
      if (idle && isTooFarAhead(heartbeatUnixS, nowUnixMs)) return undefined;
      after = entry.with({ heartbeatUnixS });
      forgotten = ring.size - around.size;
      return around.set(after);
    });
    if (forgotten > 0) {
      runtime.log.info({ ring: name, forgotten }, 'instances without heartbeats were forgotten');
    }
    await this.#adopt(after);
  }

  /** The entry to put back when somebody has taken it out. */
  #revived(ring: RingDesc, nowUnixMs: number): InstanceDesc {
    return this.#entry.with({
      registeredUnixS: Math.floor(nowUnixMs / 1000),
      tokens: unclaimed(this.tokens, ring, this.id),
    });
  }

  async #adopt(entry: InstanceDesc): Promise<void> {
    const changed = !entry.tokens.equals(this.tokens);
    this.#entry = entry;
    if (!(changed && this.#settled)) return;
    this.#metrics.tokensOwned.set(entry.tokens.size);
    await this.#options.delegate.onTokens(entry.tokens);
  }

  async #close(): Promise<void> {
    const { delegate, runtime, name, config } = this.#options;
    try {
      await delegate.onStopping({
        changeState: (to) => this.#serial.run(() => this.#changeState(to)),
      });
    } catch (error) {
      runtime.log.error({ ring: name, err: error }, 'stopping the delegate failed');
    }
    await this.#heartbeats?.stop();
    if (!config.keepInstanceInTheRingOnShutdown) await this.#unregister();
    this.#metrics.tokensToOwn.set(0);
    this.#metrics.tokensOwned.set(0);
    this.#gone.abort();
  }

  async #unregister(): Promise<void> {
    const { client, key, runtime, name } = this.#options;
    try {
      await this.#serial.run(() =>
        client.cas(key, (ring) => (ring?.has(this.id) === true ? ring.delete(this.id) : undefined)),
      );
    } catch (error) {
      runtime.log.error(
        { ring: name, err: error },
        'the instance could not be taken out of the ring',
      );
    }
  }
}
