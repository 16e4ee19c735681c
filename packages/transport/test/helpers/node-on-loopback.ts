import { type MemoryMetrics, memoryMetrics } from '@ml/metrics';
import { type RecordingLogger, recordingLogger } from '@ml/runtime';
import { nodeRuntime } from '@ml/runtime/node';
import { type CreateTcpTransportOptions, createTcpTransport } from '../../src/node.ts';
import type { Packet, Stream, Transport } from '../../src/transport.ts';
import { loopbackConfig } from './config.ts';

export interface LoopbackNode extends AsyncDisposable {
  readonly transport: Transport;
  readonly metrics: MemoryMetrics;
  readonly log: RecordingLogger;
  readonly packets: Packet[];
  readonly streams: Stream[];
  count(name: string, reason?: string): number;
}

/** A listening transport on real sockets at a free port of 127.0.0.1. */
export async function nodeOnLoopback(
  options: Partial<CreateTcpTransportOptions> = {},
): Promise<LoopbackNode> {
  const log = recordingLogger();
  const metrics = memoryMetrics();
  const packets: Packet[] = [];
  const streams: Stream[] = [];
  const transport = await createTcpTransport({
    config: loopbackConfig(),
    runtime: nodeRuntime({ log }),
    metrics,
    ...options,
  });
  await transport.listen({
    onPacket: (packet) => packets.push(packet),
    onStream: (stream) => streams.push(stream),
  });
  return {
    transport,
    metrics,
    log,
    packets,
    streams,
    count: (name, reason) => {
      const full = name.startsWith('ml_') ? name : `memberlist_tcp_transport_${name}`;
      return metrics.sum(full, reason === undefined ? {} : { reason });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(transport[Symbol.asyncDispose]()),
  };
}
