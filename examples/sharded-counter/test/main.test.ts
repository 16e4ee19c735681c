import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const processes: { readonly child: ChildProcess; readonly http: number }[] = [];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('no port');
  return address.port;
}

/** Starts one process and waits for its first line, which says that it is ready. */
async function start(name: string, gossip: number, join: number | undefined): Promise<void> {
  const http = await freePort();
  const args = ['--name', name, '--http', String(http), '--gossip', String(gossip)];
  if (join !== undefined) args.push('--join', `127.0.0.1:${join}`);
  const child = spawn(
    process.execPath,
    ['--conditions=@ml/source', '--import', import.meta.resolve('tsx'), main, ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  processes.push({ child, http });
  await once(child.stdout, 'data');
}

async function ask(
  at: number,
  key: string,
  method: 'GET' | 'POST',
): Promise<{ readonly owner?: string; readonly total: number }> {
  const answer = await fetch(`http://127.0.0.1:${processes[at]?.http}/counters/${key}`, { method });
  expect(answer.status).toBe(200);
  return JSON.parse(await answer.text());
}

beforeAll(async () => {
  const seed = await freePort();
  await start('counter-1', seed, undefined);
  await Promise.all([
    start('counter-2', await freePort(), seed),
    start('counter-3', await freePort(), seed),
  ]);
}, 60_000);

afterAll(async () => {
  const exits = processes
    .filter(({ child }) => child.exitCode === null && child.signalCode === null)
    .map(({ child }) => once(child, 'exit'));
  for (const { child } of processes) child.kill('SIGKILL');
  await Promise.all(exits);
});

test('every process counts for every key, and the owner alone does the counting', async () => {
  const owners = new Set<string | undefined>();
  for (let i = 0; i < 9; i += 1) owners.add((await ask(i % 3, 'visits', 'POST')).owner);
  expect(owners.size).toBe(1);
  expect(await Promise.all([0, 1, 2].map((at) => ask(at, 'visits', 'GET')))).toEqual([
    { key: 'visits', total: 9 },
    { key: 'visits', total: 9 },
    { key: 'visits', total: 9 },
  ]);
});

test('counts survive a process that is killed, and counting goes on', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const key of keys) await ask(0, key, 'POST');
  const victim = processes[2]?.child;
  victim?.kill('SIGKILL');
  await once(victim ?? process, 'exit');
  for (const key of keys) {
    expect(await ask(0, key, 'GET')).toEqual({ key, total: 1 });
    expect((await ask(1, key, 'POST')).total).toBe(2);
  }
}, 20_000);
