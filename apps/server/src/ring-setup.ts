import { type KvClient, type MemberlistKv, meteredKv } from '@ml/kv';
import { type Registerer, withPrefix } from '@ml/metrics';
import {
  type BasicLifecycler,
  type BasicLifecyclerDelegate,
  basicLifecyclerConfigOf,
  createAutoForget,
  createBasicLifecycler,
  createLifecycler,
  createRing,
  type InstanceIdentity,
  instanceRegisterDelegate,
  type Lifecycler,
  leaveOnStoppingDelegate,
  lifecyclerConfigOf,
  type Ring,
  type RingBlockConfig,
  type RingDesc,
  ringCodec,
  ringConfigOf,
  ringKeyOf,
  type TokensStore,
  tokensPersistencyDelegate,
} from '@ml/ring';
import type { Runtime } from '@ml/runtime';
import { type Address, formatAddress } from '@ml/transport';

/**
 * A basic lifecycler forgets others whose heartbeat is this many timeouts old, as the rings of Pyroscope, but never more
 * than a third of the ring at once: then rather its own clock is wrong. S-32
 */
const AUTO_FORGET_TIMEOUTS = 10;

/** A ring by its name in logs, metrics and pages, and by its whole key in the store. */
export interface RingName {
  readonly name: string;
  readonly key: string;
}

/** What rings are set up with. */
export interface RingSetup {
  readonly config: RingBlockConfig;
  readonly kv: Pick<MemberlistKv, 'client'>;
  readonly runtime: Runtime;
  readonly metrics: Registerer;
  readonly signal: AbortSignal | undefined;
}

/**
 * The ring that a node is about: the one of the configuration, or for an observer the first that it was told to observe.
 * S-40
 */
export function ownRingOf(config: RingBlockConfig): RingName {
  const [first] = config.observe;
  if (config.mode === 'member' || first === undefined) {
    return { name: config.name, key: ringKeyOf(config) };
  }
  return { name: shortName(config, first), key: first };
}

/** What pages call the ring of a key: the key without the configured prefix. */
export function shortName({ prefix }: RingBlockConfig, key: string): string {
  return key.startsWith(prefix) && key !== prefix ? key.slice(prefix.length) : key;
}

/** Follows the node's own ring. */
export async function followOwnRing(setup: RingSetup): Promise<Ring> {
  return await follow(setup, ownRingOf(setup.config));
}

/** Follows the further rings of the configuration, each under its key as name. */
export async function followObservedRings(setup: RingSetup): Promise<readonly Ring[]> {
  const own = ownRingOf(setup.config);
  const keys = [...new Set(setup.config.observe)].filter((key) => key !== own.key);
  return await Promise.all(keys.map((key) => follow(setup, { name: key, key })));
}

async function follow(setup: RingSetup, ring: RingName): Promise<Ring> {
  const { config, runtime, metrics, signal } = setup;
  return await createRing({
    ...ring,
    config: ringConfigOf(config),
    client: client(setup, `${ring.name}-ring`),
    runtime,
    metrics,
    ...(signal && { signal }),
  });
}

/** Who registers, and where its tokens are kept. */
export interface Registrant {
  readonly hostname: string;
  /** Stands in for an instance address or port that is not configured. */
  readonly address: Address;
  readonly tokensStore: TokensStore | undefined;
}

/** Registers the node in its ring with the lifecycler of the configuration; an observer registers nothing. */
export async function registerInRing(
  setup: RingSetup,
  registrant: Registrant,
): Promise<Lifecycler | BasicLifecycler | undefined> {
  const { config, runtime, metrics, signal } = setup;
  if (config.mode === 'observer') return undefined;
  const { tokensStore } = registrant;
  const common = {
    name: config.name,
    key: ringKeyOf(config),
    identity: identityOf(config, registrant),
    client: client(setup, `${config.name}-lifecycler`),
    runtime,
    metrics,
    ...(signal && { signal }),
  };
  if (config.lifecycler === 'classic') {
    return await createLifecycler({ ...common, config: lifecyclerConfigOf(config), tokensStore });
  }
  return await createBasicLifecycler({
    ...common,
    config: basicLifecyclerConfigOf(config),
    delegate: delegates(setup, registrant),
  });
}

/** The chain of Pyroscope's basic rings: forget, keep tokens, leave, register as ACTIVE. */
function delegates(
  { config, runtime }: RingSetup,
  { hostname, tokensStore: store }: Registrant,
): BasicLifecyclerDelegate {
  const { log } = runtime;
  const register = instanceRegisterDelegate('ACTIVE', config.numTokens);
  const leave = leaveOnStoppingDelegate(log, register);
  const tokens =
    store === undefined
      ? leave
      : tokensPersistencyDelegate({ store, loadState: 'ACTIVE', log }, leave);
  const { heartbeatTimeoutMs, replicationFactor } = config;
  if (heartbeatTimeoutMs === 0) return tokens;
  const autoForget = createAutoForget({
    instanceId: instanceIdOf(config, hostname),
    heartbeatTimeoutMs,
    timeouts: AUTO_FORGET_TIMEOUTS,
    replicationFactor,
    runtime,
  });
  return autoForget.delegate(tokens);
}

function identityOf(config: RingBlockConfig, { hostname, address }: Registrant): InstanceIdentity {
  const host = config.instanceAddr === '' ? address.host : config.instanceAddr;
  const port = config.instancePort === 0 ? address.port : config.instancePort;
  return {
    id: instanceIdOf(config, hostname),
    addr: formatAddress({ host, port }),
    zone: config.instanceAvailabilityZone,
  };
}

function instanceIdOf({ instanceId }: RingBlockConfig, hostname: string): string {
  return instanceId === '' ? hostname : instanceId;
}

function client({ kv, runtime, metrics }: RingSetup, kvName: string): KvClient<RingDesc> {
  return meteredKv(kv.client(ringCodec), {
    metrics: withPrefix(metrics, '', { kv_name: kvName }),
    clock: runtime.clock,
    type: 'memberlist',
    role: 'primary',
  });
}
