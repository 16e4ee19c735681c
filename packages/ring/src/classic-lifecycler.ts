import { abortReason, Deferred, onAbort, sleep } from '@ml/runtime';
import { RingDesc } from './core/desc.ts';
import { hasSameContent, InstanceDesc } from './core/instance.ts';
import type { KnownInstanceState } from './core/instance-state.ts';
import { nearestIds } from './core/nearest.ts';
import { countLost, fillTokens, unclaimed } from './core/own-tokens.ts';
import { checkReadiness } from './core/readiness.ts';
import { register } from './core/registration.ts';
import { type RingSummary, summarise } from './core/ring-summary.ts';
import { isTooFarAhead, nextStamp } from './core/stamp.ts';
import { randomTokenGenerator, type TokenGenerator } from './core/token-generator.ts';
import { Tokens } from './core/tokens.ts';
import {
  JoinRingError,
  LifecyclerClosedError,
  NotReadyError,
  StateTransitionError,
  UnknownInstanceError,
} from './errors.ts';
import { Heartbeats } from './heartbeats.ts';
import type { Lifecycler, LifecyclerOptions, ShutdownChoices } from './lifecycler-types.ts';
import { type LifecyclerMetrics, registerLifecyclerMetrics } from './metrics.ts';
import { Serial } from './serial.ts';
import { waitUntilCanJoin } from './wait-until-can-join.ts';

/** Between attempts to take tokens, in milliseconds. */
const JOIN_RETRY_MS = 1000;

const TRANSITIONS: readonly (readonly [from: KnownInstanceState, to: KnownInstanceState])[] = [
  ['PENDING', 'JOINING'],
  ['JOINING', 'PENDING'],
  ['JOINING', 'ACTIVE'],
  ['PENDING', 'ACTIVE'],
  ['ACTIVE', 'LEAVING'],
];

/** {@link Lifecycler} over a KV client. */
export class ClassicLifecycler implements Lifecycler {
  readonly shutdown: ShutdownChoices;
  readonly #options: LifecyclerOptions;
  readonly #generator: TokenGenerator;
  readonly #metrics: LifecyclerMetrics;
  readonly #serial = new Serial();
  /** Ends joining and waiting. */
  readonly #stop = new AbortController();
  /** Ends the metrics' hold on this object. */
  readonly #gone = new AbortController();
  readonly #active = new Deferred<void>();
  #state: KnownInstanceState = 'PENDING';
  #tokens: Tokens = Tokens.none;
  #storedTokens: Tokens = Tokens.none;
  #registeredUnixS = 0;
  #readOnly = false;
  #readOnlyUpdatedUnixS = 0;
  #lastStampUnixS = 0;
  #lastSeen: RingDesc = RingDesc.empty;
  #heartbeats: Heartbeats | undefined;
  #joining: Promise<void> = Promise.resolve();
  #joinFailure: unknown;
  #ready: boolean = false;
  #readySince: number | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: LifecyclerOptions) {
    const { runtime, name } = options;
    this.#options = options;
    this.#generator = options.tokenGenerator ?? randomTokenGenerator(runtime.random);
    this.shutdown = {
      flush: true,
      unregister: options.config.unregisterOnShutdown,
      clearTokens: false,
    };
    this.#metrics = registerLifecyclerMetrics(options.metrics, {
      name,
      readOnly: () => this.#readOnly,
      signal: this.#gone.signal,
    });
    // Nobody has to wait for it.
    this.#active.promise.catch(() => {});
  }

  get id(): string {
    return this.#options.identity.id;
  }

  get state(): KnownInstanceState {
    return this.#state;
  }

  get tokens(): Tokens {
    return this.#tokens;
  }

  get readOnly(): boolean {
    return this.#readOnly;
  }

  get readOnlyUpdatedUnixS(): number {
    return this.#readOnlyUpdatedUnixS;
  }

  get registeredUnixS(): number {
    return this.#registeredUnixS;
  }

  async start(): Promise<void> {
    try {
      await this.#register(await this.#loadTokens());
    } catch (error) {
      this.#gone.abort();
      throw new JoinRingError(this.#options.name, { cause: error });
    }
    const { runtime, config } = this.#options;
    this.#heartbeats = new Heartbeats(runtime, config.heartbeatPeriodMs, () => this.#heartbeat());
    this.#joining = this.#join();
  }

  summary(): RingSummary {
    const { runtime, config, identity } = this.#options;
    return summarise(this.#lastSeen, {
      zone: identity.zone,
      nowUnixMs: runtime.clock.unixMs(),
      heartbeatTimeoutMs: config.heartbeatTimeoutMs,
    });
  }

  async waitActive(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await orAborted(this.#active, options.signal);
  }

  changeState(to: KnownInstanceState): Promise<void> {
    return this.#command(() => this.#changeState(to));
  }

  changeReadOnly(readOnly: boolean): Promise<void> {
    return this.#command(async () => {
      if (readOnly === this.#readOnly) return;
      this.#readOnly = readOnly;
      this.#readOnlyUpdatedUnixS = Math.floor(this.#options.runtime.clock.unixMs() / 1000);
      await this.#write('change');
    });
  }

  claimTokensFor(id: string): Promise<Tokens> {
    return this.#command(() => this.#claimTokensFor(id));
  }

  async checkReady(): Promise<void> {
    if (this.#ready) return;
    const { runtime, config } = this.#options;
    try {
      checkReadiness({
        id: this.id,
        tokens: this.#tokens,
        ring: await this.#readForReadiness(),
        wholeRing: config.readinessCheckRingHealth,
        heartbeatTimeoutMs: config.heartbeatTimeoutMs,
        nowUnixMs: runtime.clock.unixMs(),
      });
    } catch (error) {
      this.#readySince = undefined;
      throw error;
    }
    const now = runtime.clock.now();
    this.#readySince ??= now;
    if (now - this.#readySince < config.minReadyDurationMs) {
      throw new NotReadyError(
        'waiting',
        `everything is fine; the instance is ready when it has been so for ${config.minReadyDurationMs} ms`,
      );
    }
    this.#ready = true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #readForReadiness(): Promise<RingDesc | undefined> {
    if (this.#tokens.isEmpty) {
      throw new NotReadyError('no-tokens', 'the instance holds no tokens yet', {
        cause: this.#joinFailure,
      });
    }
    try {
      return await this.#options.client.get(this.#options.key);
    } catch (error) {
      throw new NotReadyError('kv-error', 'the ring cannot be read from the KV store', {
        cause: error,
      });
    }
  }

  async #command<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new LifecyclerClosedError(this.#options.name);
    return await this.#serial.run(task);
  }

  async #loadTokens(): Promise<Tokens | undefined> {
    try {
      return await this.#options.tokensStore?.load();
    } catch (error) {
      this.#options.runtime.log.warn(
        { ring: this.#options.name, err: error },
        'stored tokens cannot be used, new ones will be taken',
      );
      return undefined;
    }
  }

  async #register(storedTokens: Tokens | undefined): Promise<void> {
    const { identity, config, client, key, runtime } = this.#options;
    const registrant = {
      ...identity,
      numTokens: config.numTokens,
      generator: this.#generator,
      random: runtime.random,
      storedTokens,
    };
    let entry: InstanceDesc | undefined;
    await client.cas(
      key,
      (ring = RingDesc.empty) => {
        const registration = register(ring, registrant, runtime.clock.unixMs());
        ({ entry } = registration);
        this.#state = registration.state;
        this.#lastSeen = ring.set(registration.entry);
        return registration.write ? this.#lastSeen : undefined;
      },
      this.#options.signal === undefined ? {} : { signal: this.#options.signal },
    );
    if (entry === undefined) return;
    this.#registeredUnixS = entry.registeredUnixS;
    this.#readOnly = entry.readOnly;
    this.#readOnlyUpdatedUnixS = entry.readOnlyUpdatedUnixS;
    await this.#adopt(entry);
    if (this.#state === 'ACTIVE') this.#active.resolve();
  }

  /** Takes tokens and becomes active, unless the instance is so already. Goes on until it succeeds or is stopped. */
  async #join(): Promise<void> {
    const { runtime, config, name } = this.#options;
    const { signal } = this.#stop;
    if (this.#state !== 'PENDING' || !(await this.#pause(config.joinAfterMs))) return;
    do {
      try {
        await this.#joinOnce(signal);
        this.#joinFailure = undefined;
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#joinFailure = error;
        runtime.log.error({ ring: name, err: error }, 'joining the ring failed, trying again');
      }
    } while (await this.#pause(JOIN_RETRY_MS));
  }

  /** Waits; false: the lifecycler is being closed. */
  async #pause(ms: number): Promise<boolean> {
    const { signal } = this.#stop;
    try {
      await sleep(this.#options.runtime, ms, { signal });
      return true;
    } catch (error) {
      if (!signal.aborted) throw error;
      return false;
    }
  }

  async #joinOnce(signal: AbortSignal): Promise<void> {
    const { runtime, config, client, key, name } = this.#options;
    const target = config.observePeriodMs > 0 ? 'JOINING' : 'ACTIVE';
    if (this.#state === 'PENDING') {
      await waitUntilCanJoin({ client, key, name, runtime, generator: this.#generator, signal });
      await this.#serial.run(() => this.#takeTokens(target));
    }
    while (this.#state === 'JOINING') {
      // A heartbeat meanwhile may find tokens missing, so what is expected is fixed now.
      const expected = this.#tokens;
      await sleep(runtime, config.observePeriodMs, { signal });
      await this.#serial.run(async () => {
        if (this.#state === 'JOINING' && (await this.#verifyTokens(expected))) {
          await this.#changeState('ACTIVE');
        }
      });
    }
  }

  async #takeTokens(target: 'JOINING' | 'ACTIVE'): Promise<void> {
    const { numTokens } = this.#options.config;
    if (this.#state !== 'PENDING') return;
    await this.#update('change', (ring, known) => {
      const own = known?.tokens ?? unclaimed(this.#tokens, ring, this.id);
      return {
        state: target,
        tokens: fillTokens(own, numTokens, { ring, generator: this.#generator }),
      };
    });
  }

  /** Whether the ring still holds the tokens that were taken; if not, others are taken in their place. */
  async #verifyTokens(expected: Tokens): Promise<boolean> {
    const { numTokens } = this.#options.config;
    let kept = false;
    await this.#update('change', (ring, known) => {
      kept = known?.tokens.equals(expected) === true;
      if (kept) return undefined;
      const own = known?.tokens ?? unclaimed(expected, ring, this.id);
      return { tokens: fillTokens(own, numTokens, { ring, generator: this.#generator }) };
    });
    return kept;
  }

  async #changeState(to: KnownInstanceState): Promise<void> {
    const from = this.#state;
    if (from === to) return;
    if (!TRANSITIONS.some(([a, b]) => a === from && b === to)) {
      throw new StateTransitionError(from, to);
    }
    this.#state = to;
    await this.#write('change');
    if (to === 'ACTIVE') this.#active.resolve();
  }

  async #claimTokensFor(id: string): Promise<Tokens> {
    let claimed = Tokens.none;
    await this.#update('change', (ring, known) => {
      const other = ring.get(id);
      if (other === undefined) throw new UnknownInstanceError(id, nearestIds(ring, id));
      claimed = other.tokens;
      return {
        tokens: (known?.tokens ?? this.#tokens).with(claimed),
        // The other entry keeps its stamp: its own next heartbeat must not be refused.
        ring: ring.set(other.with({ tokens: Tokens.none })),
      };
    });
    return claimed;
  }

  async #heartbeat(): Promise<void> {
    this.#metrics.heartbeats.inc();
    try {
      await this.#serial.run(() => this.#write('heartbeat'));
    } catch (error) {
      const { name, runtime } = this.#options;
      runtime.log.error(
        { ring: name, instance: this.id, err: error },
        'writing the heartbeat failed',
      );
    }
  }

  /** Writes the entry as this lifecycler knows it; tokens that an active instance has lost are replaced. R-46 */
  #write(kind: 'change' | 'heartbeat'): Promise<void> {
    return this.#update(kind, (ring, known) => {
      if (known === undefined) return { tokens: unclaimed(this.#tokens, ring, this.id) };
      const lost = this.#state === 'ACTIVE' ? countLost(this.#tokens, known.tokens) : 0;
      const wanted = known.tokens.size + lost;
      return { tokens: fillTokens(known.tokens, wanted, { ring, generator: this.#generator }) };
    });
  }

  /**
   * One CAS of the own entry. `decide` gets the ring and the entry in it and says what is new besides the fields
   * that this object knows; `undefined` leaves the ring as it is.
   */
  async #update(
    kind: 'change' | 'heartbeat',
    decide: (ring: RingDesc, known: InstanceDesc | undefined) => Decision | undefined,
  ): Promise<void> {
    const { client, key, runtime, identity } = this.#options;
    let written: InstanceDesc | undefined;
    await client.cas(key, (ring = RingDesc.empty) => {
      const known = ring.get(this.id);
      const nowUnixMs = runtime.clock.unixMs();
      const decision = decide(ring, known);
      written = undefined;
      if (decision === undefined) return undefined;
      const stored = Math.max(this.#lastStampUnixS, known?.heartbeatUnixS ?? 0);
      const entry = (known ?? InstanceDesc.of({ id: this.id })).with({
        addr: identity.addr,
        zone: identity.zone,
        state: decision.state ?? this.#state,
        tokens: decision.tokens,
        registeredUnixS: known === undefined ? Math.floor(nowUnixMs / 1000) : this.#registeredUnixS,
        readOnly: this.#readOnly,
        readOnlyUpdatedUnixS: this.#readOnlyUpdatedUnixS,
        heartbeatUnixS: nextStamp(nowUnixMs, stored),
      });
      if (
        kind === 'heartbeat' &&
        known !== undefined &&
        isTooFarAhead(entry.heartbeatUnixS, nowUnixMs) &&
        hasSameContent(known, entry)
      ) {
        return undefined;
      }
      written = entry;
      this.#lastSeen = (decision.ring ?? ring).set(entry);
      return this.#lastSeen;
    });
    if (written === undefined) return;
    this.#registeredUnixS = written.registeredUnixS;
    if (written.state !== 'UNKNOWN') this.#state = written.state;
    if (this.#state === 'ACTIVE') this.#active.resolve();
    await this.#adopt(written);
  }

  /** Takes over what was written: the stamp and the tokens, which are stored when they are new. */
  async #adopt(entry: InstanceDesc): Promise<void> {
    this.#lastStampUnixS = Math.max(this.#lastStampUnixS, entry.heartbeatUnixS);
    this.#tokens = entry.tokens;
    const { tokensStore, runtime, name } = this.#options;
    if (tokensStore === undefined || this.#tokens.equals(this.#storedTokens)) return;
    try {
      await tokensStore.store(this.#tokens);
      this.#storedTokens = this.#tokens;
    } catch (error) {
      runtime.log.error({ ring: name, err: error }, 'storing the tokens failed');
    }
  }

  async #close(): Promise<void> {
    const { runtime, config, name } = this.#options;
    this.#stop.abort(new LifecyclerClosedError(name));
    await this.#joining;
    this.#active.reject(new LifecyclerClosedError(name));
    try {
      if (this.#state === 'ACTIVE') await this.#serial.run(() => this.#changeState('LEAVING'));
    } catch (error) {
      runtime.log.error({ ring: name, err: error }, 'the state LEAVING could not be written');
    }
    if (this.shutdown.flush) await this.#flush();
    await sleep(runtime, config.finalSleepMs);
    await this.#heartbeats?.stop();
    if (this.shutdown.unregister) await this.#unregister();
    if (this.shutdown.clearTokens) await this.#clearTokens();
    this.#gone.abort();
  }

  async #flush(): Promise<void> {
    try {
      await this.#options.flush?.();
    } catch (error) {
      const { runtime, name } = this.#options;
      runtime.log.error({ ring: name, err: error }, 'flushing failed');
    }
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

  async #clearTokens(): Promise<void> {
    try {
      await this.#options.tokensStore?.delete();
    } catch (error) {
      const { runtime, name } = this.#options;
      runtime.log.error({ ring: name, err: error }, 'the stored tokens could not be deleted');
    }
  }
}

/** Waits for a promise, or for the signal. */
async function orAborted(wait: Deferred<void>, signal: AbortSignal | undefined): Promise<void> {
  const outcome = new Deferred<void>();
  using _link = onAbort(signal, () => {
    if (signal !== undefined) outcome.reject(abortReason(signal, 'waiting to become active'));
  });
  wait.promise.then(
    () => outcome.resolve(),
    (error: unknown) => outcome.reject(error),
  );
  await outcome.promise;
}

interface Decision {
  readonly tokens: Tokens;
  readonly state?: KnownInstanceState;
  /** Default: the ring as it was. */
  readonly ring?: RingDesc;
}
