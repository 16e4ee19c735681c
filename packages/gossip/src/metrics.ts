import type { Counter, Gauge, Histogram, Registerer } from '@ml/metrics';
import type { MemberState } from './events.ts';

/** Why something from a peer was not acted on, besides the decoder's own reasons. */
export type RejectReason =
  | 'wrong_place'
  | 'incarnation_zero'
  | 'incarnation_ceiling'
  | 'member_limit'
  | 'cidr'
  | 'alive_delegate'
  | 'merge_delegate'
  | 'protocol_versions'
  | 'unknown_ack'
  | 'other_name'
  | 'rate_limit'
  | 'relay_target'
  | 'pending_limit'
  | 'stream_limit'
  | 'push_pull_limit'
  | 'buffer_limit'
  | 'stream_timeout'
  | 'stream_broken';

/** What a node says of itself when it is scraped. */
export interface GossipGauges {
  readonly healthScore: number;
  readonly queuedBroadcasts: number;
  count(state: MemberState): number;
}

/** The metrics of one node. */
export interface GossipMetrics {
  readonly streamsAccepted: Counter;
  readonly pushPullsDialled: Counter;
  readonly streamBytesSent: Counter;
  readonly packetBytesSent: Counter;
  readonly packetBytesReceived: Counter;
  readonly aliveMessages: Counter;
  readonly suspectMessages: Counter;
  readonly deadMessages: Counter;
  readonly degradedProbes: Counter;
  readonly degradedTimeouts: Counter;
  readonly probeSeconds: Histogram;
  readonly gossipSeconds: Histogram;
  readonly pushPullSeconds: Histogram;
  readonly refutations: Counter;
  readonly deferredRefutations: Counter;
  readonly incarnationCeilings: Counter;
  readonly conflicts: Counter;
  readonly droppedEvents: Counter;
  readonly delegateFailures: Counter<'call'>;
  rejected(reason: string): void;
}

const SECONDS_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30] as const;

/** Names of dskit's memberlist metrics (spec: counters end in `_total`, sizes say so), and some of ours. */
const COUNTERS = {
  streamsAccepted: ['ml_memberlist_tcp_accept_total', 'Streams that peers opened.'],
  pushPullsDialled: ['ml_memberlist_tcp_connect_total', 'Full state exchanges that we started.'],
  streamBytesSent: ['ml_memberlist_tcp_sent_bytes_total', 'Bytes of messages sent on streams.'],
  packetBytesSent: [
    'ml_memberlist_udp_sent_bytes_total',
    'Bytes of packets handed to the transport.',
  ],
  packetBytesReceived: ['ml_memberlist_udp_received_bytes_total', 'Bytes of packets received.'],
  aliveMessages: ['ml_memberlist_msg_alive_total', 'Signs of life that were news.'],
  suspectMessages: ['ml_memberlist_msg_suspect_total', 'Members that became suspect.'],
  deadMessages: ['ml_memberlist_msg_dead_total', 'Members that died or left.'],
  degradedProbes: [
    'ml_memberlist_degraded_probe_total',
    'Probes with a longer interval because this node is not healthy.',
  ],
  degradedTimeouts: [
    'ml_memberlist_degraded_timeout_total',
    'Members declared dead with fewer confirmations than wanted.',
  ],
  refutations: ['ml_gossip_refutations_total', 'Accusations of this node that it refuted.'],
  deferredRefutations: [
    'ml_gossip_deferred_refutations_total',
    'Accusations of this node that had to wait because there were too many.',
  ],
  incarnationCeilings: [
    'ml_gossip_incarnation_ceiling_total',
    'Accusations of this node with the largest incarnation, which cannot be refuted: only a new node name helps.',
  ],
  conflicts: [
    'ml_gossip_name_conflicts_total',
    'Messages of nodes that use a name taken by another.',
  ],
  droppedEvents: ['ml_gossip_dropped_events_total', 'Events that a reader was too slow for.'],
} as const;

const HISTOGRAMS = {
  probeSeconds: ['ml_memberlist_probe_node_seconds', 'Duration of probes.'],
  gossipSeconds: ['ml_memberlist_gossip_seconds', 'Duration of turns that did a round of gossip.'],
  pushPullSeconds: ['ml_memberlist_push_pull_node_seconds', 'Duration of full state exchanges.'],
} as const;

/** Registers the metrics of one node. The gauges ask `gauges` at each scrape, until `closing` fires. */
export function createGossipMetrics(
  registerer: Registerer,
  gauges: () => GossipGauges | undefined,
  closing?: AbortSignal,
): GossipMetrics {
  registerGauges(registerer, gauges, closing);
  const counter = ([name, help]: readonly [string, string]): Counter =>
    registerer.counter({ name, help });
  const histogram = ([name, help]: readonly [string, string]): Histogram =>
    registerer.histogram({ name, help, buckets: SECONDS_BUCKETS });
  const rejected = registerer.counter({
    name: 'ml_gossip_rejected_total',
    help: 'Messages, packets and streams of peers that were not acted on.',
    labels: ['reason'],
  });
  return {
    streamsAccepted: counter(COUNTERS.streamsAccepted),
    pushPullsDialled: counter(COUNTERS.pushPullsDialled),
    streamBytesSent: counter(COUNTERS.streamBytesSent),
    packetBytesSent: counter(COUNTERS.packetBytesSent),
    packetBytesReceived: counter(COUNTERS.packetBytesReceived),
    aliveMessages: counter(COUNTERS.aliveMessages),
    suspectMessages: counter(COUNTERS.suspectMessages),
    deadMessages: counter(COUNTERS.deadMessages),
    degradedProbes: counter(COUNTERS.degradedProbes),
    degradedTimeouts: counter(COUNTERS.degradedTimeouts),
    probeSeconds: histogram(HISTOGRAMS.probeSeconds),
    gossipSeconds: histogram(HISTOGRAMS.gossipSeconds),
    pushPullSeconds: histogram(HISTOGRAMS.pushPullSeconds),
    refutations: counter(COUNTERS.refutations),
    deferredRefutations: counter(COUNTERS.deferredRefutations),
    incarnationCeilings: counter(COUNTERS.incarnationCeilings),
    conflicts: counter(COUNTERS.conflicts),
    droppedEvents: counter(COUNTERS.droppedEvents),
    delegateFailures: registerer.counter({
      name: 'ml_gossip_delegate_failures_total',
      help: 'Calls of the application that threw.',
      labels: ['call'],
    }),
    rejected: (reason) => rejected.labels({ reason }).inc(),
  };
}

function registerGauges(
  registerer: Registerer,
  gauges: () => GossipGauges | undefined,
  closing: AbortSignal | undefined,
): void {
  const until = closing === undefined ? {} : { signal: closing };
  const state = (gauge: Gauge<'node_state'>): void => {
    const now = gauges();
    if (now === undefined) return;
    for (const node_state of ['alive', 'suspect', 'dead', 'left'] as const) {
      gauge.labels({ node_state }).set(now.count(node_state));
    }
  };
  registerer.gauge({
    name: 'ml_memberlist_health_score',
    help: 'How unwell this node is: 0 is healthy.',
    collect: (gauge) => gauge.set(gauges()?.healthScore ?? 0),
    ...until,
  });
  registerer.gauge({
    name: 'ml_memberlist_queue_broadcasts',
    help: 'Membership messages waiting to be sent.',
    collect: (gauge) => gauge.set(gauges()?.queuedBroadcasts ?? 0),
    ...until,
  });
  registerer.gauge({
    name: 'ml_memberlist_node_instances',
    help: 'Members by state.',
    labels: ['node_state'],
    collect: state,
    ...until,
  });
}
