import {
  createRing,
  KeyBatch,
  Read,
  type ReadRing,
  ReplicaBuffer,
  type Ring,
  RingDesc,
  ringCodec,
  Write,
} from '@ml/ring';
import { seededRandom } from '@ml/runtime';
import { nodeRuntime } from '@ml/runtime/node';
import { cpuNs, keep, type Params, type Prepare, type Run, repeated } from './measure.ts';
import { PushedKv } from './pushed-kv.ts';
import { Heartbeats, KeySequence, makeRing } from './rings.ts';

const gossip = { localCas: false, nowUnixMs: Date.now() } as const;
/** Every heartbeat that a benchmark makes is fresh. */
const HEARTBEAT_TIMEOUT_MS = 60 * 86_400_000;

/** A ring that follows a made one, and the store it follows. */
export async function startRing(
  params: Params,
): Promise<{ readonly ring: Ring; readonly kv: PushedKv }> {
  const kv = new PushedKv(makeRing(params));
  const ring = await createRing({
    name: 'bench',
    key: 'ring',
    client: kv,
    runtime: nodeRuntime(),
    config: {
      replicationFactor: 3,
      zoneAwarenessEnabled: params.number('zones') > 0,
      excludedZones: [],
      heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_MS,
    },
  });
  return { ring, kv };
}

/** So many operations are measured together where their inputs are made first: reading the clock costs as well. */
const CHUNK = 16;

type NextBeat = (beats: Heartbeats) => ReturnType<Heartbeats['next']>;

/** The time from the moment a value is handed over until look-ups are answered from it. */
function visible(change: NextBeat): Prepare {
  return async (params) => {
    const { ring, kv } = await startRing(params);
    const keys = new KeySequence(1);
    let desc = ring.desc;
    const beats = new Heartbeats(desc);
    ring.getBatch(new KeySequence(1).take(100_000), Write);
    return async (n) => {
      let counted = 0;
      for (let done = 0; done < n; done += CHUNK) {
        const values = Array.from({ length: Math.min(CHUNK, n - done) }, () => {
          desc = desc.merge(RingDesc.of([change(beats)]), gossip).value;
          return desc;
        });
        const started = cpuNs();
        for (const next of values) {
          kv.push(next);
          while (ring.desc !== next) await undefined;
          keep(ring.get(keys.next(), Write));
        }
        counted += cpuNs() - started;
      }
      return counted;
    };
  };
}

/** Counts the merges only, not the making of what is merged. */
function merging(change: NextBeat): Prepare {
  return (params): Run => {
    // As a store has it that got the ring from peers.
    let desc = ringCodec.decode(ringCodec.encode(makeRing(params)));
    const beats = new Heartbeats(desc);
    return (n) => {
      let counted = 0;
      for (let done = 0; done < n; done += CHUNK) {
        const messages = Array.from({ length: Math.min(CHUNK, n - done) }, () =>
          ringCodec.decode(ringCodec.encode(RingDesc.of([change(beats)]))),
        );
        const started = cpuNs();
        for (const message of messages) {
          const merged = desc.merge(message, gossip);
          keep(merged.change?.mergeContent());
          desc = merged.value;
        }
        counted += cpuNs() - started;
      }
      return counted;
    };
  };
}

/** Keys of so many batches are made before, so that making them does not count. */
const KEY_SETS = 4;

function keySets(params: Params): () => Uint32Array {
  const sequence = new KeySequence(777);
  const sets = Array.from({ length: KEY_SETS }, () => sequence.take(params.number('keys')));
  let turn = 0;
  return () => {
    turn = (turn + 1) % KEY_SETS;
    return sets[turn] ?? new Uint32Array(0);
  };
}

/** Look-ups. */
const lookups: Readonly<Record<string, Prepare>> = {
  'ring.get': async (params) => {
    const { ring } = await startRing(params);
    const keys = new KeySequence(12_345);
    return repeated(() => keep(ring.get(keys.next(), Write)));
  },
  'ring.getInto': async (params) => {
    const { ring } = await startRing(params);
    const keys = new KeySequence(12_345);
    const buffer = new ReplicaBuffer();
    return (n) => {
      let sum = 0;
      for (let i = 0; i < n; i += 1) sum += ring.getInto(keys.next(), Write, buffer);
      keep(sum);
      return undefined;
    };
  },
  'ring.getBatch': async (params) => {
    const { ring } = await startRing(params);
    const next = keySets(params);
    const batch = new KeyBatch();
    return repeated(() => {
      ring.getBatch(next(), Write, batch);
      const { size } = batch;
      let sum = 0;
      for (let i = 0; i < size; i += 1) sum += batch.count(i) + batch.position(i, 0);
      keep(sum);
    });
  },
  'ring.replicationSetFor': async (params) => {
    const { ring } = await startRing(params);
    return repeated(() => keep(ring.replicationSetFor(Read)));
  },
};

/** Changes: from the value that a store hands over to answers from it, and the merges before that. */
const changes: Readonly<Record<string, Prepare>> = {
  'ring.heartbeatVisible': visible((beats) => beats.next()),
  'ring.tokenVisible': visible((beats) => beats.nextWithOtherToken()),
  'ring.mergeHeartbeat': merging((beats) => beats.next()),
  'ring.mergeToken': merging((beats) => beats.nextWithOtherToken()),
};

/** The same ring with its instances in no order, as peers send it whose maps have none. */
function shuffled(desc: RingDesc): RingDesc {
  return RingDesc.of(seededRandom(7).shuffle(Array.from(desc)));
}

/** The codec, and a full state that brings nothing new. */
const states: Readonly<Record<string, Prepare>> = {
  'ring.encode': (params) => {
    const desc = makeRing(params);
    return repeated(() => keep(ringCodec.encode(desc)));
  },
  'ring.decode': (params) => {
    const bytes = ringCodec.encode(shuffled(makeRing(params)));
    return repeated(() => keep(ringCodec.decode(bytes)));
  },
  'ring.decodeMergeNothingNew': (params) => {
    const desc = makeRing(params);
    const bytes = ringCodec.encode(shuffled(desc));
    return repeated(() => {
      const { change } = desc.merge(ringCodec.decode(bytes, desc), gossip);
      if (change !== undefined) throw new TypeError('a state that brings nothing new changed it');
    });
  },
};

const tenants = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `tenant-${i}`);

/** Shards that are kept from the call before. */
function keptShards(use: (shard: ReadRing) => void): Prepare {
  return async (params) => {
    const { ring } = await startRing(params);
    const names = tenants(100);
    const size = params.number('size');
    for (const name of names) ring.shuffleShard(name, size);
    let i = 0;
    return repeated(() => {
      use(ring.shuffleShard(names[i % names.length] ?? '', size));
      i += 1;
    });
  };
}

/** Shards of tenants. */
const shards: Readonly<Record<string, Prepare>> = {
  'ring.shuffleShard.uncached': async (params) => {
    const { ring } = await startRing(params);
    const names = tenants(1000);
    const size = params.number('size');
    let i = 0;
    return repeated(() => {
      const name = names[i % names.length] ?? '';
      i += 1;
      ring.forgetShards(name);
      keep(ring.shuffleShard(name, size).instances.length);
    });
  },
  'ring.shuffleShard.cached': keptShards((shard) => keep(shard.instances.length)),
  'ring.shuffleShard.cachedGet': (params) => {
    const keys = new KeySequence(99);
    return keptShards((shard) => keep(shard.get(keys.next(), Write)))(params);
  },
};

export const ringBenchmarks: Readonly<Record<string, Prepare>> = {
  ...lookups,
  ...changes,
  ...states,
  ...shards,
};
