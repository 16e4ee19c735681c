import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runCli } from '../src/cli.ts';
import type { KeptEvent } from '../src/index.ts';
import { builtInNames, scenarioFile } from '../src/node-scenarios.ts';
import { story } from '../src/report/story.ts';

const PAGES = new URL('../../../docs/scenarios/', import.meta.url);

function page(file: string): string {
  return readFileSync(new URL(file, PAGES), 'utf8');
}

async function docs(...argv: readonly string[]): Promise<{ code: number; err: string }> {
  let err = '';
  const code = await runCli(['docs', ...argv], {
    env: {},
    signal: new AbortController().signal,
    stdout: () => undefined,
    stderr: (text) => {
      err += text;
    },
    showsProgress: false,
  });
  return { code, err };
}

describe('docs/scenarios, as of ml-sim docs --out docs/scenarios', () => {
  test('has a page with the present text of each scenario, and no other', () => {
    const names = builtInNames();
    for (const name of names) {
      expect(page(`${name}.md`), name).toContain(scenarioFile(name).yaml.trimEnd());
      expect(page('README.md')).toContain(`| [${name}](${name}.md) |`);
    }
    const pages = readdirSync(PAGES).filter((file) => file.endsWith('.md'));
    expect(new Set(pages)).toEqual(new Set([...names.map((name) => `${name}.md`), 'README.md']));
  });

  test('shows pictures that are there, and no others', () => {
    const shown = builtInNames().flatMap((name) =>
      [...page(`${name}.md`).matchAll(/^!\[.*\]\((.*)\)$/gm)].map(([, path]) => path),
    );
    const files = readdirSync(PAGES).filter((file) => file.endsWith('.svg'));
    expect(new Set(files)).toEqual(new Set(shown));
  });

  test('is what a run writes now', async () => {
    const out = mkdtempSync(join(tmpdir(), 'ml-sim-docs-'));
    try {
      expect(await docs('--out', out, 'crash', 'wrong-port-in-dns')).toEqual({ code: 0, err: '' });
      const files = readdirSync(out);
      expect(files.length).toBe(6);
      for (const file of files) expect(readFileSync(join(out, file), 'utf8')).toBe(page(file));
    } finally {
      rmSync(out, { recursive: true });
    }
  });

  test('is refused without a folder, and for names that are no scenarios', async () => {
    expect(await docs()).toMatchObject({ code: 2, err: expect.stringContaining('--out') });
    const file = fileURLToPath(import.meta.url);
    expect(await docs('--out', `${file}/none`)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`cannot write ${JSON.stringify(`${file}/none`)}`),
    });
    expect(await docs('--out', 'x', 'nothing')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no built-in scenario "nothing": write one of big-cluster, /),
    });
  });
});

describe('a story', () => {
  const dead = (atMs: number, node: string, wrong = false): KeptEvent => ({
    event: { type: 'dead', atMs, node, member: 'x', suspectMs: undefined },
    wrong,
  });

  test('tells in one line what several nodes found out together', () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'];
    expect(story(nodes.map((node, index) => dead(1000 + 400 * index, node, index === 2)))).toEqual([
      '       1s  x is dead (wrongly), say a, b, c and 2 more (until 2.6s)',
    ]);
    expect(story([dead(1000, 'a'), dead(9000, 'b')])).toEqual([
      '       1s  x is dead, says a',
      '       9s  x is dead, says b',
    ]);
  });

  test('that is long leaves out its middle', () => {
    const lines = story(Array.from({ length: 100 }, (_, index) => dead(index * 6000, 'a')));
    expect(lines.length).toBe(61);
    expect(lines[45]).toBe('           … 40 more …');
    expect(lines.at(-1)).toContain('594s');
  });
});
