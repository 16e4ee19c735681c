/** Rings beside dskit's and beside the npm package hashring: `npx tsx bench/ring.ts [--quick] [--only name]`. */
import { execFileSync } from 'node:child_process';
import { buildGoPeer, startGoPeer } from './lib/go-peer.ts';
import type { Claim } from './lib/pair.ts';
import { writeReport } from './lib/report.ts';
import { readOptions, runClaims, settle, startOurs } from './lib/run-claims.ts';
import { compileWorkers, workerArgs } from './lib/workers.ts';
import type { Turns } from './workers/turns.ts';

const small = { instances: 100, tokens: 128 } as const;
const large = { instances: 1000, tokens: 512 } as const;

interface Floor {
  readonly zones: number;
  readonly none: number;
}

/** One claim for each ring, with three zones and without. */
function everywhere(
  bench: string,
  floor: Floor,
  more: { readonly peerBench?: string; readonly params?: Claim['params'] } = {},
): readonly Claim[] {
  const { params, ...rest } = more;
  return [small, large].flatMap((size) =>
    [3, 0].map((zones) => ({
      ...rest,
      bench,
      params: { ...size, zones, ...params },
      atLeast: zones > 0 ? floor.zones : floor.none,
    })),
  );
}

/** One claim for each ring, by its size. */
function each(bench: string, floors: { readonly small: number; readonly large: number }): Claim[] {
  return [3, 0].flatMap((zones) => [
    { bench, params: { ...small, zones }, atLeast: floors.small },
    { bench, params: { ...large, zones }, atLeast: floors.large },
  ]);
}

const lookUps: readonly Claim[] = [
  ...everywhere('ring.get', { zones: 15, none: 6 }),
  ...everywhere('ring.getInto', { zones: 20, none: 8 }, { peerBench: 'ring.get' }),
  ...everywhere('ring.getBatch', { zones: 50, none: 50 }, { params: { keys: 10_000 } }),
  ...everywhere('ring.replicationSetFor', { zones: 50, none: 50 }),
  ...everywhere('ring.shuffleShard.cached', { zones: 10, none: 10 }, { params: { size: 30 } }),
  ...everywhere('ring.shuffleShard.cachedGet', { zones: 8, none: 8 }, { params: { size: 30 } }),
  ...everywhere('ring.shuffleShard.uncached', { zones: 1.5, none: 1.5 }, { params: { size: 9 } }),
];

const changes: readonly Claim[] = [
  ...each('ring.tokenVisible', { small: 8, large: 8 }),
  ...each('ring.heartbeatVisible', { small: 20, large: 20 }),
  ...each('ring.mergeHeartbeat', { small: 1, large: 1 }),
  ...each('ring.mergeToken', { small: 8, large: 10 }),
  ...each('kv.applyMessage', { small: 1.5, large: 1.5 }),
  ...each('kv.cas', { small: 2, large: 20 }),
];

const states: readonly Claim[] = [
  ...each('ring.decodeMergeNothingNew', { small: 8, large: 8 }),
  ...each('ring.decode', { small: 1, large: 1 }),
  ...each('ring.encode', { small: 1, large: 1 }),
];

const besideHashRing: readonly Claim[] = [
  {
    bench: 'ring.place',
    peerBench: 'hashring.place',
    params: { ...large, tokens: 160, zones: 0 },
    atLeast: 4,
  },
  {
    bench: 'ring.change',
    peerBench: 'hashring.change',
    params: { ...large, tokens: 160, zones: 0 },
    atLeast: 10,
  },
];

/** What a script of workers/ prints as JSON in a process of its own. */
function ownProcess(script: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, workerArgs(script, ...args), { encoding: 'utf8' });
}

function memoryNotes(): readonly string[] {
  const bytes: Readonly<Record<string, number>> = JSON.parse(ownProcess('memory'));
  const shown = Object.entries(bytes).map(
    ([name, count]) => `${name.replaceAll('_', ' ')} ${(count / 1e6).toFixed(1)} MB`,
  );
  return [`Memory of 1000 instances with 512 tokens: ${shown.join(', ')} (9 instances a tenant).`];
}

/** How long a turn of the event loop may take while a ring changes, in milliseconds. */
const turnLimits = [
  { instances: 300, tokens: 128, maxMs: 10 },
  { instances: 1000, tokens: 512, maxMs: 40 },
] as const;

/** The longest turns beside their limits, as a table; `missed` counts those above. */
function turnNotes(): { readonly notes: readonly string[]; readonly missed: number } {
  const notes = [
    '',
    'The longest turn of the event loop while a ring changes, of ten times each, in a process that called `warmUpRing` at',
    'its start.',
    '',
    '| change | instances | tokens | first | median | longest | claimed | |',
    '|---|---|---|---|---|---|---|---|',
  ];
  let missed = 0;
  for (const { instances, tokens, maxMs } of turnLimits) {
    const measured: readonly Turns[] = JSON.parse(
      ownProcess('turns', String(instances), String(tokens)),
    );
    for (const turns of measured) {
      const holds = turns.maxMs <= maxMs;
      if (!holds) missed += 1;
      const [first, median, longest] = [turns.firstMs, turns.medianMs, turns.maxMs].map(
        (ms) => `${ms.toFixed(1)} ms`,
      );
      notes.push(
        `| ${turns.what} | ${instances} | ${tokens} | ${first} | ${median} | ${longest} | ≤ ${maxMs} ms | ${holds ? 'holds' : 'MISSED'} |`,
      );
    }
  }
  return { notes, missed };
}

const options = readOptions();
compileWorkers();
const peers = buildGoPeer();
const results = [
  ...(await runClaims([...lookUps, ...changes, ...states], startGoPeer, options)),
  ...(await runClaims(besideHashRing, startOurs, options)),
];
const wanted = (name: string): boolean => name.includes(options.only);
const turns = wanted('ring.turns') ? turnNotes() : { notes: [], missed: 0 };
const notes = [...(wanted('ring.memory') ? memoryNotes() : []), ...turns.notes];
console.log(notes.join('\n'));
if (!options.quick) {
  writeReport('ring', {
    title: 'Rings beside dskit and hashring',
    command: `npx tsx bench/ring.ts ${process.argv.slice(2).join(' ')}`.trim(),
    peers: `${peers}, hashring 3.2.0`,
    results,
    notes,
  });
}
settle(results, options);
if (turns.missed > 0 && !options.quick) {
  console.error(`${turns.missed} turns were longer than claimed`);
  process.exitCode = 1;
}
