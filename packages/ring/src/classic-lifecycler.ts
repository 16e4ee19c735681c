import { abortReason, Deferred, onAbort, sleep } from '@ml/runtime';
import type { RingDesc } from './core/desc.ts';
import type { KnownInstanceState } from './core/instance-state.ts';
import { nearestIds } from './core/nearest.ts';
import { fillTokens, unclaimed } from './core/own-tokens.ts';
import { checkReadiness } from './core/readiness.ts';
import { type RingSummary, summarise } from './core/ring-summary.ts';
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
import { OwnEntry, type WriteKind } from './own-entry.ts';
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
  readonly #entry: OwnEntry;
  readonly #metrics: LifecyclerMetrics;
  readonly #serial = new Serial();
  /** Ends joining and waiting. */
  readonly #stop = new AbortController();
  /** Ends the metrics' hold on this object. */
  readonly #gone = new AbortController();
  readonly #active = new Deferred<void>();
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
    this.#entry = new OwnEntry({ ...options, generator: this.#generator });
    this.shutdown = {
      flush: true,
      unregister: options.config.unregisterOnShutdown,
      clearTokens: false,
    };
    this.#metrics = registerLifecyclerMetrics(options.metrics, {
      name,
      readOnly: () => this.#entry.readOnly,
      signal: this.#gone.signal,
    });
    // Nobody has to wait for it.
    this.#active.promise.catch(() => {});
  }

  get id(): string {
    return this.#options.identity.id;
  }

  get state(): KnownInstanceState {
    return this.#entry.state;
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
    try {
      const { config, signal } = this.#options;
      await this.#entry.register(config.numTokens, signal);
      this.#noteState();
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
    return summarise(this.#entry.lastSeen, {
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
      if (readOnly === this.#entry.readOnly) return;
      this.#entry.readOnly = readOnly;
      this.#entry.readOnlyUpdatedUnixS = Math.floor(this.#options.runtime.clock.unixMs() / 1000);
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
        tokens: this.#entry.tokens,
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
    if (this.#entry.tokens.isEmpty) {
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

  /** Takes tokens and becomes active, unless the instance is so already. Goes on until it succeeds or is stopped. */
  async #join(): Promise<void> {
    const { runtime, config, name } = this.#options;
    const { signal } = this.#stop;
    if (this.#entry.state !== 'PENDING' || !(await this.#pause(config.joinAfterMs))) return;
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
    if (this.#entry.state === 'PENDING') {
      await waitUntilCanJoin({ client, key, name, runtime, generator: this.#generator, signal });
      await this.#serial.run(() => this.#takeTokens(target));
    }
    while (this.#entry.state === 'JOINING') {
      // A heartbeat meanwhile may find tokens missing, so what is expected is fixed now.
      const expected = this.#entry.tokens;
      await sleep(runtime, config.observePeriodMs, { signal });
      await this.#serial.run(async () => {
        if (this.#entry.state === 'JOINING' && (await this.#verifyTokens(expected))) {
          await this.#changeState('ACTIVE');
        }
      });
    }
  }

  async #takeTokens(target: 'JOINING' | 'ACTIVE'): Promise<void> {
    const { numTokens } = this.#options.config;
    if (this.#entry.state !== 'PENDING') return;
    await this.#update((ring, known) => {
      const own = known?.tokens ?? unclaimed(this.#entry.tokens, ring, this.id);
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
    await this.#update((ring, known) => {
      kept = known?.tokens.equals(expected) === true;
      if (kept) return undefined;
      const own = known?.tokens ?? unclaimed(expected, ring, this.id);
      return { tokens: fillTokens(own, numTokens, { ring, generator: this.#generator }) };
    });
    return kept;
  }

  async #changeState(to: KnownInstanceState): Promise<void> {
    const from = this.#entry.state;
    if (from === to) return;
    if (!TRANSITIONS.some(([a, b]) => a === from && b === to)) {
      throw new StateTransitionError(from, to);
    }
    this.#entry.state = to;
    await this.#write('change');
  }

  async #claimTokensFor(id: string): Promise<Tokens> {
    let claimed = Tokens.none;
    await this.#update((ring, known) => {
      const other = ring.get(id);
      if (other === undefined) throw new UnknownInstanceError(id, nearestIds(ring, id));
      claimed = other.tokens;
      return {
        tokens: (known?.tokens ?? this.#entry.tokens).with(claimed),
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

  async #write(kind: WriteKind): Promise<void> {
    await this.#entry.write(kind);
    this.#noteState();
  }

  async #update(decide: Parameters<OwnEntry['update']>[1]): Promise<void> {
    await this.#entry.update('change', decide);
    this.#noteState();
  }

  #noteState(): void {
    if (this.state === 'ACTIVE') this.#active.resolve();
  }

  async #close(): Promise<void> {
    const { runtime, config, name } = this.#options;
    this.#stop.abort(new LifecyclerClosedError(name));
    await this.#joining;
    this.#active.reject(new LifecyclerClosedError(name));
    try {
      if (this.#entry.state === 'ACTIVE')
        await this.#serial.run(() => this.#changeState('LEAVING'));
    } catch (error) {
      runtime.log.error({ ring: name, err: error }, 'the state LEAVING could not be written');
    }
    if (this.shutdown.flush) await this.#flush();
    await sleep(runtime, config.finalSleepMs);
    await this.#heartbeats?.stop();
    if (this.shutdown.unregister) await this.#serial.run(() => this.#entry.unregister());
    if (this.shutdown.clearTokens) await this.#entry.clearStoredTokens();
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
