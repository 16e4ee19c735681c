import type { DialFailure } from '../errors.ts';
import type { Address } from '../transport.ts';

/** Why a socket closed before its time. */
export interface SocketFailure {
  readonly reason: DialFailure;
  readonly error: Error;
}

/** What happens on a socket. Never called from inside a call on the socket, and never after `onClose`. */
export interface SocketEvents {
  /** A dialled socket is connected, and under TLS the peer is verified. */
  onOpen(): void;
  onData(chunk: Uint8Array): void;
  /** The other side will write no more. Our side stays open. */
  onEnd(): void;
  /** The last event, exactly once. `failure` is undefined after an orderly close or our own `destroy`. */
  onClose(failure: SocketFailure | undefined): void;
}

/** One TCP connection, with or without TLS, as the transport needs it. Half-open: each direction ends by itself. */
export interface TcpSocket {
  readonly remote: Address;
  /** Says who gets the events from now on; the latest call counts. Nothing is read before {@link resume}. */
  attach(events: SocketEvents): void;
  resume(): void;
  pause(): void;
  /** Hands over the parts as one gathered write. `done` is called once: when the bytes left our hands, or with the failure. */
  write(parts: readonly Uint8Array[], done: (error: Error | undefined) => void): void;
  /** Ends our direction after what is written (under TLS with a close_notify). `done` is called once it went out, or not at all when the socket breaks first. */
  end(done: () => void): void;
  /** Closes both directions at once; unsent bytes are lost. Idempotent. */
  destroy(): void;
}

/** What happens on a listener. */
export interface ListenerEvents {
  /** A connection arrived, before any handshake. False turns it away. */
  onAccept(remote: Address): boolean;
  /** A connection that {@link onAccept} let in is usable. */
  onSocket(socket: TcpSocket): void;
  /** A connection that {@link onAccept} let in is gone, usable or not. Exactly once for each. */
  onRelease(): void;
  /** A handshake failed (`remote` is set), or accepting did. */
  onFailure(error: Error, remote: Address | undefined): void;
}

export interface TcpListener {
  /** The port that it really has. */
  readonly port: number;
  /** Stops accepting. Accepted sockets go on. */
  close(): Promise<void>;
}

/** Where the transport gets its sockets: node-tcp.ts, or memory in tests. */
export interface TcpSockets {
  /** How long a socket that has sent its packet waits for the other side to close; 0: not at all. */
  readonly lingerMs: number;
  /** @throws {BindError} when the address cannot be had. */
  listen(at: Address, events: ListenerEvents): Promise<TcpListener>;
  /** Starts a connection to an IP literal; its outcome is the first event. */
  dial(to: Address): TcpSocket;
  /** Frees what is shared between sockets; sockets themselves go on. */
  close(): void;
}
