import type { Counter, Gauge, Registerer } from '@ml/metrics';
import type { QueueName } from './core/broadcasts.ts';

/** Why a pair from a peer was refused. */
export type RejectReason =
  /** Not a KeyValuePair, or a text in it is not UTF-8. */
  | 'malformed'
  | 'empty_key'
  | 'key_too_long'
  | 'unknown_codec'
  /** The key holds a value of another codec. */
  | 'codec_mismatch'
  /** The codec could not read the value. */
  | 'bad_value'
  /** The values did not merge. */
  | 'merge_failed'
  /** The store holds as many keys as it may. */
  | 'too_many_keys'
  /** A full state is cut, or a length in it is false. */
  | 'cut_state';

/** How a pair came: as a gossip message or in a peer's full state. */
export type Via = 'gossip' | 'push_pull';

/** The metrics of a gossiped store. Names, types and labels as dskit's, without a namespace. // K-40 */
export interface KvMetrics {
  readonly receivedBroadcasts: Counter;
  readonly receivedBroadcastsBytes: Counter;
  readonly receivedBroadcastsInvalid: Counter;
  readonly receivedBroadcastsDropped: Counter;
  readonly statePushes: Counter;
  readonly statePushesBytes: Counter;
  readonly statePulls: Counter;
  readonly statePullsBytes: Counter;
  readonly messagesToBroadcastDropped: Counter;
  readonly casAttempts: Counter;
  readonly casSuccesses: Counter;
  readonly casFailures: Counter;
  readonly tombstones: Gauge<'key'>;
  readonly tombstonesRemoved: Counter<'key'>;
  readonly watchPrefixDropped: Counter<'prefix'>;
  readonly pendingKeyNotifications: Gauge;
  /** Ours in addition: every pair of a peer that was not stored, with the reason. */
  readonly rejectedPairs: Counter<'via' | 'reason'>;
}

/** What the gauges show at the moment of a scrape. */
export interface KvFigures {
  queued(queue: QueueName): number;
  queuedBytes(): number;
  keys(): number;
  members(): number;
  healthScore(): number;
  /** Whether there are join entries but no other member: 1 or 0. */
  isolated(): number;
}

const PREFIX = 'memberlist_client_';

export interface KvMetricsOptions {
  readonly registerer: Registerer;
  readonly figures: KvFigures;
  /** Gauges stop reading the figures when it fires. */
  readonly signal: AbortSignal;
}

export function kvMetrics({ registerer, figures, signal }: KvMetricsOptions): KvMetrics {
  const counter = (name: string, help: string): Counter =>
    registerer.counter({ name: PREFIX + name, help });
  const gauge = (name: string, help: string, read: () => number): void => {
    registerer.gauge({ name: PREFIX + name, help, signal, collect: (g) => g.set(read()) });
  };
  registerer.gauge({
    name: `${PREFIX}messages_in_broadcast_queue`,
    help: 'Changes that wait to be gossiped: own ones (local) and forwarded ones (gossip).',
    labels: ['queue'],
    signal,
    collect: (g) => {
      for (const queue of ['local', 'gossip'] as const)
        g.labels({ queue }).set(figures.queued(queue));
    },
  });
  gauge(
    'messages_in_broadcast_queue_bytes',
    'Bytes that wait to be gossiped.',
    figures.queuedBytes,
  );
  gauge('kv_store_count', 'Keys in the store, deleted ones included.', figures.keys);
  gauge(
    'cluster_members_count',
    'Members that are alive or suspect, this one included.',
    figures.members,
  );
  gauge(
    'cluster_node_health_score',
    'Health of this node as it sees itself; 0 is best.',
    figures.healthScore,
  );
  registerer.gauge({
    name: 'ml_cluster_isolated',
    help: 'Whether this node has members to join but none that it knows: 1 or 0.',
    signal,
    collect: (g) => g.set(figures.isolated()),
  });
  return {
    receivedBroadcasts: counter('received_broadcasts_total', 'Gossip messages received.'),
    receivedBroadcastsBytes: counter(
      'received_broadcasts_bytes_total',
      'Bytes of gossip messages received.',
    ),
    receivedBroadcastsInvalid: counter(
      'received_broadcasts_invalid_total',
      'Gossip messages refused: unreadable, without a key, or of an unknown codec.',
    ),
    receivedBroadcastsDropped: counter(
      'received_broadcasts_dropped_total',
      'Gossip messages dropped because too many were waiting.',
    ),
    statePushes: counter('state_pushes_total', 'Full states received from peers.'),
    statePushesBytes: counter(
      'state_pushes_bytes_total',
      'Bytes of full states received from peers.',
    ),
    statePulls: counter('state_pulls_total', 'Full states made for peers.'),
    statePullsBytes: counter('state_pulls_bytes_total', 'Bytes of full states made for peers.'),
    messagesToBroadcastDropped: counter(
      'messages_to_broadcast_dropped_total',
      'Changes that were not gossiped: not encodable, too large for a packet, or crowded out of the queue. The full state still spreads them.',
    ),
    casAttempts: counter('cas_attempt_total', 'Attempts to update a key.'),
    casSuccesses: counter('cas_success_total', 'Updates of a key that were stored.'),
    casFailures: counter('cas_failure_total', 'Updates of a key that were given up.'),
    tombstones: registerer.gauge({
      name: `${PREFIX}kv_store_value_tombstones`,
      help: 'Tombstones in the value of a key.',
      labels: ['key'],
    }),
    tombstonesRemoved: registerer.counter({
      name: `${PREFIX}kv_store_value_tombstones_removed_total`,
      help: 'Tombstones that were old enough to be dropped from the value of a key.',
      labels: ['key'],
    }),
    watchPrefixDropped: registerer.counter({
      name: `${PREFIX}watch_prefix_dropped_notifications`,
      help: 'Changes that a watch of a prefix missed because its reader was too slow.',
      labels: ['prefix'],
    }),
    pendingKeyNotifications: registerer.gauge({
      name: `${PREFIX}pending_key_notifications`,
      help: 'Changed keys in the last batch that watchers were told of.',
    }),
    rejectedPairs: registerer.counter({
      name: 'ml_kv_rejected_pairs_total',
      help: 'Values of peers that were not stored, by how they came and why.',
      labels: ['via', 'reason'],
    }),
  };
}
