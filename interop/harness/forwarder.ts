import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

import { HarnessError } from './errors.ts';

const HOST = '127.0.0.1';

/** Passes TCP connections on to another port of this machine and counts them, as a NAT gateway would. */
export class Forwarder implements AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  /** The port that it passes on to. */
  readonly target: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #counts: { connections: number };

  private constructor(
    server: Server,
    ports: { readonly port: number; readonly target: number },
    state: { readonly sockets: Set<Socket>; readonly counts: { connections: number } },
  ) {
    this.#server = server;
    this.port = ports.port;
    this.target = ports.target;
    this.#sockets = state.sockets;
    this.#counts = state.counts;
  }

  /** Listens on loopback: on `port`, or on any free one. */
  static async start(options: { readonly to: number; readonly port?: number }): Promise<Forwarder> {
    const sockets = new Set<Socket>();
    const counts = { connections: 0 };
    const server = createServer({ allowHalfOpen: true }, (near) => {
      counts.connections += 1;
      const far = connect({ host: HOST, port: options.to, allowHalfOpen: true });
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
      }
      near.once('error', () => far.destroy());
      far.once('error', () => near.destroy());
      near.pipe(far).pipe(near);
    });
    server.listen(options.port ?? 0, HOST);
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') {
      throw new HarnessError('a forwarder got no port');
    }
    const ports = { port: address.port, target: options.to };
    return new Forwarder(server, ports, { sockets, counts });
  }

  /** Connections taken so far. */
  get connections(): number {
    return this.#counts.connections;
  }

  /** Stops listening and cuts what is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
