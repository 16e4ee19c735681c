import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BENCH = join(import.meta.dirname, '..');
const OUTPUT = join(BENCH, '.build/cluster');

/** One of the two that are compared: how to start nodes of it, and a process that does nothing. */
export interface Kind {
  readonly nodes: readonly string[];
  readonly bare: readonly string[];
}

/** The two sides of every pair. */
export interface Kinds {
  readonly go: Kind;
  readonly ours: Kind;
}

/** Builds both programs: Go's from its pinned modules, ours on top of the packages' production builds. */
export async function buildKinds(): Promise<Kinds> {
  await mkdir(OUTPUT, { recursive: true });
  const goDirectory = join(BENCH, 'go');
  const nodes = join(OUTPUT, 'go-nodes');
  const bare = join(OUTPUT, 'go-bare');
  await run('go', ['build', '-o', nodes, './cluster'], { cwd: goDirectory });
  await run('go', ['build', '-o', bare, './cluster/bare'], { cwd: goDirectory });
  const compiler = join(BENCH, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [compiler, '-p', import.meta.dirname]);
  const empty = join(OUTPUT, 'empty.js');
  await writeFile(empty, 'process.stdin.resume();\n');
  return {
    go: { nodes: [nodes], bare: [bare] },
    ours: {
      nodes: [process.execPath, join(OUTPUT, 'ours/node-program.js')],
      bare: [process.execPath, empty],
    },
  };
}

/** What was compared: machine, runtimes and versions. */
export async function describeVersions(): Promise<{
  readonly commit: string;
  readonly go: string;
  readonly dskit: string;
  readonly memberlist: string;
}> {
  const cwd = join(BENCH, 'go');
  const line = async (command: string, args: readonly string[]): Promise<string> =>
    (await run(command, args, { cwd })).stdout.trim();
  const module = (path: string): Promise<string> =>
    line('go', [
      'list',
      '-m',
      '-f',
      '{{with .Replace}}{{.Path}} {{.Version}}{{else}}{{.Path}} {{.Version}}{{end}}',
      path,
    ]);
  return {
    commit: await line('git', ['log', '-1', '--format=%h']),
    go: await line('go', ['env', 'GOVERSION']),
    dskit: await module('github.com/grafana/dskit'),
    memberlist: await module('github.com/hashicorp/memberlist'),
  };
}
