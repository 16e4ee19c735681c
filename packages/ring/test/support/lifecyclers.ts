import { memoryMetrics } from '@ml/metrics';
import { defaultsOf } from '@ml/runtime/config';
import { VirtualRuntime } from '@ml/runtime/virtual';
import {
  type BasicLifecyclerConfig,
  type BasicLifecyclerOptions,
  InstanceDesc,
  type InstanceInit,
  type LifecyclerConfig,
  type LifecyclerOptions,
  lifecyclerConfigOf,
  RingDesc,
  ringConfig,
  Tokens,
} from '../../src/index.ts';
import { GossipedKv } from './gossiped-kv.ts';

export const key = 'collectors/ring';

/** Where the virtual clock stands at first, in Unix seconds. */
export const startUnixS = 1_700_000_000;

/** The defaults of the flags, with few tokens. */
export const defaults: LifecyclerConfig = {
  ...lifecyclerConfigOf(defaultsOf(ringConfig)),
  numTokens: 4,
  minReadyDurationMs: 0,
};

export const basicDefaults: BasicLifecyclerConfig = {
  numTokens: 4,
  heartbeatPeriodMs: 15_000,
  tokensObservePeriodMs: 0,
  keepInstanceInTheRingOnShutdown: false,
};

export interface World {
  readonly runtime: VirtualRuntime;
  readonly kv: GossipedKv;
  /** Runs a promise to its end in virtual time. */
  settle<T>(promise: Promise<T>, limitMs?: number): Promise<T>;
  /** Seconds since the start. */
  readonly seconds: number;
  /** The entry now. */
  entry(id?: string): InstanceDesc | undefined;
  /** Puts an entry in, as another process would have left it. */
  put(...instances: readonly InstanceInit[]): void;
}

export function world(seed = 1): World {
  const runtime = new VirtualRuntime({ seed, startUnixMs: startUnixS * 1000 });
  const kv = new GossipedKv(runtime);
  return {
    runtime,
    kv,
    settle: async (promise, limitMs = 60_000) => {
      let over = false;
      const end = (): void => {
        over = true;
      };
      promise.then(end, end);
      await runtime.runUntil(() => over, { limitMs });
      return await promise;
    },
    get seconds() {
      return runtime.now / 1000;
    },
    entry: (id = 'a') => kv.stored(key)?.get(id),
    put: (...instances) =>
      kv.receive(key, RingDesc.of(instances.map((one) => InstanceDesc.of(one)))),
  };
}

/** Options of a classic lifecycler of instance `a`. */
export function classic(
  { runtime, kv }: World,
  config: Partial<LifecyclerConfig> = {},
  more: Partial<LifecyclerOptions> = {},
): LifecyclerOptions {
  return {
    name: 'test',
    key,
    identity: { id: 'a', addr: '10.0.0.1:80', zone: 'z1' },
    config: { ...defaults, ...config },
    client: kv,
    runtime,
    metrics: memoryMetrics(),
    ...more,
  };
}

/** Options of a basic lifecycler of instance `a`. */
export function basic(
  { runtime, kv }: World,
  delegate: BasicLifecyclerOptions['delegate'],
  config: Partial<BasicLifecyclerConfig> = {},
): BasicLifecyclerOptions {
  return {
    name: 'test',
    key,
    identity: { id: 'a', addr: '10.0.0.1:80', zone: 'z1' },
    config: { ...basicDefaults, ...config },
    client: kv,
    delegate,
    runtime,
    metrics: memoryMetrics(),
  };
}

/** Tokens as a plain list. */
export function list(tokens: Tokens | undefined): readonly number[] {
  return Array.from(tokens ?? Tokens.none);
}
