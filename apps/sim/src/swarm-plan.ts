import { assert, type Random, seededRandom } from '@ml/runtime';
import { DNS_FAULTS, type DnsFault } from './dns.ts';
import type { NodeMode } from './sim-node.ts';

/** One node of a plan. Its name begins with that of its cluster. */
export interface PlannedNode {
  readonly name: string;
  readonly cluster: string;
  readonly zone: string;
  /** Present for a node that runs an earlier version, or one that was configured before the others. */
  readonly old?: PlannedOldNode | undefined;
}

/** In what old nodes differ from the rest. */
export interface PlannedOldNode {
  readonly protocolVersion: number;
  readonly compression: boolean;
}

/** What is done to a cluster in a plan, in virtual milliseconds after all nodes were told to start. */
export type PlannedFault =
  | {
      readonly type: 'kill';
      readonly atMs: number;
      readonly forMs: number;
      readonly node: string;
      readonly address: 'same' | 'new';
      readonly disk: 'kept' | 'lost';
    }
  /** Leaves in good order; never comes back when `forMs` is 0. */
  | { readonly type: 'stop'; readonly atMs: number; readonly forMs: number; readonly node: string }
  | { readonly type: 'pause'; readonly atMs: number; readonly forMs: number; readonly node: string }
  | {
      readonly type: 'slow';
      readonly atMs: number;
      readonly forMs: number;
      readonly node: string;
      readonly turnMs: number;
    }
  | {
      readonly type: 'skew';
      readonly atMs: number;
      readonly forMs: number;
      readonly node: string;
      readonly byMs: number;
    }
  /** Two-way, one-way from the first group, or all but one bridge that reaches both. */
  | {
      readonly type: 'cut';
      readonly atMs: number;
      readonly forMs: number;
      readonly shape: 'split' | 'oneWay' | 'bridge';
      readonly side: readonly string[];
    }
  | {
      readonly type: 'flap';
      readonly atMs: number;
      readonly forMs: number;
      readonly side: readonly string[];
      readonly everyMs: number;
    }
  | {
      readonly type: 'network';
      readonly atMs: number;
      readonly forMs: number;
      readonly link: PlannedLink;
    }
  | {
      readonly type: 'dns';
      readonly atMs: number;
      readonly forMs: number;
      readonly node: string;
      readonly fault: DnsFault;
    };

/** Links of a plan. No bits are flipped: checksums below take such packets out, and what came through would be believed. */
export interface PlannedLink {
  readonly latencyMs: readonly [number, number];
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
}

/** Settings that a plan draws. */
export interface PlannedKnobs {
  readonly preset: 'lan' | 'dskit';
  readonly gossipIntervalMs: number;
  readonly gossipNodes: number;
  readonly pushPullIntervalMs: number;
  readonly gossipToTheDeadMs: number;
  readonly rejoinIntervalMs: number;
  readonly randomizeNodeName: boolean;
  readonly compression: boolean;
  readonly replicationFactor: number;
  readonly zoneAware: boolean;
  readonly keepTokens: boolean;
}

/** Everything a run of the swarm does. The same plan gives the same run; plain data, so it can be kept in a file. */
export interface SwarmPlan {
  readonly seed: number;
  readonly mode: NodeMode;
  readonly network: 'datagram' | 'tcp';
  readonly nodes: readonly PlannedNode[];
  readonly link: PlannedLink;
  readonly knobs: PlannedKnobs;
  /** One CAS each so often while faults go on; 0: none. */
  readonly writeEveryMs: number;
  /** Faults begin in this time, and all are over at its end. */
  readonly faultsMs: number;
  readonly faults: readonly PlannedFault[];
}

/** Most plans run gossip alone: these are cheap, and much of what can go wrong is there. */
const MEMBERSHIP_SHARE = 0.6;
/** In so many plans some of the nodes are old. */
const MIXED_SHARE = 0.25;
/** Of these, each node is old with this probability. */
const OLD_SHARE = 0.4;
const MAX_FAULTS = 10;
const MIN_FAULTS_MS = 20_000;
const MAX_FAULTS_MS = 180_000;

/** Draws a plan: the size, the network, the settings, the faults and their times all follow from the seed. */
export function drawPlan(seed: number): SwarmPlan {
  const random = seededRandom(seed).fork('swarm plan');
  const mode: NodeMode = random.float() < MEMBERSHIP_SHARE ? 'membership' : 'full';
  const nodes = withOldNodes(random.fork('old nodes'), drawNodes(random.fork('nodes'), mode));
  const faultsMs = between(random, MIN_FAULTS_MS, MAX_FAULTS_MS);
  const network = mode === 'full' && random.float() < 0.7 ? 'tcp' : 'datagram';
  const link = drawLink(random.fork('link'), network === 'tcp' ? 0.02 : 0.05);
  const drawer = random.fork('faults');
  const faults = Array.from({ length: 1 + drawer.int(MAX_FAULTS) }, () =>
    drawFault(drawer, { mode, nodes, faultsMs }),
  );
  return {
    seed,
    mode,
    network,
    nodes,
    link,
    knobs: drawKnobs(random.fork('knobs'), mode),
    writeEveryMs: mode === 'full' ? pick(random, [0, 500, 2000, 5000]) : 0,
    faultsMs,
    faults: faults.toSorted((a, b) => a.atMs - b.atMs),
  };
}

function drawNodes(random: Random, mode: NodeMode): readonly PlannedNode[] {
  const zones = pick(random, [1, 1, 2, 3]);
  const main = mode === 'full' ? 3 + random.int(8) : 3 + random.int(18);
  const other = random.float() < 0.25 ? 2 + random.int(3) : 0;
  const group = (cluster: string, count: number): readonly PlannedNode[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `${cluster}-${index}`,
      cluster,
      zone: zones === 1 ? '' : `zone-${index % zones}`,
    }));
  return [...group('main', main), ...group('other', other)];
}

/** Makes some nodes old, in some plans. */
function withOldNodes(random: Random, nodes: readonly PlannedNode[]): readonly PlannedNode[] {
  if (random.float() >= MIXED_SHARE) return nodes;
  return nodes.map((node) => {
    if (random.float() >= OLD_SHARE) return node;
    const old = { protocolVersion: pick(random, [2, 3, 4]), compression: random.float() < 0.5 };
    return { ...node, old };
  });
}

function drawLink(random: Random, maxLoss: number): PlannedLink {
  const least = random.float() * 20;
  const often = (share: number): number => (random.float() < 0.5 ? 0 : random.float() * share);
  return {
    latencyMs: [least, least + random.float() * 60],
    loss: often(maxLoss),
    duplicate: often(0.05),
    reorder: often(0.1),
  };
}

function drawKnobs(random: Random, mode: NodeMode): PlannedKnobs {
  return {
    preset: mode === 'full' || random.float() < 0.3 ? 'dskit' : 'lan',
    gossipIntervalMs: pick(random, [100, 200, 200, 500]),
    gossipNodes: pick(random, [2, 3, 3, 4]),
    pushPullIntervalMs: pick(random, [10_000, 30_000, 30_000]),
    gossipToTheDeadMs: pick(random, [15_000, 30_000, 30_000]),
    rejoinIntervalMs: pick(random, [15_000, 30_000, 60_000]),
    randomizeNodeName: random.float() < 0.7,
    compression: random.float() < 0.5,
    replicationFactor: pick(random, [1, 2, 3, 3]),
    zoneAware: random.float() < 0.5,
    keepTokens: random.float() < 0.5,
  };
}

const FAULT_TYPES = [
  'kill',
  'kill',
  'stop',
  'pause',
  'pause',
  'slow',
  'skew',
  'cut',
  'cut',
  'flap',
  'network',
  'dns',
] as const;

function drawFault(
  random: Random,
  { mode, nodes, faultsMs }: Pick<SwarmPlan, 'mode' | 'nodes' | 'faultsMs'>,
): PlannedFault {
  const atMs = between(random, 0, faultsMs * 0.8);
  const forMs = between(random, 500, faultsMs - atMs);
  const node = pick(random, nodes).name;
  const side = random
    .shuffle(nodes)
    .slice(0, 1 + random.int(Math.max(1, nodes.length - 1)))
    .map(({ name }) => name);
  const type = pick(random, FAULT_TYPES);
  switch (type) {
    case 'kill': {
      const address = random.float() < 0.7 ? 'same' : 'new';
      return { type, atMs, forMs, node, address, disk: random.float() < 0.7 ? 'kept' : 'lost' };
    }
    case 'stop':
      return { type, atMs, forMs: random.float() < 0.4 ? 0 : forMs, node };
    case 'slow':
      return { type, atMs, forMs, node, turnMs: between(random, 1, 60) };
    case 'skew':
      return { type, atMs, forMs, node, byMs: between(random, -120_000, 120_000) };
    case 'cut':
      return { type, atMs, forMs, shape: pick(random, ['split', 'oneWay', 'bridge']), side };
    case 'flap':
      return { type, atMs, forMs, side, everyMs: between(random, 500, 8000) };
    case 'network':
      return { type, atMs, forMs, link: drawLink(random, 0.4) };
    case 'dns':
      if (mode === 'membership') return { type: 'pause', atMs, forMs, node };
      return { type, atMs, forMs, node, fault: pick(random, DNS_FAULTS) };
    default:
      return { type: 'pause', atMs, forMs, node };
  }
}

function between(random: Random, least: number, most: number): number {
  return Math.round(least + random.float() * Math.max(0, most - least));
}

function pick<T>(random: Random, choices: readonly T[]): T {
  const [chosen] = choices.slice(random.int(choices.length));
  assert(chosen !== undefined, 'there is something to choose from');
  return chosen;
}
