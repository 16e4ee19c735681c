/** How a built-in scenario is broken, and which of its assertions must see it. */
export interface Break {
  readonly scenario: string;
  /** Overrides as behind `--set`. */
  readonly set?: readonly string[];
  /** A piece of the file and what stands there instead. */
  readonly replace?: readonly [from: string, to: string];
  /** An assertion that then must not hold. */
  readonly fails: string;
}

const NO_REJOIN = 'cluster.rejoin_interval=0s';
const HASTY = 'gossip.suspicion_mult=1';

/** One way to break each scenario that is cheap to run. */
export const BREAKS: readonly Break[] = [
  {
    scenario: 'burst-of-writes',
    set: ['memberlist.gossip_interval=0s'],
    fails: 'queued changes < 10 at end',
  },
  { scenario: 'churn', set: ['ring.lifecycler=classic'], fails: 'unhealthy instances == 0' },
  {
    scenario: 'clocks-apart',
    set: ['ring.heartbeat_timeout=15s'],
    fails: 'unhealthy instances == 0 after 30s',
  },
  {
    scenario: 'clock-jumps-and-returns',
    set: ['ring.heartbeat_period=2m'],
    fails: 'unhealthy instances == 0 at 235s',
  },
  {
    scenario: 'config-drift',
    replace: ['gossip_nodes: 2', 'cluster_label: other'],
    fails: 'all views equal after 4m',
  },
  { scenario: 'crash', set: ['gossip.suspicion_mult=12'], fails: 'detection max < 60s' },
  { scenario: 'cut-off-member-comes-back', set: [NO_REJOIN], fails: 'isolated nodes == 0' },
  {
    scenario: 'dns-outage-at-start',
    set: [NO_REJOIN, 'memberlist.max_join_retries=1'],
    fails: 'members == 5 on all nodes within 60s after heal',
  },
  {
    scenario: 'finds-only-itself-at-start',
    set: [NO_REJOIN, 'memberlist.max_join_retries=1'],
    fails: 'all views equal after 90s',
  },
  { scenario: 'flapping-link', set: [HASTY], fails: 'deaths <= 2' },
  { scenario: 'gc-pauses', set: [HASTY], fails: 'deaths <= 2' },
  {
    scenario: 'heartbeat-from-the-future',
    replace: ['8760h', '30m'],
    fails: 'unhealthy instances == 1 at 3m',
  },
  {
    scenario: 'ip-reuse-melts-clusters',
    set: ['memberlist.cluster_label_verification_disabled=true'],
    fails: 'strangers == 0',
  },
  {
    scenario: 'label-rollout',
    replace: ['cluster_label_verification_disabled: true', 'gossip_nodes: 3'],
    fails: 'isolated nodes == 0 after 30s',
  },
  { scenario: 'lossy-wan', set: ['memberlist.gossip_interval=5s'], fails: 'propagation p99 < 3s' },
  { scenario: 'noisy-network', set: ['network.loss=60%'], fails: 'deaths == 0' },
  {
    scenario: 'old-members',
    replace: ['compression_enabled: false', 'cluster_label: other'],
    fails: 'members == 6 on all nodes at 110s',
  },
  { scenario: 'one-way-link', set: ['gossip.indirect_checks=0'], fails: 'suspicions == 0' },
  {
    scenario: 'partition-and-heal',
    set: [NO_REJOIN],
    fails: 'all views equal within 2m after heal',
  },
  {
    scenario: 'quorum-gone-until-forgotten',
    replace: ['[node-2, node-3], by', 'node-2, by'],
    fails: 'unhealthy instances == 0',
  },
  {
    scenario: 'restart-with-new-address',
    set: ['memberlist.randomize_node_name=false'],
    fails: 'false deaths == 0',
  },
  {
    scenario: 'rolling-restart',
    set: ['ring.unregister_on_shutdown=true'],
    fails: 'instances == 6 on all nodes after 30s',
  },
  {
    scenario: 'rolling-update',
    replace: ['pause: 20s', 'pause: 20s, graceful: false'],
    fails: 'deaths == 0',
  },
  {
    scenario: 'scale-down',
    set: ['ring.unregister_on_shutdown=false'],
    fails: 'instances == 4 on all nodes within 15s after heal',
  },
  {
    scenario: 'scale-up',
    replace: ['timeline:', 'timeline:\n  - { at: 50s, dns: { fault: empty } }'],
    fails: 'instances == 12 on all nodes within 15s after heal',
  },
  { scenario: 'short-partition', set: [HASTY], fails: 'deaths == 0' },
  {
    scenario: 'stale-dns-islands',
    set: [NO_REJOIN, 'memberlist.max_join_retries=1'],
    fails: 'all views equal after 5m',
  },
  { scenario: 'steady', set: ['memberlist.gossip_interval=5s'], fails: 'propagation p99 < 2s' },
  { scenario: 'thin-line', set: ['network.bandwidth=2kB/s'], fails: 'propagation p99 < 5s' },
  {
    scenario: 'unhealthy-instance-is-forgotten',
    set: ['ring.lifecycler=classic'],
    fails: 'unhealthy instances == 0',
  },
  {
    scenario: 'whole-cluster-restart',
    set: ['ring.min_ready_duration=0s'],
    fails: 'ready nodes == 0 at 95s',
  },
  {
    scenario: 'wrong-port-in-dns',
    set: [NO_REJOIN, 'memberlist.max_join_retries=1'],
    fails: 'members == 4 on all nodes within 75s after heal',
  },
  {
    scenario: 'zone-outage',
    set: ['ring.zone_awareness_enabled=false'],
    fails: 'lookups succeed after 30s',
  },
];
