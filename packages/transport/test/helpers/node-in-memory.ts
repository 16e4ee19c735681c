import { type MemoryMetrics, memoryMetrics } from '@ml/metrics';
import { type RecordingLogger, recordingLogger } from '@ml/runtime';
import type { PartialConfig } from '@ml/runtime/config';
import { md5 } from '@ml/runtime/hash';
import { VirtualRuntime } from '@ml/runtime/virtual';
import type { TcpTransportConfig } from '../../src/tcp/config.ts';
import type { SocketEvents, TcpSocket } from '../../src/tcp/sockets.ts';
import {
  DEFAULT_TCP_TRANSPORT_LIMITS,
  openTcpTransport,
  type TcpTransportLimits,
} from '../../src/tcp/tcp-transport.ts';
import type { Packet, Stream, Transport } from '../../src/transport.ts';
import { tcpConfig } from './config.ts';
import { MemoryNetwork, type MemorySocket } from './memory-sockets.ts';

export interface MemoryNode {
  readonly transport: Transport;
  readonly runtime: VirtualRuntime;
  readonly network: MemoryNetwork;
  readonly metrics: MemoryMetrics;
  readonly log: RecordingLogger;
  readonly packets: Packet[];
  readonly streams: Stream[];
  count(name: string): number;
  /** A raw connection to the node, open and flowing. */
  connect(): Promise<RawPeer>;
}

export interface RawPeer {
  readonly socket: MemorySocket;
  readonly received: number[];
  send(...bytes: readonly number[]): void;
  end(): void;
}

export interface MemoryNodeOptions {
  readonly config?: PartialConfig<TcpTransportConfig>;
  readonly limits?: Partial<TcpTransportLimits>;
  readonly dropBadDigest?: boolean;
  readonly onPacket?: (packet: Packet) => void;
}

/** The real transport over sockets in memory, in virtual time, listening on 127.0.0.1:7946. */
export async function nodeInMemory(options: MemoryNodeOptions = {}): Promise<MemoryNode> {
  const log = recordingLogger();
  const runtime = new VirtualRuntime({ seed: 1, log });
  const network = new MemoryNetwork(runtime.timers);
  const metrics = memoryMetrics();
  const packets: Packet[] = [];
  const streams: Stream[] = [];
  const transport = await openTcpTransport({
    config: tcpConfig({ bindAddrs: ['127.0.0.1'], ...options.config }),
    advertiseAddr: '',
    advertisePort: 7946,
    runtime,
    metrics,
    sockets: network.sockets(),
    interfaces: [],
    md5,
    dropBadDigest: options.dropBadDigest ?? true,
    limits: { ...DEFAULT_TCP_TRANSPORT_LIMITS, ...options.limits },
  });
  await transport.listen({
    onPacket: (packet) => {
      packets.push(packet);
      options.onPacket?.(packet);
    },
    onStream: (stream) => streams.push(stream),
  });
  return {
    transport,
    runtime,
    network,
    metrics,
    log,
    packets,
    streams,
    count: (name) =>
      metrics.sum(name.startsWith('ml_') ? name : `memberlist_tcp_transport_${name}`),
    connect: () => connect(network, runtime),
  };
}

async function connect(network: MemoryNetwork, runtime: VirtualRuntime): Promise<RawPeer> {
  const socket = network.dial({ host: '127.0.0.1', port: 7946 });
  const received: number[] = [];
  socket.attach({ ...quiet, onData: (chunk) => received.push(...chunk) });
  socket.resume();
  await runtime.runFor(5);
  return {
    socket,
    received,
    send: (...bytes) => socket.write([Uint8Array.from(bytes)], () => {}),
    end: () => socket.end(() => {}),
  };
}

/** Takes a connection and reads all of it. */
export function swallow(socket: TcpSocket): void {
  socket.attach({ ...quiet, onEnd: () => socket.destroy() });
  socket.resume();
}

const quiet: SocketEvents = {
  onOpen: () => {},
  onData: () => {},
  onEnd: () => {},
  onClose: () => {},
};
