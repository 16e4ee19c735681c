import type { Counter, Registerer } from '@ml/metrics';

/** What turned an inbound connection away, or cut it short. */
export type InboundRejection =
  | 'connections'
  | 'streams'
  | 'memory'
  | 'timeout'
  | 'too_large'
  | 'handshake';

/** State that gauges show at scrape time. */
export interface TcpTransportState {
  readonly inboundConnections: number;
  readonly openStreams: number;
  readonly busyWriters: number;
  readonly waitingPackets: number;
}

/** Counters of the TCP-only transport. */
export interface TcpTransportMetrics {
  readonly incomingStreams: Counter;
  readonly outgoingStreams: Counter;
  readonly outgoingStreamErrors: Counter;
  readonly packetsReceived: Counter;
  readonly packetsReceivedBytes: Counter;
  readonly packetsReceivedErrors: Counter;
  readonly packetsDropped: Counter;
  readonly packetsSent: Counter;
  readonly packetsSentBytes: Counter;
  readonly packetsSentErrors: Counter;
  readonly unknownConnections: Counter;
  readonly sentBytes: Counter;
  readonly receivedBytes: Counter;
  readonly digestMismatches: Counter;
  readonly handlerErrors: Counter;
  readonly acceptErrors: Counter;
  readonly rejected: Counter<'reason'>;
}

/** Registers the metrics: names starting with memberlist_tcp_transport_ as in dskit, our own with ml_. `signal` ends the gauges. T-30 */
export function createTcpTransportMetrics(
  registerer: Registerer,
  state: () => TcpTransportState,
  signal: AbortSignal,
): TcpTransportMetrics {
  const dskit = (name: string, help: string): Counter =>
    registerer.counter({ name: `memberlist_tcp_transport_${name}`, help });
  const own = (name: string, help: string): Counter =>
    registerer.counter({ name: `ml_tcp_transport_${name}`, help });
  registerStateGauges(registerer, state, signal);
  return {
    incomingStreams: dskit('incoming_streams_total', 'Streams that other members opened.'),
    outgoingStreams: dskit('outgoing_streams_total', 'Attempts to open a stream.'),
    outgoingStreamErrors: dskit(
      'outgoing_stream_errors_total',
      'Failed attempts to open a stream.',
    ),
    packetsReceived: dskit('packets_received_total', 'Packet connections accepted, good or bad.'),
    packetsReceivedBytes: dskit(
      'packets_received_bytes_total',
      'Payload bytes of packets received.',
    ),
    packetsReceivedErrors: dskit(
      'packets_received_errors_total',
      'Packets that arrived cut short, too large, too late or with a wrong digest.',
    ),
    packetsDropped: dskit(
      'packets_dropped_total',
      'Packets not sent because no writer became free in time.',
    ),
    packetsSent: dskit('packets_sent_total', 'Attempts to send a packet.'),
    packetsSentBytes: dskit('packets_sent_bytes_total', 'Payload bytes of packets tried to send.'),
    packetsSentErrors: dskit('packets_sent_errors_total', 'Failed attempts to send a packet.'),
    unknownConnections: dskit(
      'unknown_connections_total',
      'Connections that were neither a packet nor a stream.',
    ),
    sentBytes: dskit('sent_bytes_total', 'Bytes written to connections of both kinds.'),
    receivedBytes: dskit('received_bytes_total', 'Bytes read from connections of both kinds.'),
    digestMismatches: own('digest_mismatches_total', 'Packets whose digest did not match.'),
    handlerErrors: own(
      'handler_errors_total',
      'Failures inside the receiver of a packet or stream.',
    ),
    acceptErrors: own('accept_errors_total', 'Failures of a listener to accept a connection.'),
    rejected: registerer.counter({
      name: 'ml_tcp_transport_inbound_rejected_total',
      help: 'Inbound connections turned away or cut short, by limit that they met.',
      labels: ['reason'],
    }),
  };
}

function registerStateGauges(
  registerer: Registerer,
  state: () => TcpTransportState,
  signal: AbortSignal,
): void {
  const gauge = (name: string, help: string, read: (s: TcpTransportState) => number): void => {
    registerer.gauge({
      name: `ml_tcp_transport_${name}`,
      help,
      collect: (self) => self.set(read(state())),
      signal,
    });
  };
  gauge('inbound_connections', 'Inbound connections now open.', (s) => s.inboundConnections);
  gauge('open_streams', 'Streams now open, both directions.', (s) => s.openStreams);
  gauge('busy_writers', 'Packet writers now at work.', (s) => s.busyWriters);
  gauge('waiting_packets', 'Packets now waiting for a writer.', (s) => s.waitingPackets);
}
