import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../../package.json', import.meta.url));

/** Longer than anybody waits. */
const SCENARIO = `description: A run without end.
mode: membership
gossip: { preset: lan }
nodes: 3
duration: 100000h
sample: 10s
assert:
  - deaths == 0
`;

/** The program as a process of its own, from its sources. */
function start(argv: readonly string[]): ChildProcessWithoutNullStreams {
  const loader = pathToFileURL(createRequire(ROOT).resolve('tsx')).href;
  return spawn(process.execPath, ['--conditions=@ml/source', '--import', loader, MAIN, ...argv]);
}

test('Ctrl-C ends a run with code 130, and the reports tell of the part that was run', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ml-sim-'));
  try {
    const paths = {
      yaml: join(folder, 's.yaml'),
      json: join(folder, 's.json'),
      html: join(folder, 's.html'),
    };
    await writeFile(paths.yaml, SCENARIO);
    const child = start([
      'run',
      paths.yaml,
      '--progress',
      '--json',
      paths.json,
      '--html',
      paths.html,
    ]);
    let out = '';
    let err = '';
    const closed = once(child, 'close');
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const running = /x real time/.test(err);
      err += text;
      if (!running && /x real time/.test(err)) child.kill('SIGINT');
    });
    const [code, signal] = await closed;
    expect([code, signal], err).toEqual([130, null]);
    expect(out).toMatch(
      /\ninterrupted at .*\npartial: 1 of 1 assertions held\ntrace sha256 [0-9a-f]{64}\n$/,
    );
    const result: unknown = JSON.parse(await readFile(paths.json, 'utf8'));
    expect(result).toMatchObject({ interrupted: true, passed: false, verdicts: [{ held: true }] });
    expect(result).toHaveProperty('samples.0.atMs', 10_000);
    expect(await readFile(paths.html, 'utf8')).toContain('>partial<');
  } finally {
    await rm(folder, { recursive: true });
  }
});
