import {
  bool,
  bytes,
  durationMs,
  int,
  option,
  type SectionOf,
  section,
  string,
  stringList,
} from '@ml/runtime/config';

/** Settings of a gossiped store: those of dskit's memberlist client. // K-39 */
export interface MemberlistKvConfig {
  readonly nodeName: string;
  readonly randomizeNodeName: boolean;
  readonly streamTimeoutMs: number;
  readonly retransmitFactor: number;
  readonly pushPullIntervalMs: number;
  readonly gossipIntervalMs: number;
  readonly gossipNodes: number;
  readonly gossipToDeadNodesTimeMs: number;
  readonly deadNodeReclaimTimeMs: number;
  readonly compressionEnabled: boolean;
  readonly notifyIntervalMs: number;
  readonly advertiseAddr: string;
  readonly advertisePort: number;
  readonly clusterLabel: string;
  readonly clusterLabelVerificationDisabled: boolean;
  readonly joinMembers: readonly string[];
  readonly minJoinBackoffMs: number;
  readonly maxJoinBackoffMs: number;
  readonly maxJoinRetries: number;
  readonly abortIfFastJoinFails: boolean;
  readonly abortIfJoinFails: boolean;
  readonly rejoinIntervalMs: number;
  readonly leftIngestersTimeoutMs: number;
  readonly obsoleteEntriesTimeoutMs: number;
  readonly leaveTimeoutMs: number;
  readonly broadcastTimeoutForLocalUpdatesOnShutdownMs: number;
  readonly messageHistoryBufferBytes: number;
  readonly watchPrefixBufferSize: number;
}

const DAY_MS = 86_400_000;
const advanced = { category: 'advanced' } as const;

/** The settings with their flags, YAML keys, defaults and categories; mount it beside `tcpTransportConfig`. */
export const memberlistKvConfig: SectionOf<MemberlistKvConfig> = section({
  nodeName: option(string(), {
    flag: 'memberlist.nodename',
    default: '',
    defaultText: '<hostname>',
    ...advanced,
    help: 'Name of this node in the cluster; must be unique. The host name when empty.',
  }),
  randomizeNodeName: option(bool(), {
    flag: 'memberlist.randomize-node-name',
    default: true,
    ...advanced,
    help: 'Append a random suffix to the node name, so that a restarted process counts as a new member.',
  }),
  streamTimeoutMs: option(durationMs({ min: 1, max: DAY_MS }), {
    flag: 'memberlist.stream-timeout',
    default: '2s',
    ...advanced,
    help: 'Limit of each step of a full exchange: connecting, sending, waiting for the answer. Raise it when large states do not get through in time.',
  }),
  retransmitFactor: option(int({ min: 1, max: 1000 }), {
    flag: 'memberlist.retransmit-factor',
    default: 4,
    ...advanced,
    help: 'How persistently a change is gossiped: each node sends it this many times log10(members + 1), rounded up. Also sets how many members are contacted before the node starts.',
  }),
  pushPullIntervalMs: option(durationMs({ min: 0, max: DAY_MS }), {
    flag: 'memberlist.pullpush-interval',
    yaml: 'pull_push_interval',
    default: '30s',
    ...advanced,
    help: 'Time between exchanges of the full state with one other member; 0 turns them off.',
  }),
  gossipIntervalMs: option(durationMs({ min: 0, max: DAY_MS }), {
    flag: 'memberlist.gossip-interval',
    default: '200ms',
    ...advanced,
    help: 'Time between rounds of gossip; 0 turns gossip off.',
  }),
  gossipNodes: option(int({ min: 0, max: 1000 }), {
    flag: 'memberlist.gossip-nodes',
    default: 3,
    ...advanced,
    help: 'Members that changes are sent to in each round of gossip.',
  }),
  gossipToDeadNodesTimeMs: option(durationMs({ min: 0, max: DAY_MS }), {
    flag: 'memberlist.gossip-to-dead-nodes-time',
    default: '30s',
    ...advanced,
    help: 'How long dead members are still gossiped to, so that they can object.',
  }),
  deadNodeReclaimTimeMs: option(durationMs({ min: 0 }), {
    flag: 'memberlist.dead-node-reclaim-time',
    default: '0s',
    ...advanced,
    help: 'How long the name of a dead member stays reserved to its address; 0 reserves it as long as the member is remembered.',
  }),
  compressionEnabled: option(bool(), {
    flag: 'memberlist.compression-enabled',
    default: true,
    ...advanced,
    help: 'Compress what is sent. Saves bandwidth, costs CPU.',
  }),
  notifyIntervalMs: option(durationMs({ min: 0, max: DAY_MS }), {
    flag: 'memberlist.notify-interval',
    default: '0s',
    ...advanced,
    help: 'Tell watchers of changed keys at most this often, once for all changes in between; 0 tells them at once.',
  }),
  advertiseAddr: option(string(), {
    flag: 'memberlist.advertise-addr',
    default: '',
    help: 'IP address that other members are told to use for this node. Found by itself when empty.',
  }),
  advertisePort: option(int({ min: 0, max: 65_535 }), {
    flag: 'memberlist.advertise-port',
    default: 7946,
    help: 'Port that other members are told to use; only counts together with an advertised address.',
  }),
  clusterLabel: option(string(), {
    flag: 'memberlist.cluster-label',
    default: '',
    ...advanced,
    help: 'Name of the cluster, sent along with everything. Messages with another label are dropped, so that clusters do not melt into one when addresses are reused.',
  }),
  clusterLabelVerificationDisabled: option(bool(), {
    flag: 'memberlist.cluster-label-verification-disabled',
    default: false,
    ...advanced,
    help: 'Accept messages with any label or none. For the time in which a label is rolled out.',
  }),
  joinMembers: option(stringList(), {
    flag: 'memberlist.join',
    yaml: 'join_members',
    default: [],
    help: 'Member to join, as host:port or through DNS with dns+, dnssrv+ or dnssrvnoa+ in front; may be given several times.',
  }),
  minJoinBackoffMs: option(durationMs({ min: 0, max: DAY_MS }), {
    flag: 'memberlist.min-join-backoff',
    default: '1s',
    ...advanced,
    help: 'Shortest wait between attempts to join.',
  }),
  maxJoinBackoffMs: option(durationMs({ min: 0, max: DAY_MS }), {
    flag: 'memberlist.max-join-backoff',
    default: '1m',
    ...advanced,
    help: 'Longest wait between attempts to join.',
  }),
  maxJoinRetries: option(int({ min: 0 }), {
    flag: 'memberlist.max-join-retries',
    default: 10,
    ...advanced,
    help: 'Attempts to join in all; 0 never gives up.',
  }),
  abortIfFastJoinFails: option(bool(), {
    flag: 'memberlist.abort-if-fast-join-fails',
    yaml: 'abort_if_cluster_fast_join_fails',
    default: false,
    ...advanced,
    help: 'Do not start when no member was reached at startup.',
  }),
  abortIfJoinFails: option(bool(), {
    flag: 'memberlist.abort-if-join-fails',
    yaml: 'abort_if_cluster_join_fails',
    default: false,
    help: 'Stop when the last attempt to join has failed.',
  }),
  rejoinIntervalMs: option(durationMs({ min: 0, max: DAY_MS }), {
    flag: 'memberlist.rejoin-interval',
    default: '0s',
    ...advanced,
    help: 'Time between joining all join members anew, which heals a split cluster; 0 turns it off.',
  }),
  leftIngestersTimeoutMs: option(durationMs({ min: 0 }), {
    flag: 'memberlist.left-ingesters-timeout',
    default: '5m',
    ...advanced,
    help: 'How long removed items (instances that left a ring) are remembered, so that no member brings them back; 0 keeps them for ever.',
  }),
  obsoleteEntriesTimeoutMs: option(durationMs({ min: 0, max: DAY_MS }), {
    flag: 'memberlist.obsolete-entries-timeout',
    default: '30s',
    category: 'experimental',
    help: 'How long deleted keys are remembered, so that no member brings them back; 0 keeps them for ever.',
  }),
  leaveTimeoutMs: option(durationMs(), {
    flag: 'memberlist.leave-timeout',
    default: '20s',
    ...advanced,
    help: 'How long to wait for the news of leaving to spread; 0 waits without limit.',
  }),
  broadcastTimeoutForLocalUpdatesOnShutdownMs: option(durationMs(), {
    flag: 'memberlist.broadcast-timeout-for-local-updates-on-shutdown',
    default: '10s',
    ...advanced,
    help: 'How long to wait for own changes to be sent before leaving; 0 waits without limit.',
  }),
  messageHistoryBufferBytes: option(bytes(), {
    flag: 'memberlist.message-history-buffer-bytes',
    yaml: 'message_history_buffer_bytes',
    default: 0,
    ...advanced,
    help: 'Space for the latest messages of each direction, to be shown on the status page; 0 keeps none.',
  }),
  watchPrefixBufferSize: option(int({ min: 1, max: 1_000_000 }), {
    flag: 'memberlist.watch-prefix-buffer-size',
    default: 128,
    ...advanced,
    help: 'Changes that a watch of several keys holds for its reader; more are dropped and counted.',
  }),
});
