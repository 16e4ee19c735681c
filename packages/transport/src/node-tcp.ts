import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type Server as TlsServer } from 'node:tls';
import { formatAddress } from './address.ts';
import { BindError, type DialFailure, StreamError } from './errors.ts';
import { canonicalIp } from './ip.ts';
import type { NodeTls } from './node-tls.ts';
import type {
  ListenerEvents,
  SocketEvents,
  SocketFailure,
  TcpListener,
  TcpSocket,
  TcpSockets,
} from './tcp/sockets.ts';
import { explainTlsFailure } from './tls-failure.ts';
import type { Address } from './transport.ts';

const BACKLOG = 1024;
/** A TLS peer may still have tickets for us under way; leaving at once would answer them with a reset. */
const TLS_LINGER_MS = 1000;

/** Sockets of the operating system. Takes over `tls`; without it connections are plain. */
export function nodeSockets(tls: NodeTls | undefined): TcpSockets {
  return {
    lingerMs: tls === undefined ? 0 : TLS_LINGER_MS,
    listen: (at, events) => listen(at, events, tls),
    dial: (to) => {
      const options = { host: to.host, port: to.port, noDelay: true, allowHalfOpen: true };
      return tls === undefined
        ? new NodeTcpSocket(connect(options), to, 'connect')
        : new NodeTcpSocket(
            connectTls({ ...options, ...tls.dialOptions(to) }),
            to,
            'secureConnect',
          );
    },
    close: () => tls?.[Symbol.dispose](),
  };
}

/** Go listens on both families when told 0.0.0.0; so do we, where the machine has IPv6. T-14 */
async function listen(
  at: Address,
  events: ListenerEvents,
  tls: NodeTls | undefined,
): Promise<TcpListener> {
  const tlsServer = tls?.createServer();
  const handshakes = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false });
  server.on('connection', (raw) => {
    if (!events.onAccept(remoteOf(raw))) {
      raw.destroy();
      return;
    }
    raw.once('close', () => {
      handshakes.delete(raw);
      events.onRelease();
    });
    if (tlsServer === undefined) {
      events.onSocket(new NodeTcpSocket(raw, remoteOf(raw), undefined));
    } else {
      handshakes.add(raw);
      tlsServer.emit('connection', raw);
    }
  });
  if (tlsServer !== undefined) serveTls(tlsServer, events);
  await bind(server, at);
  server.on('error', (error) => events.onFailure(error, undefined));
  return {
    port: portOf(server) ?? at.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const raw of handshakes) raw.destroy();
      }),
  };
}

function serveTls(server: TlsServer, events: ListenerEvents): void {
  server.on('secureConnection', (socket) => {
    events.onSocket(new NodeTcpSocket(socket, remoteOf(socket), undefined));
  });
  server.on('tlsClientError', (error, socket) => {
    events.onFailure(explainTlsFailure(error), remoteOf(socket));
    socket.destroy();
  });
}

async function bind(server: Server, at: Address): Promise<void> {
  if (at.host !== '0.0.0.0') {
    await bindTo(server, at, at);
    return;
  }
  try {
    await bindTo(server, { host: '::', port: at.port }, at);
  } catch (error) {
    if (!(error instanceof BindError) || codeOf(error.cause) === 'EADDRINUSE') throw error;
    await bindTo(server, at, at); // no IPv6 on this machine
  }
}

function bindTo(server: Server, at: Address, wanted: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void => {
      reject(new BindError(bindText(wanted, codeOf(cause), cause.message), { cause }));
    };
    server.once('error', onError);
    server.listen({ host: at.host, port: at.port, backlog: BACKLOG, ipv6Only: false }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function bindText(at: Address, code: string | undefined, text: string): string {
  const what = `cannot listen on ${formatAddress(at)}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${what}: another process has the port; stop it or set another -memberlist.bind-port`;
    case 'EADDRNOTAVAIL':
      return `${what}: this machine does not have that address; set -memberlist.bind-addr to one that it has`;
    case 'EACCES':
      return `${what}: not permitted; choose a -memberlist.bind-port from 1024 up`;
    default:
      return `${what}: ${text}`;
  }
}

/** A socket of node:net or node:tls as the transport sees it. */
class NodeTcpSocket implements TcpSocket {
  readonly remote: Address;
  readonly #socket: Socket;
  readonly #tls: boolean;
  #events: SocketEvents | undefined;
  #connected: boolean = false;
  #open: boolean = false;
  #failure: SocketFailure | undefined;

  /** @param opened the event that makes a dialled socket usable; undefined for an accepted one. */
  constructor(socket: Socket, remote: Address, opened: 'connect' | 'secureConnect' | undefined) {
    this.#socket = socket;
    this.remote = remote;
    this.#tls = opened === 'secureConnect';
    this.#open = opened === undefined;
    socket.pause();
    if (this.#tls) {
      socket.once('connect', () => {
        this.#connected = true;
      });
    }
    if (opened !== undefined) {
      socket.once(opened, () => {
        this.#open = true;
        this.#events?.onOpen();
      });
    }
    socket.on('data', (chunk: Buffer) => {
      // A plain view: what a Buffer calls slice() does not copy.
      const { buffer, byteOffset, byteLength } = chunk;
      this.#events?.onData(new Uint8Array(buffer, byteOffset, byteLength));
    });
    socket.once('end', () => this.#events?.onEnd());
    socket.on('error', (error) => {
      const reason = this.#reasonOf(error);
      this.#failure ??= { reason, error: reason === 'tls' ? explainTlsFailure(error) : error };
    });
    socket.once('close', () => this.#events?.onClose(this.#failure));
  }

  attach(events: SocketEvents): void {
    this.#events = events;
  }

  resume(): void {
    this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  write(parts: readonly Uint8Array[], done: (error: Error | undefined) => void): void {
    const socket = this.#socket;
    const last = parts.length - 1;
    if (last > 0) socket.cork();
    for (const [at, part] of parts.entries()) {
      if (at === last) socket.write(part, (error) => done(error ?? this.#lost()));
      else socket.write(part);
    }
    if (last > 0) socket.uncork();
  }

  end(done: () => void): void {
    this.#socket.once('finish', done);
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Node reports a write that a destroyed socket swallowed as done. */
  #lost(): Error | undefined {
    if (!this.#socket.destroyed) return undefined;
    return this.#failure?.error ?? new StreamError('the socket was closed');
  }

  #reasonOf(error: Error): DialFailure {
    if (this.#open) return 'broken';
    if (this.#tls && this.#connected) return 'tls';
    switch (codeOf(error)) {
      case 'ECONNREFUSED':
        return 'refused';
      case 'ETIMEDOUT':
        return 'timeout';
      case 'EHOSTUNREACH':
      case 'ENETUNREACH':
      case 'EHOSTDOWN':
      case 'EADDRNOTAVAIL':
      case 'EINVAL':
        return 'unreachable';
      default:
        return 'broken';
    }
  }
}

function remoteOf(socket: Socket): Address {
  const host = socket.remoteAddress ?? '';
  return { host: canonicalIp(host) ?? host, port: socket.remotePort ?? 0 };
}

function portOf(server: Server): number | undefined {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
