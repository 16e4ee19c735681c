import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeAll, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { DevCluster, ringStates } from './harness/dev-cluster.ts';
import { eventually } from './harness/eventually.ts';
import { freePort } from './harness/ports.ts';

const ALL = ['dev-1', 'dev-2', 'dev-3'];
let cleanup = new Cleanup();

beforeAll(async () => {
  await serverMain();
}, BUILD_LIMIT_MS);

afterEach(async () => {
  await cleanup[Symbol.asyncDispose]();
  cleanup = new Cleanup();
});

/** Waits until the ring pages at all these addresses show exactly these instances, all ACTIVE. */
async function showActive(urls: readonly string[], ids: readonly string[]): Promise<void> {
  await Promise.all(
    urls.map((url) =>
      eventually(
        async () => {
          const states = await ringStates(url);
          expect([...states]).toEqual(ids.map((id) => [id, 'ACTIVE']));
        },
        { what: `${url} shows ${ids.join(', ')} ACTIVE`, withinMs: 20_000 },
      ),
    ),
  );
}

test('the local cluster prints the page first, then a line a node and how to add one', async () => {
  const dev = cleanup.use(await DevCluster.start());
  const [first, second] = dev.lines;
  expect(first).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/ring$/);
  expect(first).toBe(`${dev.nodes[0]?.url}/ring`);
  expect(second).toBe('');
  expect(dev.nodes.map(({ name }) => name)).toEqual(ALL);
  expect(dev.addCommand.slice(0, 2)).toEqual(['node', 'apps/server/dist/main.js']);
  await showActive(
    dev.nodes.map(({ url }) => url),
    ALL,
  );
});

test('the printed command adds a fourth instance that is ACTIVE on every page, and Ctrl-C ends all cleanly', async () => {
  const dev = cleanup.use(await DevCluster.start());
  const added = cleanup.use(await dev.addNode());
  const pages = dev.nodes.map(({ url }) => url);
  const starting = await added.line(/msg=starting/, 30_000);
  const own = /http=(\S+)/.exec(starting)?.[1] ?? expect.fail('no address of its pages');
  await showActive([...pages, own], [...ALL, 'dev-4']);
  added.signal('SIGINT');
  expect(await added.ended).toEqual({ code: 0, signal: undefined });
  await showActive(pages, ALL);
  dev.process.signal('SIGINT');
  expect(await dev.process.ended).toEqual({ code: 0, signal: undefined });
  expect(dev.process.lines('stderr').filter((line) => /level=(warn|error)/.test(line))).toEqual([]);
});

test('a port that is in use makes the pages move to the next free one', async () => {
  const taken = await freePort();
  const holder = createServer();
  holder.listen(taken, '127.0.0.1');
  await once(holder, 'listening');
  cleanup.defer(async () => {
    holder.close();
    await once(holder, 'close');
  });
  const dev = cleanup.use(await DevCluster.start({ httpPort: taken }));
  const ports = dev.nodes.map(({ url }) => Number(new URL(url).port));
  expect(dev.lines[0]).toBe(`http://127.0.0.1:${ports[0]}/ring`);
  expect(ports[0]).toBeGreaterThan(taken);
  expect(ports).toEqual([...ports].sort((a, b) => a - b));
  expect(new Set(ports).size).toBe(3);
  await showActive(
    dev.nodes.map(({ url }) => url),
    ALL,
  );
});

test('Ctrl-C while the local cluster starts ends it with code 0', async () => {
  const dev = await DevCluster.start();
  cleanup.use(dev);
  dev.process.signal('SIGINT');
  expect(await dev.process.ended).toEqual({ code: 0, signal: undefined });
});
