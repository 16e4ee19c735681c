import { GossipConfigError } from './errors.ts';

/** The parts of Lifeguard (arXiv 1707.00788), each of which may be switched off for experiments. All on by default. */
export interface LifeguardConfig {
  /** Local health: a node that suspects itself to be slow probes less often (§IV-A). */
  readonly awareness: boolean;
  /** The suspicion timeout starts long and shrinks with independent confirmations (§IV-B). */
  readonly dynamicSuspicion: boolean;
  /** A probe of a suspect carries the accusation, so that it can refute at once (§IV-C). */
  readonly buddy: boolean;
  /** Helpers of an indirect probe are asked to say when they got no answer either (§IV-A). */
  readonly nacks: boolean;
}

/** Bounds on what peers can make this node do or keep. */
export interface GossipLimits {
  /** Members in the table, dead and left ones included. Further names are ignored. Default 65536. */
  readonly maxMembers: number;
  /** Push/pulls answered at one time; the next is closed without an answer. Default 127, as in memberlist. */
  readonly maxPushPulls: number;
  /** Incoming streams at one time; the next is closed at once. Default 512. */
  readonly maxStreams: number;
  /** Bytes of incoming streams that wait to be complete, over all streams. Default 256 MiB. */
  readonly maxBufferedBytes: number;
  /** Refutations in a row; after that one per probe interval. Default 5. */
  readonly refutationBurst: number;
  /** Indirect pings per second that one peer may ask of us; twice as many at once. Default 10. */
  readonly indirectPingsPerS: number;
  /** Pings whose answer is awaited at one time, those for others included. Default 4096. */
  readonly maxPendingPings: number;
  /** Relay pings to known members only. Default false, as in memberlist. */
  readonly relayToMembersOnly: boolean;
}

/** How a node gossips. Always start from one of {@link gossipPresets}. All durations in milliseconds. */
export interface GossipConfig {
  /** Port of join addresses without one, and of members that announce port 0. Default 7946. */
  readonly bindPort: number;
  /** Protocol version to speak, 2 to 5; all of 1 to 5 are understood. Default 2. */
  readonly protocolVersion: number;
  /** The application's own protocol: smallest, largest and current version, 0 to 255. Default 0, 0, 0. */
  readonly delegateVersions: {
    readonly min: number;
    readonly max: number;
    readonly current: number;
  };
  /** Limit of each step on a stream: dialling, sending, waiting for the answer. As -memberlist.stream-timeout in dskit. */
  readonly streamTimeoutMs: number;
  /** Members asked to ping on our behalf when a ping is not answered. SWIM's k. */
  readonly indirectChecks: number;
  /** A broadcast is sent `retransmitMult × ceil(log10(n + 1))` times. As -memberlist.retransmit-factor in dskit. */
  readonly retransmitMult: number;
  /** The shortest suspicion is `suspicionMult × max(1, log10 n) × probeIntervalMs`. */
  readonly suspicionMult: number;
  /** The longest suspicion, as a multiple of the shortest. */
  readonly suspicionMaxTimeoutMult: number;
  /**
   * Count only living members when deciding how many confirmations a suspicion can get. Default false, as in
   * memberlist: there, members that died a moment ago count too, and the timeout of a shrinking cluster stays long.
   */
  readonly suspicionCountsOnlyAlive: boolean;
  /** Time between full exchanges, longer in clusters of more than 32. 0: none. As -memberlist.pullpush-interval in dskit. */
  readonly pushPullIntervalMs: number;
  /** Members per full exchange. Default 1. */
  readonly pushPullNodes: number;
  /** Time between probes. 0: no probing, and dead members are never forgotten. */
  readonly probeIntervalMs: number;
  /** Time for a direct ping before others are asked; also how long we try on behalf of others. */
  readonly probeTimeoutMs: number;
  /** Try a ping over a stream too when the direct ping is not answered. Of no use where packets travel on streams. */
  readonly streamPing: boolean;
  /** One more than the highest health score; a score s makes the probe interval s + 1 times as long. At least 1. */
  readonly awarenessMaxMultiplier: number;
  /** Time between rounds of gossip. 0: none. As -memberlist.gossip-interval in dskit. */
  readonly gossipIntervalMs: number;
  /** Members per round of gossip. As -memberlist.gossip-nodes in dskit. */
  readonly gossipNodes: number;
  /** How long dead members are gossiped to and remembered. As -memberlist.gossip-to-dead-nodes-time in dskit. */
  readonly gossipToTheDeadMs: number;
  /** After this time a dead member's name may be taken over from another address; 0: never. As -memberlist.dead-node-reclaim-time in dskit. */
  readonly deadNodeReclaimMs: number;
  /** Compress what we send; compressed messages are always understood. As -memberlist.compression-enabled in dskit. */
  readonly compression: boolean;
  /** Only nodes of one label talk to each other; empty: no label. At most 255 bytes. As -memberlist.cluster-label in dskit. */
  readonly label: string;
  /** Take messages of any label, or of none. As -memberlist.cluster-label-verification-disabled in dskit. */
  readonly skipInboundLabelCheck: boolean;
  /** Networks ("10.0.0.0/8") that members must be in; empty: all. */
  readonly cidrsAllowed: readonly string[];
  /** Spread the first probe and the first round of gossip over an interval. Default true. */
  readonly stagger: boolean;
  readonly lifeguard: LifeguardConfig;
  readonly limits: GossipLimits;
}

const lan: GossipConfig = {
  bindPort: 7946,
  protocolVersion: 2,
  delegateVersions: { min: 0, max: 0, current: 0 },
  streamTimeoutMs: 10_000,
  indirectChecks: 3,
  retransmitMult: 4,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  suspicionCountsOnlyAlive: false,
  pushPullIntervalMs: 30_000,
  pushPullNodes: 1,
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  streamPing: true,
  awarenessMaxMultiplier: 8,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  deadNodeReclaimMs: 0,
  compression: true,
  label: '',
  skipInboundLabelCheck: false,
  cidrsAllowed: [],
  stagger: true,
  lifeguard: { awareness: true, dynamicSuspicion: true, buddy: true, nacks: true },
  limits: {
    maxMembers: 65_536,
    maxPushPulls: 127,
    maxStreams: 512,
    maxBufferedBytes: 256 * 1024 * 1024,
    refutationBurst: 5,
    indirectPingsPerS: 10,
    maxPendingPings: 4096,
    relayToMembersOnly: false,
  },
};

/** memberlist's presets, and what dskit makes of its LAN preset. G-12. */
export const gossipPresets: {
  readonly lan: GossipConfig;
  readonly wan: GossipConfig;
  readonly local: GossipConfig;
  readonly dskit: GossipConfig;
} = {
  lan,
  wan: {
    ...lan,
    streamTimeoutMs: 30_000,
    suspicionMult: 6,
    pushPullIntervalMs: 60_000,
    probeIntervalMs: 5000,
    probeTimeoutMs: 3000,
    gossipIntervalMs: 500,
    gossipNodes: 4,
    gossipToTheDeadMs: 60_000,
  },
  local: {
    ...lan,
    streamTimeoutMs: 1000,
    indirectChecks: 1,
    retransmitMult: 2,
    suspicionMult: 3,
    pushPullIntervalMs: 15_000,
    probeTimeoutMs: 200,
    gossipIntervalMs: 100,
    gossipToTheDeadMs: 15_000,
  },
  dskit: {
    ...lan,
    streamTimeoutMs: 2000,
    probeIntervalMs: 5000,
    probeTimeoutMs: 2000,
    streamPing: false,
  },
};

const MAX_LABEL_BYTES = 255;

/** Settings that a timer or a counter must be able to hold: whole numbers, with their smallest and largest value. */
const RANGES = {
  bindPort: [1, 65_535],
  protocolVersion: [2, 5],
  streamTimeoutMs: [1, 86_400_000],
  indirectChecks: [0, 1000],
  retransmitMult: [1, 1000],
  suspicionMult: [1, 1000],
  suspicionMaxTimeoutMult: [1, 1000],
  pushPullIntervalMs: [0, 86_400_000],
  pushPullNodes: [1, 1000],
  probeIntervalMs: [0, 86_400_000],
  probeTimeoutMs: [1, 86_400_000],
  awarenessMaxMultiplier: [1, 1000],
  gossipIntervalMs: [0, 86_400_000],
  gossipNodes: [0, 1000],
  gossipToTheDeadMs: [0, 86_400_000],
  deadNodeReclaimMs: [0, Number.MAX_SAFE_INTEGER],
} as const satisfies Partial<Record<keyof GossipConfig, readonly [number, number]>>;

const LIMIT_MINIMUMS = {
  maxMembers: 1,
  maxPushPulls: 1,
  maxStreams: 1,
  maxBufferedBytes: 1,
  refutationBurst: 1,
  indirectPingsPerS: 1,
  maxPendingPings: 1,
} as const satisfies Partial<Record<keyof GossipLimits, number>>;

/** Throws a {@link GossipConfigError} that names everything wrong with `config`. `isNetwork` judges the CIDR blocks. */
export function checkGossipConfig(
  config: GossipConfig,
  isNetwork: (text: string) => boolean,
): void {
  const faults: string[] = [];
  for (const key of keysOf(RANGES)) {
    const [least, most] = RANGES[key];
    const value = config[key];
    if (!Number.isInteger(value) || value < least || value > most) {
      faults.push(`${key} is ${value}: use a whole number from ${least} to ${most}`);
    }
  }
  for (const key of keysOf(LIMIT_MINIMUMS)) {
    const value = config.limits[key];
    if (!Number.isInteger(value) || value < LIMIT_MINIMUMS[key]) {
      faults.push(`limits.${key} is ${value}: use a whole number from ${LIMIT_MINIMUMS[key]}`);
    }
  }
  const { min, max, current } = config.delegateVersions;
  if (![min, max, current].every((v) => Number.isInteger(v) && v >= 0 && v <= 255)) {
    faults.push(`delegateVersions are ${min}, ${max}, ${current}: use whole numbers from 0 to 255`);
  } else if (current < min || current > max) {
    faults.push(`delegateVersions.current is ${current}: it must lie between ${min} and ${max}`);
  }
  const labelBytes = new TextEncoder().encode(config.label).length;
  if (labelBytes > MAX_LABEL_BYTES) {
    faults.push(`label has ${labelBytes} bytes: the most is ${MAX_LABEL_BYTES}`);
  }
  for (const block of config.cidrsAllowed) {
    if (!isNetwork(block)) {
      faults.push(`cidrsAllowed has ${JSON.stringify(block)}: write a network as in 10.0.0.0/8`);
    }
  }
  if (faults.length > 0) throw new GossipConfigError(faults);
}

function keysOf<T extends object>(table: T): (keyof T)[] {
  const keys: (keyof T)[] = [];
  for (const key in table) keys.push(key);
  return keys;
}
