import type { KvClient } from '@ml/kv';
import type { Registerer } from '@ml/metrics';
import type { Runtime } from '@ml/runtime';
import type { RingDesc } from './core/desc.ts';
import type { KnownInstanceState } from './core/instance-state.ts';
import type { RingSummary } from './core/ring-summary.ts';
import type { TokenGenerator } from './core/token-generator.ts';
import type { Tokens } from './core/tokens.ts';
import type { TokensStore } from './tokens-store.ts';

/** Behaviour of a classic lifecycler. As `ring.LifecyclerConfig` in dskit; the configuration section holds the defaults. */
export interface LifecyclerConfig {
  /** Tokens to hold. */
  readonly numTokens: number;
  /** Time between heartbeats, in milliseconds; 0: none. */
  readonly heartbeatPeriodMs: number;
  /** From what age a heartbeat counts as stale in readiness checks, in milliseconds; 0: never. */
  readonly heartbeatTimeoutMs: number;
  /** Wait before joining, in milliseconds. */
  readonly joinAfterMs: number;
  /** How long new tokens are watched for conflicts before the instance becomes active, in milliseconds; 0: not at all. */
  readonly observePeriodMs: number;
  /** How long everything must have been fine before the instance is ready, in milliseconds. */
  readonly minReadyDurationMs: number;
  /** How long to stay, leaving, before the entry is taken out, in milliseconds. */
  readonly finalSleepMs: number;
  /** Whether the entry is taken out of the ring at the end. */
  readonly unregisterOnShutdown: boolean;
  /** Whether readiness asks for the whole ring to be healthy, or only for the own instance. */
  readonly readinessCheckRingHealth: boolean;
}

/** Who an instance is. */
export interface InstanceIdentity {
  /** Unique in the ring. */
  readonly id: string;
  /** `host:port` that others should dial, already resolved. */
  readonly addr: string;
  /** Availability zone; empty: none. */
  readonly zone: string;
}

export interface LifecyclerOptions {
  /** Names the ring in logs and metrics. */
  readonly name: string;
  /** The whole key in the KV store. */
  readonly key: string;
  readonly identity: InstanceIdentity;
  readonly config: LifecyclerConfig;
  readonly client: KvClient<RingDesc>;
  readonly runtime: Runtime;
  readonly metrics?: Registerer | undefined;
  /** Default: random tokens. */
  readonly tokenGenerator?: TokenGenerator | undefined;
  /** Where tokens survive a restart without an entry in the ring. Default: nowhere. */
  readonly tokensStore?: TokensStore | undefined;
  /** Runs while the instance is leaving, heartbeats going on: hand over or flush what it holds. */
  readonly flush?: (() => Promise<void>) | undefined;
  /** Gives up the registration. */
  readonly signal?: AbortSignal;
}

/** What happens at the end of a lifecycler's life; may be changed while it runs. */
export interface ShutdownChoices {
  flush: boolean;
  unregister: boolean;
  clearTokens: boolean;
}

/**
 * Keeps one instance in a ring: registers it, takes tokens, makes it active, writes heartbeats, and takes it out
 * again. Owns the state machine PENDING → (JOINING →) ACTIVE → LEAVING. As `ring.Lifecycler` in dskit.
 */
export interface Lifecycler extends AsyncDisposable {
  readonly id: string;
  readonly state: KnownInstanceState;
  readonly tokens: Tokens;
  readonly readOnly: boolean;
  /** Unix seconds, 0: never. */
  readonly readOnlyUpdatedUnixS: number;
  /** Unix seconds. */
  readonly registeredUnixS: number;
  /** What {@link close} will do. */
  readonly shutdown: ShutdownChoices;
  /** The ring as of the last own write. */
  summary(): RingSummary;
  /** Resolves when the instance is active for the first time. Rejects when it is closed before. */
  waitActive(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Changes the state and writes it. When only the write fails the next heartbeat carries the new state.
   * @throws {StateTransitionError | LifecyclerClosedError}
   */
  changeState(to: KnownInstanceState): Promise<void>;
  /** Sets or clears read-only, and writes it; setting it again changes nothing. @throws {LifecyclerClosedError} */
  changeReadOnly(readOnly: boolean): Promise<void>;
  /**
   * Resolves once the instance has been ready; from then on always.
   * @throws {NotReadyError} what is missing
   */
  checkReady(): Promise<void>;
  /**
   * Takes over all tokens of another instance, which should be leaving: otherwise conflict resolution may undo it.
   * @throws {UnknownInstanceError | LifecyclerClosedError}
   */
  claimTokensFor(id: string): Promise<Tokens>;
  /** Leaves: LEAVING, {@link LifecyclerOptions.flush}, the final sleep, then out of the ring as configured. */
  close(): Promise<void>;
}
