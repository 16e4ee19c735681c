import { setTimeout as sleep } from 'node:timers/promises';
import type { Kind, Kinds } from './kinds.ts';
import { Program } from './program.ts';

/** Tokens of each instance: what Pyroscope's ingesters have. */
const TOKENS = 128;
/** The ring's default heartbeat. */
const HEARTBEAT_MS = 15_000;
/** A heartbeat that was not seen everywhere by then waits for a push/pull; it counts as missed. */
const CAS_LIMIT_MS = 5000;
/** Between two heartbeats of one cluster, at least: the packets of the one before are through by then. */
const CAS_PAUSE_MS = 700;
/** After a change of what the nodes do: its packets are through by then. */
const SETTLE_MS = 3000;
/** A process that has just started is still compiling and tidying up after its start. */
const WARM_MS = 30_000;

/** What one cluster was measured to do. */
export interface ClusterFigures {
  /** Per heartbeat: until the last node saw it. Heartbeats that some node missed are left out. */
  readonly allMs: readonly number[];
  /** Per heartbeat and node other than its own. */
  readonly nodeMs: readonly number[];
  /** Nodes that saw a heartbeat late, by a push/pull. */
  readonly missed: number;
  readonly idle: Load;
  readonly heartbeats: Load;
}

/** Load of one node, averaged over a window. */
export interface Load {
  readonly bytesPerSecond: number;
  readonly packetsPerSecond: number;
  readonly cpuSecondsPerMinute: number;
  readonly dropped: number;
  /** What the nodes were given to spread: the sides compare only where this is equal. */
  readonly beatsPerMinute: number;
}

/** One process with one node of a cluster. */
export interface SingleFigures {
  readonly cpuSecondsPerMinute: number;
  readonly residentBytes: number;
  readonly bareBytes: number;
}

/** The same figures of both sides, measured in the same minutes. */
export interface Pair<T> {
  readonly go: T;
  readonly ours: T;
}

/**
 * One round: a fresh cluster of each kind, heartbeats in turns, then both idle, then both with heartbeats. The idle
 * window is `windowMs` long, which should be a minute or a multiple: push/pulls make most of its bytes, and above 32
 * nodes each node has one a minute. The window with heartbeats is half as long.
 */
export async function measureClusters(
  kinds: Kinds,
  options: { readonly nodes: number; readonly heartbeats: number; readonly windowMs: number },
): Promise<Pair<ClusterFigures>> {
  const { nodes, heartbeats, windowMs } = options;
  await using go = await startCluster(kinds.go, nodes);
  await using ours = await startCluster(kinds.ours, nodes);
  const latency = await measureLatency({ go, ours }, nodes, heartbeats);
  await sleep(SETTLE_MS);
  const idle = await measureLoad({ go, ours }, nodes, windowMs);
  await both({ go, ours }, (program) => program.ask({ do: 'heartbeat', everyMs: HEARTBEAT_MS }));
  await sleep(SETTLE_MS);
  const beating = await measureLoad({ go, ours }, nodes, windowMs / 2);
  return {
    go: { ...latency.go, idle: idle.go, heartbeats: beating.go },
    ours: { ...latency.ours, idle: idle.ours, heartbeats: beating.ours },
  };
}

/** One node in a process of its own, in an idle cluster of `nodes` of its kind; both kinds side by side. */
export async function measureSingles(
  kinds: Kinds,
  options: { readonly nodes: number; readonly windowMs: number },
): Promise<Pair<SingleFigures>> {
  const { nodes, windowMs } = options;
  await using go = await startSingle(kinds.go, nodes);
  await using ours = await startSingle(kinds.ours, nodes);
  const singles = { go: go.single, ours: ours.single };
  await sleep(WARM_MS);
  const load = await measureLoad(singles, 1, windowMs);
  const resident = await both(singles, (program) => program.residentBytes());
  const bare = await both(kinds, async (kind) => {
    await using program = Program.start(kind.bare);
    await sleep(1000);
    return await program.residentBytes();
  });
  const figures = (side: 'go' | 'ours'): SingleFigures => ({
    cpuSecondsPerMinute: load[side].cpuSecondsPerMinute,
    residentBytes: resident[side],
    bareBytes: bare[side],
  });
  return { go: figures('go'), ours: figures('ours') };
}

async function startCluster(kind: Kind, nodes: number): Promise<Program> {
  const program = Program.start(kind.nodes);
  await program.ask({ do: 'start', first: 0, count: nodes, total: nodes, join: '' });
  await program.ask({ do: 'register', tokens: TOKENS, total: nodes });
  return program;
}

async function startSingle(
  kind: Kind,
  nodes: number,
): Promise<AsyncDisposable & { readonly single: Program }> {
  const others = Program.start(kind.nodes);
  const count = nodes - 1;
  const { seed = '' } = await others.ask({ do: 'start', first: 1, count, total: count, join: '' });
  const single = Program.start(kind.nodes, others);
  await single.ask({ do: 'start', first: 0, count: 1, total: nodes, join: seed });
  await others.ask({ do: 'register', tokens: TOKENS, total: count });
  await single.ask({ do: 'register', tokens: TOKENS, total: nodes });
  return {
    single,
    [Symbol.asyncDispose]: async () => {
      await single[Symbol.asyncDispose]();
      await others[Symbol.asyncDispose]();
    },
  };
}

type Latency = Pick<ClusterFigures, 'allMs' | 'nodeMs' | 'missed'>;

/** The sides take turns, one heartbeat each, on a random node: the same one on both sides. */
async function measureLatency(
  programs: Pair<Program>,
  nodes: number,
  heartbeats: number,
): Promise<Pair<Latency>> {
  await both(programs, (program) => program.ask({ do: 'watch', on: true }));
  await sleep(SETTLE_MS);
  const go = new LatencySamples(nodes);
  const ours = new LatencySamples(nodes);
  for (let i = 0; i < heartbeats; i += 1) {
    const node = Math.floor(Math.random() * nodes);
    await go.take(programs.go, node);
    await sleep(CAS_PAUSE_MS * (0.5 + Math.random()) * 0.5);
    await ours.take(programs.ours, node);
    await sleep(CAS_PAUSE_MS * (0.5 + Math.random()) * 0.5);
  }
  await both(programs, (program) => program.ask({ do: 'watch', on: false }));
  return { go, ours };
}

class LatencySamples implements Latency {
  readonly allMs: number[] = [];
  readonly nodeMs: number[] = [];
  missed: number = 0;
  readonly #nodes: number;

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  async take(program: Program, node: number): Promise<void> {
    const { visibleMs = [] } = await program.ask({ do: 'cas', node, timeoutMs: CAS_LIMIT_MS });
    const sorted = visibleMs.toSorted((a, b) => a - b);
    const missing = this.#nodes - sorted.length;
    this.missed += missing;
    // The first is the node itself.
    this.nodeMs.push(...sorted.slice(1));
    if (missing === 0) this.allMs.push(sorted.at(-1) ?? Number.NaN);
  }
}

/** What one node of each side does on average, both sides in the same window. */
async function measureLoad(
  programs: Pair<Program>,
  nodes: number,
  windowMs: number,
): Promise<Pair<Load>> {
  const before = await both(programs, counters);
  await sleep(windowMs);
  const after = await both(programs, counters);
  const load = (side: 'go' | 'ours'): Load => {
    const rate = (name: keyof Counters): number => {
      const seconds = after[side].atS - before[side].atS;
      return (after[side][name] - before[side][name]) / seconds / nodes;
    };
    return {
      bytesPerSecond: rate('bytes'),
      packetsPerSecond: rate('packets'),
      cpuSecondsPerMinute: rate('cpuS') * 60,
      dropped: after[side].dropped - before[side].dropped,
      beatsPerMinute: rate('beats') * 60,
    };
  };
  return { go: load('go'), ours: load('ours') };
}

interface Counters {
  readonly atS: number;
  readonly bytes: number;
  readonly beats: number;
  readonly packets: number;
  readonly dropped: number;
  readonly cpuS: number;
}

async function counters(program: Program): Promise<Counters> {
  const { cpuMs = 0, beats = 0, packets = 0, dropped = 0 } = await program.ask({ do: 'usage' });
  const { bytes } = await program.wire();
  return { atS: performance.now() / 1000, bytes, beats, packets, dropped, cpuS: cpuMs / 1000 };
}

async function both<A, B>(sides: Pair<A>, run: (side: A) => Promise<B>): Promise<Pair<B>> {
  const [go, ours] = await Promise.all([run(sides.go), run(sides.ours)]);
  return { go, ours };
}
