import { type GossipConfig, gossipPresets } from '@ml/gossip';
import type { MemberlistKvConfig } from './config.ts';

/** Port of join entries without one, whatever port is bound. // K-34 */
const DEFAULT_JOIN_PORT = 7946;

/** What the gossip protocol is set to by a store's settings. As in dskit. // K-34 */
export function gossipConfigOf(config: MemberlistKvConfig): GossipConfig {
  return {
    ...gossipPresets.dskit,
    bindPort: DEFAULT_JOIN_PORT,
    streamTimeoutMs: Math.ceil(config.streamTimeoutMs),
    retransmitMult: config.retransmitFactor,
    pushPullIntervalMs: Math.ceil(config.pushPullIntervalMs),
    gossipIntervalMs: Math.ceil(config.gossipIntervalMs),
    gossipNodes: config.gossipNodes,
    gossipToTheDeadMs: Math.ceil(config.gossipToDeadNodesTimeMs),
    deadNodeReclaimMs: Math.ceil(config.deadNodeReclaimTimeMs),
    compression: config.compressionEnabled,
    label: config.clusterLabel,
    skipInboundLabelCheck: config.clusterLabelVerificationDisabled,
  };
}
