// A cluster of ours beside the same cluster of dskit's nodes: latency, bytes, CPU and memory in the same minutes.
// Needs root (network namespaces), Go, and the packages' builds. Writes bench/results/cluster.md; exits with 1 when a
// claim does not hold.
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildKinds, describeVersions } from './cluster/kinds.ts';
import {
  type ClusterFigures,
  measureClusters,
  measureSingles,
  type Pair,
  type SingleFigures,
} from './cluster/measure.ts';
import { clusterRows, holds, type Row, singleRows, table } from './cluster/report.ts';

const RESULT = join(import.meta.dirname, 'results/cluster.md');

const { values: flags } = parseArgs({
  options: {
    nodes: { type: 'string', default: '20,50' },
    seconds: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '3' },
    heartbeats: { type: 'string', default: '30' },
  },
});

const options = {
  sizes: flags.nodes.split(',').map((size) => positive('nodes', size)),
  windowMs: positive('seconds', flags.seconds) * 1000,
  rounds: positive('rounds', flags.rounds),
  heartbeats: positive('heartbeats', flags.heartbeats),
};

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new RangeError(`--${name} takes whole numbers from 1 up, not ${JSON.stringify(text)}`);
  }
  return value;
}

async function measure(): Promise<readonly Row[]> {
  const kinds = await buildKinds();
  const { windowMs, heartbeats } = options;
  const clusters = new Map<number, Pair<ClusterFigures>[]>(options.sizes.map((size) => [size, []]));
  const largest = Math.max(...options.sizes);
  const singles: Pair<SingleFigures>[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const [nodes, results] of clusters) {
      process.stderr.write(`round ${round}: ${nodes} nodes\n`);
      results.push(await measureClusters(kinds, { nodes, heartbeats, windowMs }));
    }
    process.stderr.write(`round ${round}: one process of ${largest}\n`);
    singles.push(await measureSingles(kinds, { nodes: largest, windowMs }));
  }
  return [
    ...[...clusters].flatMap(([nodes, results]) => clusterRows(nodes, results)),
    ...singleRows(largest, singles),
  ];
}

function page(
  rows: readonly Row[],
  versions: Awaited<ReturnType<typeof describeVersions>>,
): string {
  const { commit, go, dskit, memberlist } = versions;
  const cpu = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const [load = 0] = loadavg();
  return `# A cluster of ours beside one of dskit's

Both sides run all nodes of a cluster in one process, each in a network namespace of its own, with default settings
and one instance of 128 tokens per node in one ring. Latency: the sides take turns, one heartbeat each, on a random
node; ${options.heartbeats} a round, seen by a watcher on each node. Load: both sides in the same windows, ${options.windowMs / 1000} s
idle and ${options.windowMs / 2000} s with heartbeats; bytes are what the loopback carried, TCP and IP headers included. One process:
a single node beside one process with all others, half a minute after its start. Each of the ${options.rounds} rounds starts
new clusters.

- machine: ${availableParallelism()} × ${cpu}, Linux ${release()}, load average ${load.toFixed(1)} at the end
- date: ${new Date().toISOString().slice(0, 16)}Z
- command: \`npx tsx bench/cluster.ts ${process.argv.slice(2).join(' ')}\`
- ours: commit ${commit}, Node ${process.version}
- dskit: ${dskit}, ${memberlist}, ${go}

${table(rows)}
`;
}

// Asked first: the checkout may move on while a long run lasts.
const versions = await describeVersions();
const rows = await measure();
const text = page(rows, versions);
await mkdir(join(RESULT, '..'), { recursive: true });
await writeFile(RESULT, text);
process.stdout.write(text);
if (!rows.every(holds)) process.exitCode = 1;
