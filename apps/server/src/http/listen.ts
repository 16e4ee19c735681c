import { once } from 'node:events';
import { createServer } from 'node:net';
import { MlError } from '@ml/runtime';
import type { FastifyInstance } from 'fastify';

/** Pages cannot be served at the wanted address. Nothing is left open. Normal when another process has the port. */
export class ListenError extends MlError<'ML_SERVER_LISTEN'> {
  constructor(where: string, options: ErrorOptions) {
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      'ML_SERVER_LISTEN',
      `cannot serve HTTP on ${where}: ${reason}. Choose another -server.http-listen-port (0 takes any free one)`,
      options,
    );
  }
}

/** Where to listen. */
export interface ListenOptions {
  /** Empty: every address, IPv6 included where the machine has it. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** How many ports behind `port` are tried when it is in use. Default 0. */
  readonly moreTries?: number;
}

/** Listens and says on which port. @throws {ListenError} */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<number> {
  const { host, port, moreTries = 0 } = options;
  try {
    await listenOn(app, host, port);
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    if (taken && moreTries > 0 && port > 0 && port < 65_535) {
      return await listen(app, { host, port: port + 1, moreTries: moreTries - 1 });
    }
    throw new ListenError(`${host === '' ? 'port ' : `${host}:`}${port}`, { cause });
  }
  const bound = app.server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : port;
}

/**
 * The first of `tries` ports from `port` on that nobody listens on now; 0, any free one, when none of them is free or
 * `port` is 0.
 */
export async function freePortFrom(host: string, port: number, tries: number): Promise<number> {
  const last = Math.min(65_535, port + tries - 1);
  for (let wanted = port; wanted > 0 && wanted <= last; wanted++) {
    if (await isFree(host, wanted)) return wanted;
  }
  return 0;
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch {
    // In use, or not ours to take: either way no port to recommend.
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

async function listenOn(app: FastifyInstance, host: string, port: number): Promise<void> {
  if (host !== '') {
    await app.listen({ host, port });
    return;
  }
  try {
    await app.listen({ host: '::', port });
  } catch (error) {
    const noIpv6 =
      error instanceof Error &&
      'code' in error &&
      (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL');
    if (!noIpv6) throw error;
    await app.listen({ host: '0.0.0.0', port });
  }
}
