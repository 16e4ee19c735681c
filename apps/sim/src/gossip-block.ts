import { type GossipConfig, gossipPresets } from '@ml/gossip';
import * as z from 'zod';
import { duration } from './scenario-values.ts';

const count = z.int().min(0).max(1000);

/** Settings of the gossip protocol that the server has no option for, for experiments. Durations in milliseconds. */
export interface GossipBlock {
  readonly preset?: 'lan' | 'wan' | 'local' | 'dskit' | undefined;
  readonly protocol_version?: number | undefined;
  readonly probe_interval?: number | undefined;
  readonly probe_timeout?: number | undefined;
  readonly indirect_checks?: number | undefined;
  readonly suspicion_mult?: number | undefined;
  readonly suspicion_max_timeout_mult?: number | undefined;
  readonly suspicion_counts_only_alive?: boolean | undefined;
  readonly push_pull_nodes?: number | undefined;
  readonly awareness_max_multiplier?: number | undefined;
  readonly stream_ping?: boolean | undefined;
  readonly lifeguard?:
    | {
        readonly awareness: boolean;
        readonly dynamic_suspicion: boolean;
        readonly buddy: boolean;
        readonly nacks: boolean;
      }
    | undefined;
}

/** Reads a {@link GossipBlock}. */
export const gossipBlock: z.ZodType<GossipBlock, unknown> = z.strictObject({
  preset: z
    .enum(['lan', 'wan', 'local', 'dskit'])
    .optional()
    .meta({ description: 'Start from a preset. What the memberlist block sets wins over it.' }),
  protocol_version: z
    .int()
    .min(2)
    .max(5)
    .optional()
    .meta({ description: 'Of members that speak an older protocol.' }),
  probe_interval: duration.optional(),
  probe_timeout: duration.optional(),
  indirect_checks: count.optional(),
  suspicion_mult: count.min(1).optional(),
  suspicion_max_timeout_mult: count.min(1).optional(),
  suspicion_counts_only_alive: z.boolean().optional(),
  push_pull_nodes: count.min(1).optional(),
  awareness_max_multiplier: count.min(1).optional(),
  stream_ping: z.boolean().optional(),
  lifeguard: z
    .strictObject({
      awareness: z.boolean().default(true),
      dynamic_suspicion: z.boolean().default(true),
      buddy: z.boolean().default(true),
      nacks: z.boolean().default(true),
    })
    .optional()
    .meta({ description: 'Parts of Lifeguard to switch off.' }),
});

/** Which keys of the `memberlist` block say the same as which setting of a preset. */
const SERVER_KEYS: readonly (readonly [key: string, setting: keyof GossipConfig])[] = [
  ['stream_timeout', 'streamTimeoutMs'],
  ['retransmit_factor', 'retransmitMult'],
  ['pull_push_interval', 'pushPullIntervalMs'],
  ['gossip_interval', 'gossipIntervalMs'],
  ['gossip_nodes', 'gossipNodes'],
  ['gossip_to_dead_nodes_time', 'gossipToTheDeadMs'],
  ['dead_node_reclaim_time', 'deadNodeReclaimMs'],
  ['compression_enabled', 'compression'],
  ['cluster_label', 'label'],
  ['cluster_label_verification_disabled', 'skipInboundLabelCheck'],
];

/** The settings that a block replaces. `memberlist`: what the configuration says beside it. */
export function gossipSettings(
  block: GossipBlock,
  memberlist: Readonly<Record<string, unknown>>,
): Partial<GossipConfig> {
  const { lifeguard } = block;
  return {
    ...(block.preset !== undefined && presetBelow(block.preset, memberlist)),
    ...(block.protocol_version !== undefined && { protocolVersion: block.protocol_version }),
    ...(block.probe_interval !== undefined && { probeIntervalMs: block.probe_interval }),
    ...(block.probe_timeout !== undefined && { probeTimeoutMs: block.probe_timeout }),
    ...(block.indirect_checks !== undefined && { indirectChecks: block.indirect_checks }),
    ...(block.suspicion_mult !== undefined && { suspicionMult: block.suspicion_mult }),
    ...(block.suspicion_max_timeout_mult !== undefined && {
      suspicionMaxTimeoutMult: block.suspicion_max_timeout_mult,
    }),
    ...(block.suspicion_counts_only_alive !== undefined && {
      suspicionCountsOnlyAlive: block.suspicion_counts_only_alive,
    }),
    ...(block.push_pull_nodes !== undefined && { pushPullNodes: block.push_pull_nodes }),
    ...(block.awareness_max_multiplier !== undefined && {
      awarenessMaxMultiplier: block.awareness_max_multiplier,
    }),
    ...(block.stream_ping !== undefined && { streamPing: block.stream_ping }),
    ...(lifeguard !== undefined && {
      lifeguard: {
        awareness: lifeguard.awareness,
        dynamicSuspicion: lifeguard.dynamic_suspicion,
        buddy: lifeguard.buddy,
        nacks: lifeguard.nacks,
      },
    }),
  };
}

function presetBelow(
  preset: keyof typeof gossipPresets,
  memberlist: Readonly<Record<string, unknown>>,
): Partial<GossipConfig> {
  const settings: Partial<GossipConfig> = { ...gossipPresets[preset] };
  for (const [key, setting] of SERVER_KEYS) if (key in memberlist) delete settings[setting];
  return settings;
}
