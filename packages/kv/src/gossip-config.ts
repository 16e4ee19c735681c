import { type GossipConfig, gossipPresets } from '@ml/gossip';
import type { MemberlistKvConfig } from './config.ts';
import { KvOptionsError } from './errors.ts';
import type { MemberlistKvOptions } from './memberlist-kv.ts';

/** Port of join entries without one, whatever port is bound. // K-34 */
const DEFAULT_JOIN_PORT = 7946;

/** dskit's budget for packets over TCP. */
const PACKET_BUDGET_BYTES = 10 * 1024 * 1024;
/** Parts of a compound, the type of a user message, the label's own two bytes. */
const PACKET_OVERHEAD_BYTES = 8;

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

/** The node's name with its suffix. @throws {KvOptionsError} when it has none. */
export function nodeName(
  options: Pick<MemberlistKvOptions, 'config' | 'name' | 'runtime'>,
): string {
  const { config, name, runtime } = options;
  const base = config.nodeName || name;
  if (base === undefined || base === '') {
    throw new KvOptionsError('the node has no name: set -memberlist.nodename or pass name');
  }
  if (!config.randomizeNodeName) return base;
  const suffix = [...runtime.random.bytes(4)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `${base}-${suffix.join('')}`;
}

/** Longest change that fits into a packet. */
export function maxMessageBytes({
  config,
  transport,
}: Pick<MemberlistKvOptions, 'config' | 'transport'>): number {
  const labelBytes = new TextEncoder().encode(config.clusterLabel).length;
  const packet = Math.min(PACKET_BUDGET_BYTES, transport.maxPacketBytes);
  return packet - PACKET_OVERHEAD_BYTES - labelBytes;
}
