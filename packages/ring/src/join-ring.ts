import type { Codec, KvClient } from '@ml/kv';
import type { Registerer } from '@ml/metrics';
import type { Runtime } from '@ml/runtime';
import { defaultsOf } from '@ml/runtime/config';
import { ringCodec } from './codec.ts';
import { lifecyclerConfigOf, ringConfig, ringConfigOf } from './config.ts';
import type { RingDesc } from './core/desc.ts';
import type { TokenGenerator } from './core/token-generator.ts';
import { createLifecycler } from './lifecycler.ts';
import type { InstanceIdentity, Lifecycler, LifecyclerConfig } from './lifecycler-types.ts';
import { createRing, type Ring, type RingConfig } from './ring.ts';
import type { TokensStore } from './tokens-store.ts';

export interface JoinRingOptions {
  /** The store that members share, whose codecs include {@link ringCodec}: a `MemberlistKv`, for example. */
  readonly kv: { client(codec: Codec<RingDesc>): KvClient<RingDesc> };
  /** The whole key in the store, `collectors/ring` for example. All members of a ring use the same. */
  readonly key: string;
  /** Names the ring in logs and metrics. Default: the key. */
  readonly name?: string;
  /** Who joins, under which address. */
  readonly identity: InstanceIdentity;
  readonly runtime: Runtime;
  /** What differs from the defaults of dskit, see `ringConfig`. */
  readonly config?: Partial<RingConfig & LifecyclerConfig>;
  readonly metrics?: Registerer | undefined;
  /** Default: random tokens. */
  readonly tokenGenerator?: TokenGenerator;
  /** Where tokens survive a restart without an entry in the ring. Default: nowhere. */
  readonly tokensStore?: TokensStore;
  /** Runs while the instance is leaving: hand over or flush what it holds. */
  readonly flush?: () => Promise<void>;
  /** Gives up joining; nothing is left behind then but what the store already holds. */
  readonly signal?: AbortSignal;
}

/** An instance in a ring, and the ring around it. */
export interface RingMembership extends AsyncDisposable {
  readonly ring: Ring;
  readonly lifecycler: Lifecycler;
  /** Leaves the ring, then stops following it. */
  close(): Promise<void>;
}

/**
 * Joins a ring and follows it: what most programs need, in one call. Resolves when the instance is active.
 * @throws {JoinRingError | RingOptionsError | KvClosedError}
 */
export async function joinRing(options: JoinRingOptions): Promise<RingMembership> {
  const { kv, key, runtime, metrics, identity, signal } = options;
  const client = kv.client(ringCodec);
  const defaults = defaultsOf(ringConfig);
  const given = signal === undefined ? {} : { signal };
  const common = { name: options.name ?? key, key, client, runtime, metrics, ...given };
  const ring = await createRing({
    ...common,
    config: { ...ringConfigOf(defaults), ...options.config },
  });
  let lifecycler: Lifecycler | undefined;
  try {
    lifecycler = await createLifecycler({
      ...common,
      identity,
      config: { ...lifecyclerConfigOf(defaults), ...options.config },
      tokenGenerator: options.tokenGenerator,
      tokensStore: options.tokensStore,
      flush: options.flush,
    });
    await lifecycler.waitActive(given);
  } catch (error) {
    await lifecycler?.close();
    await ring.close();
    throw error;
  }
  return new JoinedRing(ring, lifecycler);
}

class JoinedRing implements RingMembership {
  readonly ring: Ring;
  readonly lifecycler: Lifecycler;

  constructor(ring: Ring, lifecycler: Lifecycler) {
    this.ring = ring;
    this.lifecycler = lifecycler;
  }

  async close(): Promise<void> {
    try {
      await this.lifecycler.close();
    } finally {
      await this.ring.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
