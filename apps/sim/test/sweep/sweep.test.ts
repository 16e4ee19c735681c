import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli.ts';
import { scenarioFile } from '../../src/node-scenarios.ts';
import type { Cell } from '../../src/sweep/cell.ts';
import { type CellResult, runCells } from '../../src/workers/node-cell-pool.ts';
import { bundled } from '../bundle.ts';

const SCENARIO = `description: Three servers write now and then.
nodes: 3
duration: 20s
config: { ring: { heartbeat_period: 5s, num_tokens: 2 } }
workload: { every: 500ms, from: 8s, until: 18s }
assert: [propagation p99 < 250ms, deaths == 0]
`;

let folder = '';
let file = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ml-sim-sweep-'));
  file = join(folder, 'small.yaml');
  writeFileSync(file, SCENARIO);
});

afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function cli(
  argv: readonly string[],
  signal: AbortSignal = new AbortController().signal,
  onErr: (text: string) => void = () => {},
): Promise<Outcome> {
  let out = '';
  let err = '';
  const code = await runCli(argv, {
    env: { ML_BUILD_REVISION: 'abc' },
    signal,
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
      onErr(text);
    },
    showsProgress: true,
  });
  return { code, out, err };
}

const VARY = ['--vary', 'memberlist.gossip_interval=100ms,400ms'];

describe('ml-sim sweep', () => {
  test('prints a row for each combination, in order, and fails for the rows whose assertions do not hold', async () => {
    const argv = ['sweep', file, ...VARY, '--vary', 'network.loss=0%,1%', '--workers', '1'];
    const { code, out, err } = await cli(argv);
    expect(code).toBe(1);
    const rows = out.split('\n').filter((line) => /^ +[14]00ms/.test(line));
    expect(rows.map((line) => line.trim().split(/ +/).slice(0, 3))).toEqual([
      ['100ms', '0%', '1/1'],
      ['100ms', '1%', '1/1'],
      ['400ms', '0%', '0/1'],
      ['400ms', '1%', '0/1'],
    ]);
    expect(out).toMatch(
      /FAILED memberlist\.gossip_interval=400ms network\.loss=0%: propagation p99 < 250ms {2}\(\d+ms, seed 1; 1 of 1 runs failed\)/,
    );
    expect(out).toMatch(/\nfailed: every assertion held in 2 of 4 runs\n$/);
    expect(err).toMatch(/4 of 4 runs, \d+x real time/);
  });

  test('gives the same output to the byte twice, and files that hold the same rows', async () => {
    const json = join(folder, 'out.json');
    const html = join(folder, 'out.html');
    const argv = ['sweep', file, '--vary', 'memberlist.gossip-interval=50ms', '--seeds', '2'];
    const first = await cli([...argv, '--workers', '1', '--json', json, '--html', html]);
    expect(first.code).toBe(0);
    expect(first.out).toContain('passed: every assertion held in 2 of 2 runs');
    const written = readFileSync(json, 'utf8');
    const again = await cli([...argv, '--workers', '1', '--json', json]);
    expect(again.out).toBe(first.out);
    expect(readFileSync(json, 'utf8')).toBe(written);
    expect(JSON.parse(written)).toMatchObject({
      complete: true,
      seeds: [1, 2],
      rows: [
        {
          settings: ['memberlist.gossip_interval=50ms'],
          held: 2,
          runs: [{ seed: 1 }, { seed: 2 }],
        },
      ],
    });
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('<td>50ms</td><td>2/2</td>');
    expect(page).toContain('<svg');
  });

  test('prints the rows that were finished when it is interrupted, and says that they are a part', async () => {
    const controller = new AbortController();
    const stop = (text: string): void => {
      if (text.includes('1 of 2 runs')) controller.abort();
    };
    const { code, out } = await cli(
      ['sweep', file, ...VARY, '--workers', '1'],
      controller.signal,
      stop,
    );
    expect(code).toBe(1);
    expect(out).toMatch(/^ +100ms +1\/1 /m);
    expect(out).not.toMatch(/^ +400ms/m);
    expect(out).toContain('PARTIAL: interrupted after 1 of 2 rows');
  });

  test.each([
    [
      ['--vary', 'memberlist.gosip_interval=1s'],
      /--vary memberlist\.gosip_interval: .* did you mean memberlist\.gossip_interval/,
    ],
    [['--vary', 'memberlst.gossip_nodes=1'], /did you mean memberlist\.gossip_nodes/],
    [['--vary', 'netwrk.loss=1%'], /did you mean network\?/],
    [['--vary', 'network.lost=1%'], /did you mean network\.loss/],
    [['--vary', 'network.zzz=1'], /write network\. and one of mode, .*loss/],
    [
      ['--vary', 'memberlist.gossip_interval=soon'],
      /--vary memberlist\.gossip_interval=soon: .*"soon", which is not a duration/,
    ],
    [['--vary', 'network.loss=200%'], /--vary network\.loss=200%: write a share such as 1%/],
    [
      ['--vary', 'memberlist.gossip_nodes=2,2'],
      /--vary memberlist\.gossip_nodes: "2" is there twice/,
    ],
    [
      ['--vary', 'memberlist.gossip_nodes'],
      /--vary takes path=value,value,…,.* not "memberlist\.gossip_nodes"/,
    ],
    [[...VARY, ...VARY], /--vary memberlist\.gossip_interval is given twice/],
    [[...VARY, '--seeds', '6000'], /are 12000 runs, and at most 10000 can be made/],
    [[...VARY, '--seads', '2'], /sweep has no flag "--seads": did you mean --seeds\?/],
    [[...VARY, '--workers', '0'], /--workers takes a whole number from 1 to 256, not "0"/],
    [[], /sweep needs --vary/],
  ])('%j ends with 2 and says what to write', async (argv, message) => {
    const { code, err } = await cli(['sweep', file, ...argv]);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  test('takes values that have commas in them', async () => {
    const list = 'assert=["deaths == 0","unseen writes == 0"],[]';
    const { code, out } = await cli(['sweep', file, '--vary', list, '--workers', '1']);
    expect(code).toBe(0);
    expect(out).toContain('runs 2 rows');
  });
});

test('worker threads come to the same as the thread of the caller', async () => {
  const { source, yaml } = scenarioFile(file);
  const cells: readonly Cell[] = [1, 2, 3].map((seed) => ({
    row: 0,
    seed,
    source,
    yaml,
    set: ['memberlist.gossip_nodes=2'],
    heartbeats: { fromMs: 8000, untilMs: 18_000 },
  }));
  await using bundle = await bundled('../src/workers/node-cell-worker.ts');
  const here = await all(runCells(cells, { workers: 1 }));
  const there = await all(runCells(cells, { workers: 2, script: bundle.script }));
  expect(there).toEqual(here);
  expect(new Set(here.map(({ outcome }) => outcome.traceSha256)).size).toBe(3);
  expect(here[0]?.outcome.heartbeats).toMatchObject({ missing: 0 });
  expect(here[0]?.outcome.heartbeats?.heartbeats).toBeGreaterThanOrEqual(5);
}, 120_000);

test('a scenario that makes no sense ends a sweep, on threads too', async () => {
  const set = ['memberlist.gossip_interval=soon'];
  const cell: Cell = { row: 0, seed: 1, source: 's', yaml: SCENARIO, set };
  await using bundle = await bundled('../src/workers/node-cell-worker.ts');
  const message = /"soon", which is not a duration/;
  await expect(all(runCells([cell, cell], { workers: 1 }))).rejects.toThrow(message);
  const threads = runCells([cell, cell], { workers: 2, script: bundle.script });
  await expect(all(threads)).rejects.toThrow(message);
}, 120_000);

async function all(results: AsyncIterable<CellResult>): Promise<readonly CellResult[]> {
  const found: CellResult[] = [];
  for await (const result of results) found.push(result);
  return found.toSorted((a, b) => a.cell.seed - b.cell.seed);
}
