// How long rings hold up the event loop while they change, as one line of JSON: `turns.ts <instances> <tokens>`.

import {
  createRing,
  InstanceDesc,
  type Ring,
  RingDesc,
  ringCodec,
  Write,
  warmUpGoRand,
  warmUpRing,
} from '@ml/ring';
import { nodeRuntime } from '@ml/runtime/node';
import { cpuNs, keep, Params } from './measure.ts';
import { PushedKv } from './pushed-kv.ts';
import { Heartbeats, KeySequence, makeRing } from './rings.ts';

/** What is measured, each in a ring of its own: the time of the longest turn of each round, in milliseconds. */
export interface Turns {
  readonly what: string;
  /** Of the first round in the process. */
  readonly firstMs: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

const ROUNDS = 10;
const TENANTS = 200;
const SHARD_SIZE = 9;
/** So many look-ups make a ring prepare for more. */
const BATCH = 20_000;
/** Turns after which nothing that a change set off is left to do. */
const QUIET_TURNS = 20;

const gossip = { localCas: false, nowUnixMs: Date.now() } as const;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 2));

/**
 * The longest of the turns that `steps` take one after the other, and of those after them until all is quiet. A turn
 * holds the event loop up for no longer than it takes on the wall, and, as the loop never waits in it, for no longer
 * than the process takes of the processor: that also counts the threads that collect garbage and compile, the wall
 * whatever else the machine does. The smaller one is the nearer one.
 */
async function longestTurnMs(steps: readonly (() => void)[]): Promise<number> {
  let longest = 0;
  await nextTurn();
  let cpu = cpuNs();
  let wall = performance.now() * 1e6;
  const turnEnds = (): void => {
    const cpuNow = cpuNs();
    const wallNow = performance.now() * 1e6;
    longest = Math.max(longest, Math.min(cpuNow - cpu, wallNow - wall));
    cpu = cpuNow;
    wall = wallNow;
  };
  for (const step of steps) {
    step();
    await nextTurn();
    turnEnds();
  }
  for (let i = 0; i < QUIET_TURNS; i += 1) {
    await pause();
    turnEnds();
  }
  return longest / 1e6;
}

const [instances = 1000, tokens = 512] = process.argv.slice(2).map(Number);
const made = makeRing(new Params({ instances, tokens, zones: 3 }));
const state = ringCodec.encode(made);

async function ringOf(value: RingDesc): Promise<{ readonly ring: Ring; readonly kv: PushedKv }> {
  const kv = new PushedKv(value);
  const ring = await createRing({
    name: 'turns',
    key: 'ring',
    client: kv,
    runtime: nodeRuntime(),
    config: {
      replicationFactor: 3,
      zoneAwarenessEnabled: true,
      excludedZones: [],
      heartbeatTimeoutMs: 0,
    },
  });
  return { ring, kv };
}

/** A ring in use: it has worked out all that look-ups need. */
async function usedRing(): Promise<{ readonly ring: Ring; readonly kv: PushedKv }> {
  const { ring, kv } = await ringOf(RingDesc.empty.merge(ringCodec.decode(state), gossip).value);
  ring.getBatch(keys(), Write);
  ring.getBatch(keys(), Write);
  return { ring, kv };
}

const sequence = new KeySequence(3);
const keys = (): Uint32Array => sequence.take(BATCH);

/** Merges what a peer sends and hands it to the ring. */
function arrives(
  { ring, kv }: Awaited<ReturnType<typeof usedRing>>,
  message: Uint8Array,
): () => void {
  return () => {
    kv.push(ring.desc.merge(ringCodec.decode(message), gossip).value);
  };
}

function asked(ring: Ring): () => void {
  return () => keep(ring.get(sequence.next(), Write));
}

type Round = () => Promise<number>;

async function tokenChange(): Promise<Round> {
  const used = await usedRing();
  const beats = new Heartbeats(made);
  return () => {
    const message = ringCodec.encode(RingDesc.of([beats.nextWithOtherToken()]));
    return longestTurnMs([arrives(used, message), asked(used.ring)]);
  };
}

async function fullState(): Promise<Round> {
  const used = await usedRing();
  let ahead = 0;
  return () => {
    ahead += 1;
    const newer = made.instances.map((instance) =>
      instance.with({ heartbeatUnixS: instance.heartbeatUnixS + ahead }),
    );
    const message = ringCodec.encode(RingDesc.of(newer));
    return longestTurnMs([arrives(used, message), asked(used.ring)]);
  };
}

async function coldBuild(): Promise<Round> {
  return async () => {
    const cold = await ringOf(RingDesc.empty);
    const [first, second] = [keys(), keys()];
    return longestTurnMs([
      arrives(cold, state),
      asked(cold.ring),
      () => keep(cold.ring.getBatch(first, Write)),
      () => keep(cold.ring.getBatch(second, Write)),
    ]);
  };
}

/** An instance leaves, so that the shards of all tenants are picked anew; one tenant is served in a turn. */
async function shards(): Promise<Round> {
  const used = await usedRing();
  const { ring, kv } = used;
  const whole = ring.desc;
  const [first = InstanceDesc.of({ id: '' })] = whole.instances;
  const serve = (tenant: number): void =>
    keep(ring.shuffleShard(`tenant-${tenant}`, SHARD_SIZE).get(sequence.next(), Write));
  for (let tenant = 0; tenant < TENANTS; tenant += 1) serve(tenant);
  const without = RingDesc.of(whole.instances.slice(1));
  let round = 0;
  return () => {
    round += 1;
    return longestTurnMs([
      () => kv.push(round % 2 === 1 ? without : without.set(first)),
      ...Array.from({ length: TENANTS }, (_, tenant) => () => serve(tenant)),
    ]);
  };
}

async function measure(what: string, prepare: () => Promise<Round>): Promise<Turns> {
  const round = await prepare();
  const took: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1) took.push(await round());
  const [firstMs = 0] = took;
  took.sort((a, b) => a - b);
  return { what, firstMs, medianMs: took[ROUNDS >> 1] ?? 0, maxMs: took.at(-1) ?? 0 };
}

// As programs do at start that must not pause.
warmUpGoRand();
await warmUpRing(nodeRuntime());

const all: readonly Turns[] = [
  // First, because that is when it happens.
  await measure('cold build', coldBuild),
  await measure('token change', tokenChange),
  await measure('full state', fullState),
  await measure('shards of a changed zone', shards),
];
process.stdout.write(`${JSON.stringify(all)}\n`);
process.exit(0);
