import * as z from 'zod';
import { DNS_FAULTS } from './dns.ts';
import { SimUsageError } from './errors.ts';
import { CANARIES, type Canary } from './swarm.ts';
import type { SwarmPlan } from './swarm-plan.ts';

const time = z.number().min(0).max(86_400_000);
const share = z.number().min(0).max(1);
const link = z.strictObject({
  latencyMs: z.tuple([time, time]).readonly(),
  loss: share,
  duplicate: share,
  reorder: share,
});
const span = { atMs: time, forMs: time };
const name = z.string().min(1);
const side = z.array(name).min(1).readonly();

const fault = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('kill'),
    ...span,
    node: name,
    address: z.enum(['same', 'new']),
    disk: z.enum(['kept', 'lost']),
  }),
  z.strictObject({ type: z.literal('stop'), ...span, node: name }),
  z.strictObject({ type: z.literal('pause'), ...span, node: name }),
  z.strictObject({ type: z.literal('slow'), ...span, node: name, turnMs: time }),
  z.strictObject({ type: z.literal('skew'), ...span, node: name, byMs: z.number() }),
  z.strictObject({
    type: z.literal('cut'),
    ...span,
    shape: z.enum(['split', 'oneWay', 'bridge']),
    side,
  }),
  z.strictObject({ type: z.literal('flap'), ...span, side, everyMs: time.min(1) }),
  z.strictObject({ type: z.literal('network'), ...span, link }),
  z.strictObject({ type: z.literal('dns'), ...span, node: name, fault: z.enum(DNS_FAULTS) }),
]);

const oldNode = z.strictObject({
  protocolVersion: z.int().min(2).max(5),
  compression: z.boolean(),
});

const plan = z.strictObject({
  seed: z.int(),
  mode: z.enum(['full', 'membership']),
  network: z.enum(['datagram', 'tcp']),
  nodes: z
    .array(z.strictObject({ name, cluster: name, zone: z.string(), old: oldNode.optional() }))
    .min(1)
    .max(1000)
    .readonly(),
  link,
  knobs: z.strictObject({
    preset: z.enum(['lan', 'dskit']),
    gossipIntervalMs: time,
    gossipNodes: z.int().min(0),
    pushPullIntervalMs: time,
    gossipToTheDeadMs: time,
    rejoinIntervalMs: time,
    randomizeNodeName: z.boolean(),
    compression: z.boolean(),
    replicationFactor: z.int().min(1),
    zoneAware: z.boolean(),
    keepTokens: z.boolean(),
  }),
  writeEveryMs: time,
  faultsMs: time,
  faults: z.array(fault).max(10_000).readonly(),
});

const record = z.strictObject({ canary: z.enum(CANARIES).optional(), plan });

/** A plan that can be run again, as it is kept in a file. */
export interface ReplayRecord {
  readonly canary?: Canary | undefined;
  readonly plan: SwarmPlan;
}

/** The file that {@link readReplay} reads. */
export function formatReplay(replay: ReplayRecord): string {
  return `${JSON.stringify(replay, undefined, 2)}\n`;
}

/** Reads a file of `ml-sim shrink` or `ml-sim swarm`. @throws {SimUsageError} that says what is wrong where */
export function readReplay(source: string, text: string): ReplayRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(`${source} is no JSON: ${reason}`, { cause: error });
  }
  const read = record.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new SimUsageError(`${source} is no plan: ${where}: ${issue?.message ?? 'not understood'}`);
}
