import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { PhaseCost, SimRun } from './protocol.ts';

const GIB = 2 ** 30;

interface Claim {
  readonly text: string;
  readonly found: string;
  /** Undefined: not measured, or a figure without a limit. */
  readonly holds: boolean | undefined;
}

/** Writes `bench/results/sim.md`. Returns how many claims were missed. */
export function writeSimReport(runs: readonly SimRun[]): number {
  const claims = claimsOf(runs);
  const verdict = ({ found, holds }: Claim): string => {
    if (found === '') return 'not measured';
    if (holds === undefined) return 'a figure, no limit';
    return holds ? 'holds' : 'MISSED';
  };
  const lines = [
    '# Speed and scale of the simulator',
    '',
    `- ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, ${(totalmem() / GIB).toFixed(0)} GiB`,
    '- `npx tsx bench/sim.ts`, which runs the built packages; each run in a process of its own, seed 1, nodes started',
    '  within one virtual second, a link of 0.2 to 1 ms, everything else as ml-server has it by default; members join',
    '  through one of three seeds, nodes with rings through every address that the DNS lists: three of 1,000, or all',
    '',
    'Times are processor time of the process, the garbage collector and the compiler included, so that other work on the',
    'machine counts less; the wall is told beside it. A cold start lasts until every node sees every node.',
    '',
    '## Claims',
    '',
    '| claim | found | |',
    '|---|---|---|',
    ...claims.map((claim) => `| ${claim.text} | ${claim.found} | ${verdict(claim)} |`),
    '',
    '## Runs',
    '',
    '| run | nodes | phase | members seen | virtual | processor | wall | events | events/s | virtual/processor | virtual/wall | network a node | held a node | peak |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...runs.filter(isPlain).flatMap((run) => run.phases.map((phase) => phaseRow(run, phase))),
    '',
    '`members seen`: by the node that sees fewest and by the one that sees most, at the end. `network a node`: bytes',
    'sent a node and virtual second. `held a node`: objects and buffers that live after a full collection at the end of',
    'the phase. `peak`: largest resident set of the process so far. Runs of which a profile was taken take longer.',
    '',
    ...growthLines(runs),
    '## Where the time goes',
    '',
    ...runs.flatMap((run) => run.phases.flatMap((phase) => hotSpotLines(run, phase))),
    '## Origin of each run',
    '',
    '| run | settings | date | commit | Node | load |',
    '|---|---|---|---|---|---|',
    ...runs.map(
      ({ task, date, commit, node, load }) =>
        `| ${task.name} | ${settings(task)} | ${date} | ${commit} | ${node} | ${load} |`,
    ),
  ];
  mkdirSync(new URL('../results', import.meta.url), { recursive: true });
  writeFileSync(new URL('../results/sim.md', import.meta.url), `${lines.join('\n')}\n`);
  return claims.filter(({ holds }) => holds === false).length;
}

function settings({ mode, packets, memberlist = {} }: SimRun['task']): string {
  const tcp = packets === 'tcp' || mode === 'full';
  const network = tcp ? 'packets on TCP' : 'datagrams of 1,400 bytes';
  const others = Object.entries(memberlist).map(([name, value]) => `${name} ${value}`);
  return [network, ...others].join(', ');
}

function isPlain({ task }: SimRun): boolean {
  return !task.name.startsWith('profile-');
}

function phaseOf(runs: readonly SimRun[], name: string, phase: string): PhaseCost | undefined {
  return runs
    .find(({ task }) => task.name === name)
    ?.phases.find((candidate) => candidate.phase === phase);
}

function claimsOf(runs: readonly SimRun[]): readonly Claim[] {
  const thousand = phaseOf(runs, 'members-1000', 'steady');
  const start = phaseOf(runs, 'members-5000', 'cold start');
  const cut = phaseOf(runs, 'members-5000', 'partition');
  const heal = phaseOf(runs, 'members-5000', 'heal');
  const longCut = phaseOf(runs, 'rings-300-cut', 'partition');
  const longHeal = phaseOf(runs, 'rings-300-cut', 'heal');
  const rings = phaseOf(runs, 'rings-100', 'steady');
  const many = phaseOf(runs, 'rings-1000', 'steady');
  return [
    limitClaim('1,000 members, 10 virtual minutes once all have joined, in 60 s', thousand, 60),
    {
      text: '5,000 members converge from a cold start, within 16 GiB',
      found: start === undefined ? '' : `${sized(start.peakBytes)}, all views equal: ${yes(start)}`,
      holds: fits(start),
    },
    {
      text: '5,000 members survive a partition of 30 %, within 16 GiB',
      found: cut && heal ? survived(cut, heal) : '',
      holds: fits(heal),
    },
    {
      text: '300 nodes with rings survive one that lasts until each side holds the other for dead',
      found: longCut && longHeal ? survived(longCut, longHeal) : '',
      holds: longCut && longHeal && longCut.mostMembers < 300 && longHeal.converged,
    },
    limitClaim('100 nodes with rings of 128 tokens, 10 virtual minutes, in 180 s', rings, 180),
    {
      text: '1,000 nodes with rings: seconds for a virtual second',
      found:
        many === undefined
          ? ''
          : `${(many.cpuS / many.virtualS).toFixed(1)} s of processor time, ${(many.wallS / many.virtualS).toFixed(1)} s of wall`,
      holds: undefined,
    },
  ];
}

function limitClaim(text: string, cost: PhaseCost | undefined, limitS: number): Claim {
  if (cost === undefined) return { text, found: '', holds: undefined };
  const found = `${cost.cpuS.toFixed(1)} s of processor time, ${cost.wallS.toFixed(1)} s of wall`;
  return { text, found, holds: cost.cpuS <= limitS };
}

/** Whether it came to equal views within the memory. */
function fits(cost: PhaseCost | undefined): boolean | undefined {
  return cost === undefined ? undefined : cost.converged && cost.peakBytes <= 16 * GIB;
}

function survived(cut: PhaseCost, heal: PhaseCost): string {
  const seen = `${cut.fewestMembers} to ${cut.mostMembers} members seen after ${cut.virtualS.toFixed(0)} s`;
  const after = `all views equal ${heal.virtualS.toFixed(0)} s after the heal: ${yes(heal)}`;
  return `${seen}, ${after}, ${sized(heal.peakBytes)}`;
}

function yes({ converged }: PhaseCost): string {
  return converged ? 'yes' : 'no';
}

function sized(bytes: number): string {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(2)} GiB`;
  return bytes >= 2 ** 20
    ? `${(bytes / 2 ** 20).toFixed(1)} MiB`
    : `${(bytes / 1024).toFixed(1)} KiB`;
}

function phaseRow({ task }: SimRun, cost: PhaseCost): string {
  const cells = [
    task.name,
    task.nodes,
    cost.phase,
    `${cost.fewestMembers} – ${cost.mostMembers}`,
    `${cost.virtualS.toFixed(0)} s`,
    `${cost.cpuS.toFixed(1)} s`,
    `${cost.wallS.toFixed(1)} s`,
    cost.events,
    (cost.events / cost.cpuS).toFixed(0),
    (cost.virtualS / cost.cpuS).toPrecision(3),
    (cost.virtualS / cost.wallS).toPrecision(3),
    // A phase that was over at once sent nothing.
    `${sized(cost.networkBytes / Math.max(1, cost.virtualS) / task.nodes)}/s`,
    sized(cost.heldBytes / task.nodes),
    sized(cost.peakBytes),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** How figures grow with the number of members, as the exponent between one size and the next. */
function growthLines(runs: readonly SimRun[]): readonly string[] {
  const sizes = runs
    .filter((run) => run.task.name.startsWith('members-'))
    .toSorted((a, b) => a.task.nodes - b.task.nodes);
  const figures: readonly (readonly [
    string,
    string,
    (cost: PhaseCost, nodes: number) => number,
  ])[] = [
    ['processor time of a cold start', 'cold start', ({ cpuS }) => cpuS],
    ['events of a cold start', 'cold start', ({ events }) => events],
    ['network bytes a node of a cold start', 'cold start', (cost, n) => cost.networkBytes / n],
    ['memory held a node after a cold start', 'cold start', (cost, n) => cost.heldBytes / n],
    [
      'processor time of a steady virtual second',
      'steady',
      ({ cpuS, virtualS }) => cpuS / virtualS,
    ],
    [
      'memory held a node at the end of the steady phase',
      'steady',
      (cost, n) => cost.heldBytes / n,
    ],
    [
      'network bytes a node and virtual second, steady',
      'steady',
      (cost, n) => cost.networkBytes / n / cost.virtualS,
    ],
  ];
  const steps = sizes.slice(1).map((to, i) => ({ from: sizes[i] ?? to, to }));
  const row = ([text, phase, figure]: (typeof figures)[number]): string => {
    const exponents = steps.map(({ from, to }) => {
      const low = from.phases.find((cost) => cost.phase === phase);
      const high = to.phases.find((cost) => cost.phase === phase);
      if (low === undefined || high === undefined) return '';
      const ratio = figure(high, to.task.nodes) / figure(low, from.task.nodes);
      return (Math.log(ratio) / Math.log(to.task.nodes / from.task.nodes)).toFixed(2);
    });
    return `| ${[text, ...exponents].join(' | ')} |`;
  };
  if (steps.length === 0) return [];
  const heads = steps.map(({ from, to }) => `${from.task.nodes} → ${to.task.nodes}`);
  return [
    '## Growth with the number of members',
    '',
    'The exponent e of nodes^e between one size and the next. After a cold start the queues of news drain for some',
    'virtual minutes more, which the steady phase of the larger sizes has in it.',
    '',
    `| figure | ${heads.join(' | ')} |`,
    `|---|${heads.map(() => '---|').join('')}`,
    ...figures.map(row),
    '',
  ];
}

function hotSpotLines({ task }: SimRun, { phase, hotSpots }: PhaseCost): readonly string[] {
  if (hotSpots.length === 0) return [];
  return [
    `${task.nodes} nodes, ${task.mode}, ${phase}: share of the processor time that a function took itself.`,
    '',
    '| share | function, file |',
    '|---|---|',
    ...hotSpots.map(({ where, share }) => `| ${(100 * share).toFixed(1)} % | ${where} |`),
    '',
  ];
}
