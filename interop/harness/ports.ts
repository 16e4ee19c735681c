import { once } from 'node:events';
import { createServer } from 'node:net';

import { HarnessError } from './errors.ts';

/** Below the ports that the kernel gives to outgoing connections, which could take one away again. */
const LOWEST_PORT = 18_000;
const PORTS = 14_000;
const given = new Set<number>();

/**
 * A TCP port nobody listens on, for programs that cannot choose one themselves. This process gives none twice.
 *
 * @throws {HarnessError} when all are taken.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const first = Math.floor(Math.random() * PORTS);
  for (let i = 0; i < PORTS; i++) {
    const port = LOWEST_PORT + ((first + i) % PORTS);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port, host)) return port;
  }
  throw new HarnessError(`no port could be opened on ${host}`);
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}
