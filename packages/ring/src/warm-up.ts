import { Latest, type Runtime, seededRandom, silentLogger, sleep } from '@ml/runtime';
import { ringCodec } from './codec.ts';
import { RingDesc } from './core/desc.ts';
import { InstanceDesc } from './core/instance.ts';
import type { KeyBatch } from './core/key-batch.ts';
import { Write } from './core/operation.ts';
import { ReplicaBuffer } from './core/replica-buffer.ts';
import { Tokens } from './core/tokens.ts';
import { createRing, type Ring } from './ring.ts';

/** Both kinds of tables, the small one first: by then most is compiled, and the large one takes no longer a turn. */
const SIZES = [
  { instances: 30, tokens: 64 },
  { instances: 300, tokens: 128 },
] as const;
const ZONES = 3;
const ROUNDS = 8;
/** Instances that are made in a turn. */
const INSTANCES_PER_TURN = 25;
const ROWS_PER_TURN = 4096;
const KEYS_PER_TURN = 512;
const gossip = { localCas: false, nowUnixMs: 0 } as const;

/**
 * Makes and changes rings of its own and looks keys up in them, so that the process has compiled all that by the time
 * the first ring arrives from peers: else that one holds up the event loop for some 20 ms at 300 instances of 128 tokens
 * and 50 ms at 1000 of 512, four times as long as later ones. Takes some 0.3 s of processor time, a few milliseconds a
 * turn. For programs to call at start that must not pause; nothing but speed depends on it.
 */
export async function warmUpRing({ clock, timers, random }: Runtime): Promise<void> {
  const runtime: Runtime = { clock, timers, random, log: silentLogger };
  for (const { instances, tokens } of SIZES) {
    const made = await makeRing(instances, tokens, runtime);
    await nextTurn(runtime);
    const state = ringCodec.encode(made);
    for (let round = 0; round < ROUNDS; round++) await useRing(state, runtime);
  }
}

function nextTurn(runtime: Runtime): Promise<void> {
  return sleep(runtime, 0);
}

async function makeRing(instances: number, tokens: number, runtime: Runtime): Promise<RingDesc> {
  const random = seededRandom(1);
  const made: InstanceDesc[] = [];
  for (let i = 0; i < instances; i++) {
    if (i % INSTANCES_PER_TURN === 0) await nextTurn(runtime);
    const own = Array.from({ length: tokens }, () => random.int(2 ** 32));
    made.push(
      InstanceDesc.of({
        id: `instance-${i}`,
        zone: `zone-${i % ZONES}`,
        addr: `10.0.0.${i % 256}:9095`,
        tokens: Tokens.of(own),
        heartbeatUnixS: 1,
      }),
    );
  }
  return RingDesc.of(made);
}

/** The life of a ring: it arrives, is asked, and hears a heartbeat. */
async function useRing(state: Uint8Array, runtime: Runtime): Promise<void> {
  const values = new Latest<RingDesc>();
  values.set(RingDesc.empty);
  await using ring = await createRing({
    name: 'warm-up',
    key: 'warm-up',
    config: {
      replicationFactor: 3,
      zoneAwarenessEnabled: true,
      excludedZones: [],
      heartbeatTimeoutMs: 0,
    },
    client: { watchKey: (_key, options) => values.values(options) },
    runtime,
  });
  const receive = (message: Uint8Array): void => {
    values.set(ring.desc.merge(ringCodec.decode(message, ring.desc), gossip).value);
  };
  await nextTurn(runtime);
  receive(state);
  await nextTurn(runtime);
  const keys = Uint32Array.from({ length: KEYS_PER_TURN }, (_, i) => Math.imul(i, 0x9e3779b1));
  ring.get(0, Write);
  await nextTurn(runtime);
  while (!ring.view.placement.buildTable(ROWS_PER_TURN)) await nextTurn(runtime);
  await nextTurn(runtime);
  askAll(ring, keys);
  await nextTurn(runtime);
  const [first] = ring.instances;
  if (first === undefined) return;
  receive(ringCodec.encode(RingDesc.of([first.with({ heartbeatUnixS: 2 })])));
  await nextTurn(runtime);
  askAll(ring, keys);
}

function askAll(ring: Ring, keys: Uint32Array): void {
  const buffer = new ReplicaBuffer();
  for (const key of keys) {
    ring.get(key, Write);
    ring.getInto(key, Write, buffer);
  }
  const batch: KeyBatch = ring.getBatch(keys, Write);
  for (let i = 0; i < batch.size; i++) batch.position(i, 0);
}
