import * as z from 'zod';
import { parseAssertion } from './assertion.ts';
import type { DnsFault } from './dns.ts';
import { type GossipBlock, gossipBlock } from './gossip-block.ts';
import {
  address,
  byteAmount,
  configBlock,
  dnsFault,
  duration,
  type LinkText,
  latency,
  selector,
  share,
  signedDuration,
} from './scenario-values.ts';

type Block = Readonly<Record<string, unknown>>;
type Selector = readonly string[];

/** A group of nodes that are alike. */
export interface NodeGroup {
  readonly count: number;
  /** Of several nodes, each gets a dash and its number behind it. */
  readonly name?: string | undefined;
  readonly zone?: string | undefined;
  readonly cluster?: string | undefined;
  readonly config?: Block | undefined;
  readonly gossip?: GossipBlock | undefined;
  /** Whether the DNS lists the nodes. */
  readonly listed?: boolean | undefined;
  /** Whether they are started at the beginning. */
  readonly started: boolean;
}

/** What an entry of the timeline does; exactly one property is set. Durations in milliseconds. */
export interface ActionText {
  readonly kill?: Selector | undefined;
  readonly stop?: Selector | undefined;
  readonly start?: Selector | undefined;
  readonly restart?:
    | {
        readonly nodes: Selector;
        readonly address: 'same' | 'new';
        readonly disk: 'kept' | 'lost';
      }
    | undefined;
  readonly pause?: Selector | undefined;
  readonly resume?: Selector | undefined;
  readonly slow_cpu?: { readonly nodes: Selector; readonly turn: number } | undefined;
  readonly clock_skew?: { readonly nodes: Selector; readonly by: number } | undefined;
  readonly partition?: readonly Selector[] | undefined;
  readonly block?: { readonly from: Selector; readonly to: Selector } | undefined;
  readonly link?:
    | (LinkText & {
        readonly nodes?: Selector | undefined;
        readonly zones?: readonly [string, string] | undefined;
      })
    | undefined;
  readonly dns?: { readonly fault: DnsFault; readonly nodes?: Selector | undefined } | undefined;
  readonly ip_reuse?:
    | {
        readonly of: string;
        readonly name: string;
        readonly cluster?: string | undefined;
        readonly config?: Block | undefined;
      }
    | undefined;
  readonly rolling_update?:
    | {
        readonly nodes: Selector;
        readonly pause: number;
        readonly address: 'same' | 'new';
        readonly graceful: boolean;
        readonly config?: Block | undefined;
      }
    | undefined;
  readonly scale?:
    | {
        readonly add: number;
        readonly remove: number;
        readonly zone?: string | undefined;
        readonly cluster?: string | undefined;
      }
    | undefined;
  readonly config?: { readonly nodes: Selector; readonly set: Block } | undefined;
  readonly forget?: { readonly instances: Selector; readonly by?: string | undefined } | undefined;
  readonly note?: string | undefined;
}

/** Something that happens in a scenario. Times in milliseconds. */
export interface TimelineEntry extends ActionText {
  readonly at: number;
  readonly for?: number | undefined;
  readonly every?: number | undefined;
  readonly times?: number | undefined;
}

/** A checked scenario file. Times in milliseconds. */
export interface ScenarioText {
  readonly description: string;
  /** Which trouble of operators the scenario is about, in one sentence. */
  readonly pain?: string | undefined;
  readonly seed: number;
  readonly mode: 'full' | 'membership';
  readonly nodes: readonly NodeGroup[];
  readonly start: { readonly spread: number };
  readonly duration: number;
  /** How often the cluster is looked at. */
  readonly sample: number;
  readonly network: LinkText & {
    readonly mode?: 'tcp' | 'datagram' | undefined;
    readonly max_packet_bytes?: number | undefined;
    readonly zones: readonly (LinkText & {
      readonly from: string;
      readonly to: string;
      readonly one_way: boolean;
    })[];
  };
  readonly config: Block;
  readonly gossip: GossipBlock;
  readonly workload?:
    | {
        readonly every: number;
        readonly keys: number;
        readonly value_bytes: number;
        readonly writers: number;
        readonly burst: number;
        readonly from: number;
        readonly until?: number | undefined;
      }
    | undefined;
  readonly timeline: readonly TimelineEntry[];
  readonly assert: readonly string[];
}

const linkKeys = {
  latency: latency.optional().meta({ description: 'One-way latency.' }),
  loss: share.optional().meta({ description: 'Share of packets that are lost.' }),
  duplicate: share.optional().meta({ description: 'Share of packets that arrive twice.' }),
  reorder: share.optional().meta({ description: 'Share of packets that later ones overtake.' }),
  reorder_by: duration
    .optional()
    .meta({ description: 'How long those are held back. Default 20ms.' }),
  corrupt: share.optional().meta({ description: 'Share of packets of which one bit is flipped.' }),
  bandwidth: byteAmount.optional().meta({ description: 'Bytes per second of each directed link.' }),
} as const;

const count = z.int().min(0).max(100_000);
const mode = z.enum(['full', 'membership']);

const nodeGroup = z.strictObject({
  count: count.min(1).default(1),
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'write letters, digits, dots, dashes and underscores')
    .optional()
    .meta({
      description: 'Name of the node; of several, each gets a dash and its number behind it.',
    }),
  zone: z.string().optional(),
  cluster: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'write lower-case letters, digits and dashes')
    .optional(),
  config: configBlock.optional(),
  gossip: gossipBlock.optional(),
  listed: z
    .boolean()
    .optional()
    .meta({ description: 'Whether the DNS lists the nodes. Default true.' }),
  started: z
    .boolean()
    .default(true)
    .meta({ description: 'Whether they are started at the beginning.' }),
});

const network = z.strictObject({
  mode: z.enum(['tcp', 'datagram']).optional().meta({
    description:
      'Packets on connections as in dskit, or as datagrams. Default: tcp for full nodes.',
  }),
  max_packet_bytes: byteAmount.optional(),
  ...linkKeys,
  zones: z
    .array(
      z.strictObject({
        from: z.string(),
        to: z.string(),
        one_way: z.boolean().default(false),
        ...linkKeys,
      }),
    )
    .default([])
    .meta({ description: 'Links between zones that differ from the rest.' }),
});

const workload = z.strictObject({
  every: duration.default(1000).meta({ description: 'One write each so often. Default 1s.' }),
  keys: count.min(1).max(1000).default(1),
  value_bytes: byteAmount.default(0),
  writers: count
    .min(1)
    .default(1)
    .meta({ description: 'How many random nodes write at once. Default 1.' }),
  burst: count.min(1).default(1).meta({
    description: 'How many writes each of them begins at once, competing for one item. Default 1.',
  }),
  from: duration.default(0).meta({ description: 'When writing begins.' }),
  until: duration
    .optional()
    .meta({ description: 'When writing ends. Default: with the scenario.' }),
});

/** What the timeline can do, by key; each entry has exactly one of them. */
const actionKeys = {
  kill: selector
    .optional()
    .meta({ description: 'End processes as kill -9 would. With "for": they are started again.' }),
  stop: selector
    .optional()
    .meta({ description: 'Leave in good order. With "for": they are started again.' }),
  start: selector.optional().meta({ description: 'Start nodes that are down.' }),
  restart: z
    .strictObject({
      nodes: selector,
      address: address.default('same'),
      disk: z.enum(['kept', 'lost']).default('kept'),
    })
    .optional()
    .meta({ description: 'Kill nodes and start them at once, at their address or a new one.' }),
  pause: selector
    .optional()
    .meta({ description: 'Stop processes as SIGSTOP or a long garbage collection would.' }),
  resume: selector.optional(),
  slow_cpu: z
    .strictObject({ nodes: selector, turn: duration })
    .optional()
    .meta({ description: 'Let each packet, stream and timer take processor time.' }),
  clock_skew: z
    .strictObject({ nodes: selector, by: signedDuration })
    .optional()
    .meta({ description: 'Set wall clocks ahead or back; they jump at once.' }),
  partition: z.array(selector).min(2).optional().meta({
    description: 'Groups of nodes that no longer reach each other; "rest" stands for all others.',
  }),
  block: z
    .strictObject({ from: selector, to: selector })
    .optional()
    .meta({ description: 'One-way: nothing from the ones reaches the others.' }),
  link: z
    .strictObject({
      nodes: selector.optional(),
      zones: z.tuple([z.string(), z.string()]).optional(),
      ...linkKeys,
    })
    .optional()
    .meta({
      description:
        'Replace the faults of all links, those of some nodes, or those between two zones.',
    }),
  dns: z
    .strictObject({ fault: dnsFault, nodes: selector.optional() })
    .optional()
    .meta({ description: 'Let the DNS misbehave, towards all or some nodes.' }),
  ip_reuse: z
    .strictObject({
      of: z.string(),
      name: z.string(),
      cluster: z.string().optional(),
      config: configBlock.optional(),
    })
    .optional()
    .meta({
      description: 'Kill a node and start a new one, perhaps of another cluster, at its address.',
    }),
  rolling_update: z
    .strictObject({
      nodes: selector.default(['all']),
      pause: duration.default(10_000),
      address: address.default('new'),
      graceful: z.boolean().default(true),
      config: configBlock.optional(),
    })
    .optional()
    .meta({ description: 'Restart nodes one after the other, with a pause in between.' }),
  scale: z
    .strictObject({
      add: count.default(0),
      remove: count.default(0),
      zone: z.string().optional(),
      cluster: z.string().optional(),
    })
    .optional()
    .meta({ description: 'Add new nodes, or let random ones leave.' }),
  config: z
    .strictObject({ nodes: selector, set: configBlock })
    .optional()
    .meta({ description: 'Restart nodes with another configuration, so that they drift apart.' }),
  forget: z.strictObject({ instances: selector, by: z.string().optional() }).optional().meta({
    description:
      'Take instances out of the ring, as an operator does on the page of a node: "by", else the first that is up.',
  }),
  note: z.string().optional().meta({ description: 'Write something into the report.' }),
} as const;

/** Names of what the timeline can do. */
export const ACTIONS: readonly string[] = Object.keys(actionKeys);

const timelineEntry = z
  .strictObject({
    at: duration.meta({ description: 'When, from the start of the scenario.' }),
    for: duration.optional().meta({ description: 'How long. Default: for good.' }),
    every: duration
      .optional()
      .meta({ description: 'Do it again each so often, as for flapping links.' }),
    times: count.min(1).optional().meta({ description: 'How often in all, with "every".' }),
    ...actionKeys,
  })
  .superRefine((entry, context) => {
    const given = Object.keys(entry).filter((key) => ACTIONS.includes(key));
    if (given.length !== 1) {
      const message =
        given.length === 0
          ? `an entry of the timeline says what happens: write one of ${ACTIONS.join(', ')}`
          : `an entry of the timeline does one thing, not ${given.join(' and ')}: write one entry each`;
      context.addIssue({ code: 'custom', message });
    }
    if ((entry.every === undefined) !== (entry.times === undefined)) {
      context.addIssue({ code: 'custom', message: '"every" and "times" belong together' });
    }
    if (entry.every !== undefined && entry.for !== undefined && entry.for >= entry.every) {
      context.addIssue({ code: 'custom', message: '"for" must be shorter than "every"' });
    }
  });

const assertion = z.string().superRefine((text, context) => {
  try {
    parseAssertion(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    context.addIssue({ code: 'custom', message });
  }
});

/** A scenario file. Strict: unknown keys are errors. */
export const scenarioSchema: z.ZodType<ScenarioText, unknown> = z.strictObject({
  description: z
    .string()
    .min(1)
    .meta({ description: 'One sentence: what happens and what must hold.' }),
  pain: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'One sentence: which trouble of operators this is about.' }),
  seed: z.int().min(0).default(1).meta({ description: 'Default 1; -seed wins.' }),
  mode: mode.default('full').meta({ description: 'Whole servers, or gossip alone.' }),
  nodes: z
    .union(
      [
        count.min(1).transform((n) => [{ ...nodeGroup.parse({}), count: n }]),
        z.array(nodeGroup).min(1),
      ],
      {
        error: 'write a number from 1 to 100000, or a list of groups',
      },
    )
    .meta({ description: 'How many nodes, or groups of nodes.' }),
  start: z
    .strictObject({ spread: duration.default(1000) })
    .prefault({})
    .meta({ description: 'Nodes start at random moments of this time.' }),
  duration: duration.meta({ description: 'How long the scenario lasts.' }),
  sample: duration
    .default(1000)
    .meta({ description: 'How often the cluster is looked at. Default 1s.' }),
  network: network.prefault({}),
  config: configBlock.default({}),
  gossip: gossipBlock.prefault({}),
  workload: workload.optional(),
  timeline: z.array(timelineEntry).default([]),
  assert: z.array(assertion).default([]),
});

/** The JSON Schema of scenario files, for editors. */
export function scenarioJsonSchema(): object {
  const schema = z.toJSONSchema(scenarioSchema, { io: 'input' });
  return { ...schema, title: 'A scenario of ml-sim' };
}
