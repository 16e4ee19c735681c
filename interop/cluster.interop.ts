import { setTimeout as delay } from 'node:timers/promises';
import { InstanceDesc, type Operation, Read, type Ring, Write } from '@ml/ring';
import { MlError, seededRandom } from '@ml/runtime';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { EmbeddedNode } from './harness/embedded-node.ts';
import { eventually } from './harness/eventually.ts';
import type { GoPeer, GoReplicaSet, InstancePatch } from './harness/go-peer.ts';
import { byText, type GoMember, MixedCluster, type TsMember } from './harness/mixed-cluster.ts';

/** How long the cluster is watched from its first agreement on. */
const SOAK_MS = Number(process.env['ML_INTEROP_SOAK_MS'] ?? 40_000);
const SETTLED_WITHIN_MS = 5000;
const LOOKUPS = 10_000;

const cleanup = new Cleanup();
let cluster: MixedCluster;
let agreedAtMs = 0;

beforeAll(async () => {
  await goBinary('peer');
  const flags = { 'ring.replication-factor': 3 };
  const zoneAware = { ...flags, 'ring.zone-awareness-enabled': true };
  cluster = cleanup.use(
    await MixedCluster.start({
      go: [
        { name: 'aware', count: 3, flags: { ...zoneAware, 'ring.zones': 'a,b,c' } },
        { name: 'flat', count: 2, flags: { ...flags, 'ring.zones': 'a,b' } },
      ],
      ts: ['a', 'b', 'c', 'a', 'c'].map((zone, i) => ({
        name: `ts-${i}`,
        flags: { 'ring.instance-availability-zone': zone },
      })),
    }),
  );
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await cleanup[Symbol.asyncDispose]();
});

function goMember(index: number): GoMember {
  const member = cluster.go[index];
  if (member === undefined) expect.fail(`no Go peer ${index}`);
  return member;
}

function tsMember(index: number): TsMember {
  const member = cluster.ts[index];
  if (member === undefined) expect.fail(`no node ${index}`);
  return member;
}

function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

/** Waits until every member's ring holds exactly these of the instances that tests made up. */
async function allHold(prefix: string, ids: readonly string[]): Promise<void> {
  await Promise.all(
    cluster.nodes.map((node) =>
      eventually(
        async () => {
          const made = (await node.ring()).map((i) => i.id).filter((id) => id.startsWith(prefix));
          expect(made).toEqual([...ids].sort(byText));
        },
        { what: `${node.name} holds ${ids.join(', ')}` },
      ),
    ),
  );
}

async function forget(member: TsMember, id: string): Promise<void> {
  const body = new URLSearchParams({ forget: id });
  const { status } = await member.node.http.request('/ring', { method: 'POST', body });
  expect(status).toBe(302);
}

test('five Go peers and five of our nodes hold the same members and the same ring bytes within five seconds', async () => {
  expect(cluster.go).toHaveLength(5);
  expect(cluster.ts).toHaveLength(5);
  await cluster.agree({ withinMs: SETTLED_WITHIN_MS });
  agreedAtMs = performance.now();
});

describe('a compare and swap', () => {
  let embedded: EmbeddedNode;

  beforeAll(async () => {
    embedded = await EmbeddedNode.start({
      name: 'embedded',
      join: [tsMember(0).gossipAddress, goMember(0).gossipAddress],
    });
  });

  afterAll(async () => {
    await embedded[Symbol.asyncDispose]();
  });

  function instance(id: string): InstanceDesc {
    return InstanceDesc.of({ id, addr: '127.0.0.1:9', heartbeatUnixS: nowS() });
  }

  test('in a program that embeds our node is seen by all members, and its removal too', async () => {
    await embedded.cas((ring) => ring.set(instance('cas-ts')));
    await allHold('cas-', ['cas-ts']);
    await embedded.cas((ring) => ring.delete('cas-ts'));
    await allHold('cas-', []);
  });

  test('of a Go peer is seen by all members, and a forget through our page takes it out everywhere', async () => {
    await goMember(3).peer.changeRing({ set: [{ id: 'cas-go', addr: '127.0.0.1:9' }] });
    await allHold('cas-', ['cas-go']);
    await forget(tsMember(2), 'cas-go');
    await allHold('cas-', []);
  });

  test('on many members at once loses no write of any of them', async () => {
    const ofGo = cluster.go.flatMap(({ peer }, i) =>
      [0, 1].map((n): [GoPeer, InstancePatch] => [peer, { id: `many-go-${i}${n}` }]),
    );
    const ofTs = [...Array(10).keys()].map((n) => `many-ts-${n}`);
    await Promise.all([
      ...ofGo.map(async ([peer, patch]) => await peer.changeRing({ set: [patch] })),
      ...ofTs.map(async (id) => await embedded.cas((ring) => ring.set(instance(id)))),
    ]);
    const ids = [...ofGo.map(([, { id }]) => id), ...ofTs];
    await allHold('many-', ids);
    await goMember(1).peer.changeRing({ remove: ids });
    await allHold('many-', []);
  });

  test('of a lifecycler changes the same instance on all members', async () => {
    const { peer } = goMember(4);
    const readOnly = async (expected: boolean): Promise<void> => {
      for (const node of cluster.nodes) {
        await eventually(
          async () => {
            const found = (await node.ring()).find((i) => i.id === peer.instanceId);
            expect(found?.readOnly).toBe(expected);
          },
          { what: `${node.name} sees ${peer.instanceId} read-only: ${expected}` },
        );
      }
    };
    await peer.setReadOnly(true);
    await readOnly(true);
    await peer.setReadOnly(false);
    await readOnly(false);
  });
});

describe('look-ups of the live ring by Go and by us', () => {
  const keys = randomKeys();
  const modes = [
    ['zone-aware', true],
    ['without zones', false],
  ] as const;
  let embedded: EmbeddedNode;
  const rings = new Map<boolean, Ring>();

  beforeAll(async () => {
    embedded = await EmbeddedNode.start({ name: 'reader', join: [goMember(0).gossipAddress] });
    for (const [, zoneAware] of modes) rings.set(zoneAware, await embedded.ring({ zoneAware }));
  });

  afterAll(async () => {
    await Promise.all([...rings.values()].map(async (ring) => await ring.close()));
    await embedded[Symbol.asyncDispose]();
  });

  /** Compares every key in both modes and for both operations. @returns all sets that Go found. */
  async function expectSameSets(): Promise<readonly GoReplicaSet[]> {
    const all: GoReplicaSet[] = [];
    for (const [, zoneAware] of modes) {
      const { peer } = goMember(zoneAware ? 0 : 3);
      const ring = rings.get(zoneAware);
      if (ring === undefined) expect.fail('no ring');
      for (const operation of [Write, Read]) {
        const op = operation === Write ? 'Write' : 'Read';
        const theirs = (await peer.lookup({ keys, op })).map(comparable);
        expect(keys.map((key) => ourSet(ring, key, operation))).toEqual(theirs);
        all.push(...(await peer.lookup({ keys: keys.slice(0, 2000), op })));
      }
    }
    return all;
  }

  /** Waits until both the reader and the Go peers that are asked see an instance like this. */
  async function seen(id: string, state: string): Promise<void> {
    await eventually(
      async () => {
        for (const ring of rings.values()) expect(ring.instance(id)?.state).toBe(state);
        for (const index of [0, 3]) {
          const found = (await goMember(index).ring()).find((i) => i.id === id);
          expect(found?.state).toBe(state);
        }
      },
      { what: `${id} is ${state} for all that look up` },
    );
    await cluster.sameRing();
  }

  test('give the same replica sets for 10,000 keys while all are healthy', async () => {
    await cluster.sameRing();
    const sets = await expectSameSets();
    expect(sets.every((set) => set.instances.length === 3 && set.maxErrors === 1)).toBe(true);
  });

  test('give the same replica sets while one instance is unhealthy', async () => {
    const tokens = randomKeys(128).sort((a, b) => a - b);
    const stale = { id: 'stale', zone: 'b', tokens, timestamp: nowS() - 3600 };
    await goMember(2).peer.changeRing({ set: [{ ...stale, addr: '127.0.0.1:9' }] });
    await seen('stale', 'ACTIVE');
    const sets = await expectSameSets();
    expect(sets.some((set) => set.instances.length === 2 && set.maxErrors === 0)).toBe(true);
    expect(sets.every((set) => !set.instances.includes('stale'))).toBe(true);
  });

  test('give the same replica sets while one instance is LEAVING and one is unhealthy', async () => {
    const leaving = goMember(1).peer;
    await leaving.changeState('LEAVING');
    await seen(leaving.instanceId, 'LEAVING');
    const sets = await expectSameSets();
    expect(sets.some((set) => set.instances.includes(leaving.instanceId))).toBe(true);
    await embedded.cas((ring) => ring.delete('stale'));
    await allHold('stale', []);
  });
});

test(
  'ten members still hold the same members and ring after a while, and nobody was ever suspected',
  async () => {
    const leaving = goMember(1).peer.instanceId;
    const ids = cluster.names.filter((name) => name !== leaving);
    await delay(Math.max(0, agreedAtMs + SOAK_MS - performance.now()));
    await cluster.agree({ ids });
    for (const node of cluster.nodes) {
      const bad = (await node.observations()).filter((o) => o.type === 'suspect');
      expect(bad, `suspicions of ${node.name}`).toEqual([]);
    }
    for (const { name, node } of cluster.ts) {
      const metrics = await node.metrics();
      expect(metrics.value('ml_memberlist_msg_suspect_total'), name).toBe(0);
      expect(metrics.value('ml_gossip_refutations_total'), name).toBe(0);
      expect(metrics.value('ml_memberlist_health_score'), name).toBe(0);
    }
    for (const { name, peer } of cluster.go) {
      expect(
        (await peer.events()).filter((e) => e.type === 'refuted' || e.type === 'probe-failed'),
        name,
      ).toEqual([]);
    }
  },
  SOAK_MS + 60_000,
);

/** What both sides must agree on; the words of an error are each side's own. */
type Comparable = { readonly instances: readonly string[]; readonly maxErrors: number } | 'error';

function comparable(set: GoReplicaSet): Comparable {
  if (set.error !== undefined) return 'error';
  return { instances: set.instances, maxErrors: set.maxErrors };
}

function ourSet(ring: Ring, key: number, operation: Operation): Comparable {
  try {
    const { instances, maxErrors } = ring.get(key, operation);
    return { instances: instances.map(({ id }) => id), maxErrors };
  } catch (error) {
    if (MlError.is(error)) return 'error';
    throw error;
  }
}

function randomKeys(count = LOOKUPS): number[] {
  const random = seededRandom(20_240_229 + count);
  return Array.from({ length: count }, () => random.int(2 ** 32));
}
