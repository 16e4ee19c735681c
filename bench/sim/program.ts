// Simulates one cluster and tells what each phase cost, a line of JSON a phase.
import { argv, cpuUsage, memoryUsage, resourceUsage, stderr, stdout } from 'node:process';
import { SimCluster } from '@ml/sim';
import { PhaseProfiler } from './profiler.ts';
import type { PhaseCost, SimTask } from './protocol.ts';

const SEED = 1;
const START_SPREAD_MS = 1000;
const LIMIT_MS = 1_800_000;
const TELL_EVERY_MS = 60_000;
const CUT_OFF = 0.3;
const TOKENS = 128;
const HEARTBEAT_MS = 15_000;

const task: SimTask = JSON.parse(argv[2] ?? '');
const heldBefore = heldBytes();
let toldAt = performance.now();
const cluster = SimCluster.create({
  seed: SEED,
  nodes: Array.from({ length: task.nodes }, (_, number) => ({
    listed: number < (task.listed ?? task.nodes),
  })),
  mode: task.mode,
  ...(task.packets && { network: { mode: task.packets } }),
  config: {
    ring: { numTokens: TOKENS, heartbeatPeriodMs: HEARTBEAT_MS },
    memberlist: { kv: task.memberlist ?? {} },
  },
});

await phase('cold start', async () => {
  cluster.start({ spreadMs: START_SPREAD_MS });
  await untilConverged();
});
if (task.steadyS > 0) await phase('steady', () => runFor(task.steadyS));
if (task.partitionS > 0) {
  const names = cluster.nodes.map(({ name }) => name);
  const size = Math.round(names.length * CUT_OFF);
  const cut = cluster.partition(names.slice(0, size), names.slice(size));
  await phase('partition', () => runFor(task.partitionS));
  cut[Symbol.dispose]();
  await phase('heal', untilConverged);
}

/** Until every node runs and all views are equal, or the limit: whether they are is told with the phase. */
async function untilConverged(): Promise<void> {
  const end = cluster.now + LIMIT_MS;
  while (cluster.now < end && !isConverged()) await runFor(1);
}

async function runFor(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await cluster.runFor(1000);
    tellProgress();
  }
}

/** Long runs say now and then how far they are. */
function tellProgress(): void {
  if (performance.now() < toldAt + TELL_EVERY_MS) return;
  toldAt = performance.now();
  const seen = cluster.live.map(({ memberlist }) => memberlist?.memberCount ?? 0);
  const queued = cluster.live.reduce(
    (sum, { memberlist }) => sum + (memberlist?.queuedBroadcasts ?? 0),
    0,
  );
  const { user, system } = cpuUsage();
  const figures = [
    `${(cluster.now / 1000).toFixed(0)} virtual s`,
    `${((user + system) / 1e6).toFixed(0)} s of processor time`,
    `${seen.length} nodes see ${least(seen)} to ${most(seen)} members`,
    `${queued} messages wait`,
    `${(memoryUsage.rss() / 2 ** 30).toFixed(2)} GiB`,
  ];
  stderr.write(`${task.name}: ${figures.join(', ')}\n`);
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), task.nodes);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

function isConverged(): boolean {
  return cluster.live.length === task.nodes && cluster.converged();
}

async function phase(name: string, work: () => Promise<void>): Promise<void> {
  const profiler = task.profile ? new PhaseProfiler() : undefined;
  await profiler?.start();
  const before = reading();
  await work();
  const after = reading();
  const seen = cluster.live.map(({ memberlist }) => memberlist?.memberCount ?? 0);
  const hotSpots = (await profiler?.finish()) ?? [];
  const cost: PhaseCost = {
    phase: name,
    virtualS: after.virtualS - before.virtualS,
    wallS: after.wallS - before.wallS,
    cpuS: after.cpuS - before.cpuS,
    events: after.events - before.events,
    networkBytes: after.networkBytes - before.networkBytes,
    heldBytes: heldBytes() - heldBefore,
    peakBytes: resourceUsage().maxRSS * 1024,
    converged: isConverged(),
    fewestMembers: least(seen),
    mostMembers: most(seen),
    hotSpots,
  };
  stdout.write(`${JSON.stringify(cost)}\n`);
}

function reading(): Pick<PhaseCost, 'virtualS' | 'wallS' | 'cpuS' | 'events' | 'networkBytes'> {
  const { user, system } = cpuUsage();
  const { sentBytes, streamBytes } = cluster.network.totalTraffic();
  return {
    virtualS: cluster.now / 1000,
    wallS: performance.now() / 1000,
    cpuS: (user + system) / 1e6,
    events: cluster.runtime.executedEvents,
    networkBytes: sentBytes + streamBytes,
  };
}

function heldBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = memoryUsage();
  return heapUsed + external;
}
