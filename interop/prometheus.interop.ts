import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { eventually } from './harness/eventually.ts';
import { MixedCluster } from './harness/mixed-cluster.ts';
import { Prometheus } from './harness/prometheus.ts';

const HEARTBEAT_S = 5;
/** How much older than a heartbeat period the oldest heartbeat may look, as the operators' rule has it. */
const SLACK_S = 15;
const WATCH_MS = 20_000;
const OLDEST = 'pyroscope_ring_oldest_member_timestamp{state="ACTIVE"}';

const cleanup = new Cleanup();
let cluster: MixedCluster;
let prometheus: Prometheus;
let targets: readonly string[] = [];
let peers: readonly string[] = [];

beforeAll(async () => {
  await goBinary('peer');
  cluster = cleanup.use(
    await MixedCluster.start({
      go: [{ name: 'go', count: 2 }],
      ts: [{ name: 'ts-0' }, { name: 'ts-1' }, { name: 'ts-2' }],
      flags: { 'ring.heartbeat-period': `${HEARTBEAT_S}s` },
    }),
  );
  await cluster.agree();
  targets = cluster.ts.map(({ node }) => new URL(node.http.url).host);
  peers = cluster.go.map(({ peer }) => new URL(peer.control.url).host);
  prometheus = cleanup.use(
    await Prometheus.start([
      { job: 'ours', targets },
      { job: 'reference', targets: peers },
    ]),
  );
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await cleanup[Symbol.asyncDispose]();
});

async function expectFromEach(promql: string, value: number): Promise<void> {
  const samples = await prometheus.query(promql);
  const found = samples.map((sample) => [sample.labels['instance'], sample.value] as const);
  expect(new Map(found)).toEqual(new Map(targets.map((target) => [target, value])));
  expect(found).toHaveLength(targets.length);
}

test('Prometheus scrapes every node of ours and finds the ring and the cluster complete on each', async () => {
  await eventually(
    async () => {
      await expectFromEach('up{job="ours"}', 1);
      await expectFromEach('pyroscope_ring_members{job="ours",name="ingester",state="ACTIVE"}', 5);
      await expectFromEach('memberlist_client_cluster_members_count{job="ours"}', 5);
      const series = await prometheus.query(OLDEST.replace('{', '{name="ingester",'));
      const found = series.map(({ labels }) => labels['instance']);
      expect(new Set(found)).toEqual(new Set([...targets, ...peers]));
      expect(found).toHaveLength(cluster.nodes.length);
    },
    { what: 'every node has its series' },
  );
});

test(
  'the oldest heartbeat is never older than the heartbeat period and 15 seconds, on our nodes and on the reference',
  async () => {
    const agesS: number[] = [];
    for (const end = performance.now() + WATCH_MS; performance.now() < end; await delay(1000)) {
      const [oldest, more] = await prometheus.query(`max(time() - ${OLDEST})`);
      expect(more).toBeUndefined();
      agesS.push(oldest?.value ?? Number.NaN);
      const [{ value: series = 0 } = {}] = await prometheus.query(`count(${OLDEST})`);
      expect(series).toBe(cluster.nodes.length);
    }
    for (const age of agesS) {
      expect(age).toBeLessThanOrEqual(HEARTBEAT_S + SLACK_S);
      // Older than nothing: heartbeats do come from five members at their own times.
      expect(age).toBeGreaterThan(0);
    }
    expect(agesS.length).toBeGreaterThan(WATCH_MS / 2000);
    const worst = await prometheus.query(`max_over_time((time() - ${OLDEST})[20s:1s])`);
    expect(Math.max(...worst.map(({ value }) => value))).toBeLessThanOrEqual(HEARTBEAT_S + SLACK_S);
  },
  WATCH_MS + 30_000,
);
