import { once } from 'node:events';
import { createServer } from 'node:net';
import { setImmediate as tick } from 'node:timers/promises';
import type { Address } from '../../src/transport.ts';

/** Lets the event loop turn until the condition holds; fails after ten seconds. */
export async function until(condition: () => boolean, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new TypeError('the awaited condition did not come true');
    await tick();
  }
}

/** A few hundred turns of the event loop: what is on its way over loopback arrives meanwhile. */
export async function rest(): Promise<void> {
  const end = performance.now() + 100;
  while (performance.now() < end) await tick();
}

/** A port on loopback where nobody listens. */
export async function freePort(): Promise<Address> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new TypeError('no port');
  return { host: '127.0.0.1', port: address.port };
}
