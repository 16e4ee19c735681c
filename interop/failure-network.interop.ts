import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { eventually } from './harness/eventually.ts';
import { type FaultSite, FaultSites, type Impairment } from './harness/faultnet.ts';
import type { Flags } from './harness/managed-process.ts';
import { MixedCluster, type MixedNode } from './harness/mixed-cluster.ts';
import { suspicionStories } from './harness/suspicion-story.ts';

const LOSSY_MS = 60_000;
const SHUFFLED_MS = 30_000;
const GOSSIP_TO_DEAD_MS = 5000;
const REJOIN_MS = 5000;
/**
 * Two members of a half confirm a third one's accusation, so that 20 s are the rule and 57 s come with one of them.
 * Helpers beyond the cut send no nack, though: health scores rise and probes come up to 40 s apart, so that nobody
 * may confirm in time. The first accusation is then 40 s late, and its timer runs for the whole 120 s.
 */
const VERDICT_LIMIT_MS = 180_000;

const cleanup = new Cleanup();

beforeAll(async () => {
  await Promise.all([goBinary('peer'), goBinary('faultnet'), serverMain()]);
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await cleanup[Symbol.asyncDispose]();
});

interface ImpairedCluster {
  readonly sites: FaultSites;
  readonly cluster: MixedCluster;
}

/** Members on a fault network, one a namespace, the Go peers first: `go-0` at 10.77.0.1 and so on. */
async function impaired(
  members: { readonly go: number; readonly ts: number },
  seed: number,
  flags: { readonly all?: Flags; readonly ts?: Flags } = {},
): Promise<ImpairedCluster> {
  const sites = cleanup.use(await FaultSites.create(members.go + members.ts, seed));
  const place = ({ namespace, address }: FaultSite): object => ({
    namespace,
    bindAddress: address,
  });
  const names = (kind: string, count: number): readonly string[] =>
    [...Array(count).keys()].map((i) => `${kind}-${i}`);
  const [first, ...others] = names('go', members.go).map((name, i) => ({
    name,
    ...place(sites.site(i)),
  }));
  if (first === undefined) expect.fail('no Go peer');
  const cluster = cleanup.use(
    await MixedCluster.start({
      go: [first, ...others],
      ts: names('ts', members.ts).map((name, i) => ({
        name,
        ...place(sites.site(members.go + i)),
      })),
      ...(flags.all && { flags: flags.all }),
      ...(flags.ts && { tsFlags: flags.ts }),
    }),
  );
  // News of a member that misses one waits for a full exchange, up to a minute away. G-16
  await cluster.agree({ withinMs: 90_000 });
  return { sites, cluster };
}

/** Whether `observer` gave `subject` up for dead, and did not take it back. */
async function holdsDead(observer: MixedNode, subject: string): Promise<boolean> {
  const stories = suspicionStories(await observer.observations(), subject);
  return stories.at(-1)?.deadAtMs !== undefined;
}

async function deaths(cluster: MixedCluster): Promise<readonly string[]> {
  const found = await Promise.all(
    cluster.nodes.map(async (node) =>
      (await node.observations())
        .filter(({ type }) => type === 'dead' || type === 'verdict')
        .map(({ member }) => `${node.name} gave up ${member}`),
    ),
  );
  return found.flat();
}

describe.concurrent('a mixed cluster on a bad network', () => {
  test(
    'that is cut in two for longer than the dead are gossiped to comes together again by rejoining',
    async () => {
      const { sites, cluster } = await impaired({ go: 3, ts: 3 }, 21, {
        all: { 'memberlist.gossip-to-dead-nodes-time': `${GOSSIP_TO_DEAD_MS}ms` },
        ts: { 'cluster.rejoin-interval': `${REJOIN_MS}ms` },
      });
      const halves = [
        ['go-0', 'go-1', 'ts-0'],
        ['go-2', 'ts-1', 'ts-2'],
      ] as const;
      const addressOf = (name: string): string =>
        cluster.node(name).gossipAddress.split(':')[0] ?? '';
      await sites.net.partition(...halves.map((half) => half.map(addressOf)));
      await eventually(
        async () => {
          const [one, two] = halves;
          const pairs = [
            ...one.flatMap((a) => two.map((b) => [a, b])),
            ...two.flatMap((a) => one.map((b) => [a, b])),
          ];
          for (const [observer = '', subject = ''] of pairs) {
            const dead = await holdsDead(cluster.node(observer), subject);
            expect(dead, `${observer} holds ${subject} for dead`).toBe(true);
          }
        },
        { what: 'each half holds the other for dead', withinMs: VERDICT_LIMIT_MS, everyMs: 500 },
      );
      for (const half of halves) {
        for (const name of half) expect(await cluster.node(name).aliveNames()).toEqual(half);
      }
      await delay(GOSSIP_TO_DEAD_MS + 1000);
      await sites.net.heal();
      await cluster.agree({ withinMs: 2 * REJOIN_MS + 20_000 });
    },
    VERDICT_LIMIT_MS + 210_000,
  );

  test(
    'that loses every fifth packet and is slow for a minute has lost nobody when that is over',
    async () => {
      const { sites, cluster } = await impaired({ go: 2, ts: 2 }, 22);
      await sites.net.impair({ loss: 0.2, latencyMs: 20, jitterMs: 10 });
      await delay(LOSSY_MS);
      const { links } = await sites.net.stats();
      expect(links.every(({ counters }) => counters.lost > 0)).toBe(true);
      await sites.net.impair({});
      // Push/pull, every 30 s, brings a refutation to those who missed it.
      await cluster.agree({ withinMs: 75_000 });
    },
    LOSSY_MS + 150_000,
  );

  test(
    'that doubles and reorders packets suspects nobody to death and loses no change',
    async () => {
      const { sites, cluster } = await impaired({ go: 2, ts: 2 }, 23);
      const shuffled: Impairment = { duplicate: 0.3, reorder: 0.3, reorderMs: 20, latencyMs: 5 };
      await sites.net.impair(shuffled);
      const end = performance.now() + SHUFFLED_MS;
      for (let round = 0; performance.now() < end; round++) {
        const [writer] = cluster.go.slice(round % cluster.go.length);
        const id = `change-${round}`;
        await writer?.peer.changeRing({ set: [{ id, addr: '127.0.0.1:9' }] });
        await eventually(
          async () => {
            for (const node of cluster.nodes) {
              expect(
                (await node.ring()).map((i) => i.id),
                node.name,
              ).toContain(id);
            }
          },
          { what: `all see ${id}`, withinMs: 40_000 },
        );
        await writer?.peer.changeRing({ remove: [id] });
      }
      expect(await deaths(cluster)).toEqual([]);
      const { links } = await sites.net.stats();
      expect(links.every(({ counters: c }) => c.duplicated > 0 && c.reordered > 0)).toBe(true);
      await sites.net.impair({});
      await cluster.agree({ withinMs: 45_000 });
    },
    SHUFFLED_MS + 150_000,
  );
});
