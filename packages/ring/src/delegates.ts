import type { Logger } from '@ml/runtime';
import type { RingDesc } from './core/desc.ts';
import { InstanceDesc } from './core/instance.ts';
import type { KnownInstanceState } from './core/instance-state.ts';
import { fillTokens } from './core/own-tokens.ts';
import type { TokenGenerator } from './core/token-generator.ts';
import { Tokens } from './core/tokens.ts';
import type { InstanceIdentity } from './lifecycler-types.ts';
import type { TokensStore } from './tokens-store.ts';

/** What a delegate decides about at registration. */
export interface RegisterContext {
  readonly identity: InstanceIdentity;
  readonly ring: RingDesc;
  /** The entry of an earlier life. */
  readonly existing: InstanceDesc | undefined;
  readonly generator: TokenGenerator;
  readonly nowUnixMs: number;
}

/** What a delegate may do with the instance while it stops. */
export interface StoppingInstance {
  changeState(to: KnownInstanceState): Promise<void>;
}

/**
 * Decides what a basic lifecycler itself leaves open. Delegates form a chain, outer first. As
 * `BasicLifecyclerDelegate` in dskit. Synchronous methods run inside a CAS, perhaps several times: no side effects.
 */
export interface BasicLifecyclerDelegate {
  /** Runs once before registration; the place to read files. */
  prepare(): Promise<void>;
  /** State and tokens to register with. */
  onRegister(context: RegisterContext): {
    readonly state: KnownInstanceState;
    readonly tokens: Tokens;
  };
  /** The tokens are settled, or have changed since. */
  onTokens(tokens: Tokens): Promise<void>;
  /** What else a heartbeat changes in the ring. */
  onHeartbeat(ring: RingDesc, nowUnixMs: number): RingDesc;
  /** Runs while the instance stops, heartbeats going on. */
  onStopping(instance: StoppingInstance): Promise<void>;
}

/** Registers in a given state, with tokens of an earlier life topped up to a number; surplus ones are kept. End of a chain. */
export function instanceRegisterDelegate(
  state: KnownInstanceState,
  numTokens: number,
): BasicLifecyclerDelegate {
  return {
    prepare: async () => {},
    onRegister: ({ existing, ring, generator }) => {
      const own = existing?.tokens ?? Tokens.none;
      return { state, tokens: fillTokens(own, numTokens, { ring, generator }) };
    },
    onTokens: async () => {},
    onHeartbeat: (ring) => ring,
    onStopping: async () => {},
  };
}

/** Keeps tokens over restarts in which the ring forgets the instance. */
export function tokensPersistencyDelegate(
  options: {
    readonly store: TokensStore;
    /** The state that an earlier life is taken to have ended in. */
    readonly loadState: KnownInstanceState;
    readonly log: Logger;
  },
  next: BasicLifecyclerDelegate,
): BasicLifecyclerDelegate {
  const { store, loadState, log } = options;
  let stored: Tokens | undefined;
  return {
    ...next,
    prepare: async () => {
      try {
        stored = await store.load();
      } catch (error) {
        log.warn({ err: error }, 'stored tokens cannot be used, new ones will be taken');
      }
      await next.prepare();
    },
    onRegister: (context) => {
      const { existing, identity, nowUnixMs } = context;
      if (stored === undefined || existing?.tokens.isEmpty === false) {
        return next.onRegister(context);
      }
      const restored = InstanceDesc.of({
        ...identity,
        state: loadState,
        tokens: stored,
        heartbeatUnixS: Math.floor(nowUnixMs / 1000),
      });
      return next.onRegister({ ...context, existing: restored });
    },
    onTokens: async (tokens) => {
      try {
        await store.store(tokens);
      } catch (error) {
        log.error({ err: error }, 'storing the tokens failed');
      }
      await next.onTokens(tokens);
    },
  };
}

/** Changes the state to LEAVING before anything else happens at the end. */
export function leaveOnStoppingDelegate(
  log: Logger,
  next: BasicLifecyclerDelegate,
): BasicLifecyclerDelegate {
  return {
    ...next,
    onStopping: async (instance) => {
      try {
        await instance.changeState('LEAVING');
      } catch (error) {
        log.error({ err: error }, 'the state LEAVING could not be written');
      }
      await next.onStopping(instance);
    },
  };
}

/** Takes out of the ring, with each own heartbeat, the instances whose last heartbeat is older than `forgetMs`. */
export function autoForgetDelegate(
  options: { readonly forgetMs: number },
  next: BasicLifecyclerDelegate,
): BasicLifecyclerDelegate {
  return {
    ...next,
    onHeartbeat: (ring, nowUnixMs) => {
      const kept = ring.filter(
        (instance) => nowUnixMs - instance.heartbeatUnixS * 1000 <= options.forgetMs,
      );
      return next.onHeartbeat(kept, nowUnixMs);
    },
  };
}
