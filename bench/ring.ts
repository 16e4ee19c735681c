/** Rings beside dskit's and beside the npm package hashring: `npx tsx bench/ring.ts [--quick] [--only name]`. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildGoPeer, startGoPeer } from './lib/go-peer.ts';
import type { Claim } from './lib/pair.ts';
import { writeReport } from './lib/report.ts';
import { readOptions, runClaims, settle, startOurs } from './lib/run-claims.ts';

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

function each(bench: string, floors: { readonly small: number; readonly large: number }): Claim[] {
  return [
    { bench, params: { ...small, zones: 3 }, atLeast: floors.small },
    { bench, params: { ...large, zones: 3 }, atLeast: floors.large },
  ];
}

const lookUps: readonly Claim[] = [
  ...everywhere('ring.get', { zones: 15, none: 6 }),
  ...everywhere('ring.getInto', { zones: 20, none: 8 }, { peerBench: 'ring.get' }),
  ...everywhere('ring.getBatch', { zones: 50, none: 50 }, { params: { keys: 10_000 } }),
  ...everywhere('ring.replicationSetFor', { zones: 50, none: 50 }),
  ...everywhere('ring.shuffleShard.cached', { zones: 10, none: 10 }, { params: { size: 30 } }),
  ...everywhere('ring.shuffleShard.cachedGet', { zones: 8, none: 8 }, { params: { size: 30 } }),
  ...everywhere('ring.shuffleShard.uncached', { zones: 1.2, none: 1.2 }, { params: { size: 9 } }),
];

const changes: readonly Claim[] = [
  ...each('ring.tokenVisible', { small: 8, large: 8 }),
  ...each('ring.heartbeatVisible', { small: 2, large: 20 }),
  ...each('ring.mergeHeartbeat', { small: 1, large: 1.5 }),
  ...each('ring.mergeToken', { small: 8, large: 10 }),
  ...each('kv.applyMessage', { small: 1.5, large: 1.5 }),
  ...each('kv.cas', { small: 2, large: 20 }),
];

const states: readonly Claim[] = [
  ...each('ring.decodeMergeNothingNew', { small: 5, large: 8 }),
  ...each('ring.decode', { small: 1.3, large: 1.3 }),
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

function memoryNotes(): readonly string[] {
  const script = fileURLToPath(new URL('workers/memory.ts', import.meta.url));
  const line = execFileSync(
    process.execPath,
    ['--expose-gc', '--import', import.meta.resolve('tsx'), script],
    {
      encoding: 'utf8',
    },
  );
  const bytes: Readonly<Record<string, number>> = JSON.parse(line);
  const shown = Object.entries(bytes).map(
    ([name, count]) => `${name.replaceAll('_', ' ')} ${(count / 1e6).toFixed(1)} MB`,
  );
  return [`Memory of 1000 instances with 512 tokens: ${shown.join(', ')} (9 instances a tenant).`];
}

const options = readOptions();
const peers = buildGoPeer();
const results = [
  ...(await runClaims([...lookUps, ...changes, ...states], startGoPeer, options)),
  ...(await runClaims(besideHashRing, startOurs, options)),
];
const notes = memoryNotes();
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
