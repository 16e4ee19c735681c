import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePortFrom } from '../../src/http/listen.ts';

const HOST = '127.0.0.1';

test('a port to recommend is one that nobody listens on', async () => {
  const holder = createServer();
  holder.listen(0, HOST);
  await once(holder, 'listening');
  const address = holder.address();
  const taken = typeof address === 'object' && address !== null ? address.port : Number.NaN;
  const found = await freePortFrom(HOST, taken, 50);
  expect(found).not.toBe(taken);
  const second = createServer();
  second.listen(found, HOST);
  await once(second, 'listening');
  expect(await freePortFrom(HOST, taken, 1)).toBe(0);
  for (const server of [holder, second]) {
    server.close();
    await once(server, 'close');
  }
});

test('where any port will do, any is recommended', async () => {
  expect(await freePortFrom(HOST, 0, 100)).toBe(0);
});
