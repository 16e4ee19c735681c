/**
 * Speed and scale of the simulator: `npx tsx bench/sim.ts [--only name] [--quick]`, after a build. The 5,000 nodes take
 * more than an hour. The report has every run that was ever made here, each with its date and commit.
 */
import { parseArgs } from 'node:util';
import type { SimTask } from './sim/protocol.ts';
import { writeSimReport } from './sim/report.ts';
import { keptRun, runTask } from './sim/run-task.ts';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, quick: { type: 'boolean', default: false } },
});

const base = {
  packets: 'tcp',
  steadyS: 600,
  partitionS: 0,
  profile: false,
  heapMiB: 4096,
} as const;
const tasks: readonly SimTask[] = [
  { ...base, mode: 'membership', name: 'members-100', nodes: 100 },
  { ...base, mode: 'membership', name: 'members-1000', nodes: 1000 },
  {
    ...base,
    mode: 'membership',
    name: 'profile-members-1000',
    nodes: 1000,
    steadyS: 120,
    profile: true,
  },
  { ...base, mode: 'full', name: 'rings-100', nodes: 100 },
  { ...base, mode: 'full', name: 'profile-rings-100', nodes: 100, steadyS: 120, profile: true },
  {
    ...base,
    mode: 'full',
    name: 'rings-300',
    nodes: 300,
    listed: 3,
    steadyS: 30,
    profile: true,
  },
  // Long enough for each side to hold the other for dead, which is beyond what 5,000 members can be simulated for. Two
  // clusters that have lost each other only meet again where nodes rejoin.
  {
    ...base,
    mode: 'full',
    name: 'rings-300-cut',
    nodes: 300,
    listed: 3,
    steadyS: 0,
    partitionS: 200,
    memberlist: { rejoinIntervalMs: 60_000 },
  },
  {
    ...base,
    mode: 'full',
    name: 'rings-1000',
    nodes: 1000,
    listed: 3,
    steadyS: 15,
    profile: true,
    heapMiB: 12_288,
  },
  {
    ...base,
    mode: 'membership',
    name: 'members-5000',
    nodes: 5000,
    steadyS: 0,
    partitionS: 20,
    heapMiB: 14_336,
  },
];

if (values.quick) {
  await runTask({
    ...base,
    mode: 'membership',
    name: 'quick',
    nodes: 20,
    steadyS: 10,
    partitionS: 5,
    profile: true,
  });
} else {
  for (const task of tasks) if (task.name.includes(values.only)) await runTask(task);
  const runs = tasks.map(({ name }) => keptRun(name)).filter((run) => run !== undefined);
  const missed = writeSimReport(runs);
  if (missed > 0) {
    console.error(`${missed} claims were missed`);
    process.exitCode = 1;
  }
}
