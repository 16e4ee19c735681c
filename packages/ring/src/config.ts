import {
  bool,
  durationMs,
  int,
  oneOf,
  option,
  type SectionOf,
  section,
  string,
  stringList,
} from '@ml/runtime/config';
import type { BasicLifecyclerConfig } from './basic-lifecycler.ts';
import type { LifecyclerConfig } from './lifecycler-types.ts';
import type { RingConfig } from './ring.ts';

/** Whether a node takes part in its ring, or only reads it. */
export type RingMode = 'member' | 'observer';

/** Which lifecycler a member runs. */
export type LifecyclerKind = 'classic' | 'basic';

/** The ring of a node and its place in it. Durations in milliseconds. */
export interface RingBlockConfig {
  /** Names the ring in logs, metrics and pages. */
  readonly name: string;
  /** Put before the key in the KV store. */
  readonly prefix: string;
  readonly key: string;
  readonly mode: RingMode;
  /** Whole keys of further rings to read. */
  readonly observe: readonly string[];
  readonly replicationFactor: number;
  readonly zoneAwarenessEnabled: boolean;
  readonly excludedZones: readonly string[];
  readonly heartbeatTimeoutMs: number;
  /** Empty: the host's name. */
  readonly instanceId: string;
  /** Empty: the first usable address of {@link instanceInterfaceNames}. */
  readonly instanceAddr: string;
  /** 0: the port the node serves at. */
  readonly instancePort: number;
  /** Empty: the interfaces with private addresses. */
  readonly instanceInterfaceNames: readonly string[];
  readonly instanceEnableIpv6: boolean;
  readonly instanceAvailabilityZone: string;
  readonly lifecycler: LifecyclerKind;
  readonly numTokens: number;
  readonly heartbeatPeriodMs: number;
  readonly joinAfterMs: number;
  readonly observePeriodMs: number;
  readonly minReadyDurationMs: number;
  readonly finalSleepMs: number;
  /** Empty: tokens are not kept. */
  readonly tokensFilePath: string;
  readonly unregisterOnShutdown: boolean;
  readonly readinessCheckRingHealth: boolean;
}

const advanced = { category: 'advanced' } as const;

/** The `-ring.*` flags of a node. Defaults as those of dskit's lifecycler, except the replication factor of 1. R-50 */
export const ringConfig: SectionOf<RingBlockConfig> = section({
  name: option(string(), {
    flag: 'ring.name',
    default: 'ml',
    help: 'Name of the ring in logs, metrics and pages.',
  }),
  prefix: option(string(), {
    flag: 'ring.prefix',
    default: 'collectors/',
    ...advanced,
    help: 'Put before the key of the ring in the KV store; should end with a slash.',
  }),
  key: option(string(), {
    flag: 'ring.key',
    default: 'ml-ring',
    help: 'Key of the ring in the KV store. Members of one ring use the same prefix and key.',
  }),
  mode: option(oneOf('member', 'observer'), {
    flag: 'ring.mode',
    default: 'member',
    help: 'member: take tokens and serve keys. observer: read the ring without being in it.',
  }),
  observe: option(stringList(), {
    flag: 'ring.observe',
    default: [],
    help: 'Whole key of another ring to read, prefix included; may be given several times. An observer is about the first.',
  }),
  replicationFactor: option(int({ min: 1 }), {
    flag: 'ring.replication-factor',
    default: 1,
    help: 'How many instances hold each key.',
  }),
  zoneAwarenessEnabled: option(bool(), {
    flag: 'ring.zone-awareness-enabled',
    default: false,
    help: 'Place the replicas of a key in different availability zones.',
  }),
  excludedZones: option(stringList({ splitCommas: true }), {
    flag: 'ring.excluded-zones',
    default: [],
    ...advanced,
    help: 'Zones whose instances are left out of the ring, separated by commas.',
  }),
  heartbeatTimeoutMs: option(durationMs({ min: 0 }), {
    flag: 'ring.heartbeat-timeout',
    default: '1m',
    ...advanced,
    help: 'An instance whose heartbeat is older is unhealthy; 0 for never.',
  }),
  instanceId: option(string(), {
    flag: 'ring.instance-id',
    default: '',
    defaultText: '<hostname>',
    help: 'Name of this instance in the ring; must be unique there.',
  }),
  instanceAddr: option(string(), {
    flag: 'ring.instance-addr',
    default: '',
    ...advanced,
    help: 'IP address to announce; by default one of the interfaces below.',
  }),
  instancePort: option(int({ min: 0, max: 65535 }), {
    flag: 'ring.instance-port',
    default: 0,
    ...advanced,
    help: 'Port to announce; 0 for the port the node serves at.',
  }),
  instanceInterfaceNames: option(stringList(), {
    flag: 'ring.instance-interface-names',
    default: [],
    defaultText: '[<private network interfaces>]',
    help: 'Network interface to take the announced address from; may be given several times.',
  }),
  instanceEnableIpv6: option(bool(), {
    flag: 'ring.instance-enable-ipv6',
    default: false,
    ...advanced,
    help: 'Announce an IPv6 address where there is no better IPv4 address.',
  }),
  instanceAvailabilityZone: option(string(), {
    flag: 'ring.instance-availability-zone',
    default: '',
    help: 'Availability zone of this instance.',
  }),
  lifecycler: option(oneOf('classic', 'basic'), {
    flag: 'ring.lifecycler',
    default: 'classic',
    ...advanced,
    help: 'classic: PENDING, JOINING, ACTIVE, LEAVING, with readiness. basic: ACTIVE at once.',
  }),
  numTokens: option(int({ min: 0 }), {
    flag: 'ring.num-tokens',
    default: 128,
    ...advanced,
    help: 'Tokens of this instance; more of them spread keys more evenly.',
  }),
  heartbeatPeriodMs: option(durationMs({ min: 0 }), {
    flag: 'ring.heartbeat-period',
    default: '5s',
    ...advanced,
    help: 'Time between heartbeats; 0 for none.',
  }),
  joinAfterMs: option(durationMs({ min: 0 }), {
    flag: 'ring.join-after',
    default: '0s',
    ...advanced,
    help: 'Wait before taking tokens.',
  }),
  observePeriodMs: option(durationMs({ min: 0 }), {
    flag: 'ring.observe-period',
    default: '0s',
    ...advanced,
    help: 'How long new tokens are watched for conflicts before the instance becomes active; 0 for not at all.',
  }),
  minReadyDurationMs: option(durationMs({ min: 0 }), {
    flag: 'ring.min-ready-duration',
    default: '15s',
    ...advanced,
    help: 'How long the instance must have been fine before it is ready.',
  }),
  finalSleepMs: option(durationMs({ min: 0 }), {
    flag: 'ring.final-sleep',
    default: '0s',
    ...advanced,
    help: 'How long to stay in state LEAVING before the instance is taken out of the ring.',
  }),
  tokensFilePath: option(string(), {
    flag: 'ring.tokens-file-path',
    default: '',
    help: 'File that keeps the tokens over restarts; none if empty.',
  }),
  unregisterOnShutdown: option(bool(), {
    flag: 'ring.unregister-on-shutdown',
    default: true,
    ...advanced,
    help: 'Take the instance out of the ring when the node stops.',
  }),
  readinessCheckRingHealth: option(bool(), {
    flag: 'ring.readiness-check-ring-health',
    default: true,
    ...advanced,
    help: 'Be ready only when every instance of the ring is fine, not just this one.',
  }),
});

/** The whole key of the ring in the KV store. */
export function ringKeyOf(block: RingBlockConfig): string {
  return block.prefix + block.key;
}

/** The part of the block that {@link createRing} takes. */
export function ringConfigOf(block: RingBlockConfig): RingConfig {
  const { replicationFactor, zoneAwarenessEnabled, excludedZones, heartbeatTimeoutMs } = block;
  return { replicationFactor, zoneAwarenessEnabled, excludedZones, heartbeatTimeoutMs };
}

/** The part of the block that {@link createLifecycler} takes. */
export function lifecyclerConfigOf(block: RingBlockConfig): LifecyclerConfig {
  return {
    numTokens: block.numTokens,
    heartbeatPeriodMs: block.heartbeatPeriodMs,
    heartbeatTimeoutMs: block.heartbeatTimeoutMs,
    joinAfterMs: block.joinAfterMs,
    observePeriodMs: block.observePeriodMs,
    minReadyDurationMs: block.minReadyDurationMs,
    finalSleepMs: block.finalSleepMs,
    unregisterOnShutdown: block.unregisterOnShutdown,
    readinessCheckRingHealth: block.readinessCheckRingHealth,
  };
}

/** The part of the block that {@link createBasicLifecycler} takes. */
export function basicLifecyclerConfigOf(block: RingBlockConfig): BasicLifecyclerConfig {
  return {
    numTokens: block.numTokens,
    heartbeatPeriodMs: block.heartbeatPeriodMs,
    tokensObservePeriodMs: block.observePeriodMs,
    keepInstanceInTheRingOnShutdown: !block.unregisterOnShutdown,
  };
}
