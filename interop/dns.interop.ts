import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, coreDnsBinary, goBinary, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { CoreDns, STANDARD_RECORDS, ZONE } from './harness/coredns.ts';
import { eventually } from './harness/eventually.ts';
import { type GoPeer, GoPeers } from './harness/go-peer.ts';
import type { Flags } from './harness/managed-process.ts';
import { Namespace } from './harness/netns.ts';
import { seesAlso } from './harness/see-members.ts';
import { TsNode } from './harness/ts-node.ts';

const GOSSIP_PORT = 7946;

/**
 * Where Go peers listen, each a cluster of its own at first: the standard names lead to all of these, and to many
 * addresses where nobody listens.
 */
const SEEDS = ['127.0.0.11', '127.0.0.12', '127.0.0.13', '127.0.1.77', '::1'];

/** Two of three addresses answer; SRV records for one host, behind an alias, and for three hosts with wrong ports. */
const MORE_RECORDS = {
  mixed: ['A 127.0.0.11', 'A 127.0.0.250', 'A 127.0.0.13'],
  'single-srv': ['SRV 0 1 7946 node-2'],
  'service-alias': ['CNAME gossip'],
  'wrong-ports': [1, 2, 3].map((i) => `SRV 0 1 ${4040 + i} node-${i}`),
};

const cleanup = new Cleanup();
let namespace: Namespace;
let dns: CoreDns;
let seeds: readonly GoPeer[];
let started = 0;

beforeAll(async () => {
  await Promise.all([serverMain(), goBinary('peer'), coreDnsBinary()]);
  namespace = cleanup.use(
    await Namespace.create({
      resolvConf: { nameservers: ['127.0.0.1'], search: [ZONE], ndots: 2 },
    }),
  );
  const records = { ...STANDARD_RECORDS, ...MORE_RECORDS };
  dns = cleanup.use(await CoreDns.start({ namespace, records }));
  seeds = await Promise.all(
    SEEDS.map(async (address, i) => {
      const group = await GoPeers.start({
        name: `seed-${i}`,
        namespace,
        bindAddress: address,
        flags: { 'memberlist.bind-port': GOSSIP_PORT, 'ring.lifecycler': 'none' },
      });
      return cleanup.use(group).first;
    }),
  );
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await cleanup[Symbol.asyncDispose]();
});

/** One of our nodes that only looks on, at an address of its own. It is gone with the cleanup it is given to. */
async function startNode(
  to: Cleanup,
  entry: string | readonly string[],
  flags: Flags = {},
): Promise<TsNode> {
  started += 1;
  const node = await TsNode.start({
    name: `node-${started}`,
    namespace,
    bindAddress: `127.0.9.${started}`,
    httpPort: 18_000 + started,
    awaitReady: false,
    flags: { 'memberlist.join': entry, 'ring.mode': 'observer', ...flags },
  });
  return to.use(node);
}

/** How many addresses an entry has on the metrics page. */
async function resultsOf(node: TsNode, entry: string): Promise<number> {
  const metrics = await node.metrics();
  return metrics.value('pyroscope_dns_provider_results', { addr: entry, name: 'memberlist' });
}

async function waitForResults(node: TsNode, entry: string, count: number): Promise<void> {
  await eventually(async () => expect(await resultsOf(node, entry)).toBe(count), {
    what: `${entry} has ${count} addresses`,
    detail: () => node.process.tail(),
  });
}

describe('joining through CoreDNS', () => {
  test.concurrent.each([
    ['dns+ with one A record', 'dns+one.cluster.test:7946', 1, 1],
    ['dns+ with three A records', 'dns+three.cluster.test:7946', 3, 3],
    ['dns+ with 100 A records, one of them alive', 'dns+hundred.cluster.test:7946', 100, 1],
    ['dns+ with an alias', 'dns+alias.cluster.test:7946', 3, 3],
    ['dns+ with an IPv6 address only', 'dns+v6.cluster.test:7946', 1, 1],
    ['dns+ with both families', 'dns+dual.cluster.test:7946', 2, 2],
    ['dns+ with a name that the search list completes', 'dns+three:7946', 3, 3],
    ['dnssrv+ with one record', 'dnssrv+single-srv.cluster.test', 1, 1],
    ['dnssrv+ on the bare name of a service', 'dnssrv+gossip.cluster.test', 3, 3],
    ['dnssrv+ with an alias', 'dnssrv+service-alias.cluster.test', 3, 3],
    ['dnssrv+ on the name of a port', 'dnssrv+_gossip._tcp.cluster.test', 3, 3],
    ['dnssrv+ with a port that replaces those of the records', 'dnssrv+wrong-ports:7946', 3, 3],
    ['dnssrv+ with 100 records, one of them alive', 'dnssrv+many.cluster.test', 100, 1],
    ['dnssrv+ where a target does not exist', 'dnssrv+dangling.cluster.test', 1, 1],
    ['dnssrvnoa+ with one record', 'dnssrvnoa+single-srv.cluster.test', 1, 1],
    ['dnssrvnoa+ with three records', 'dnssrvnoa+gossip', 3, 3],
    ['dnssrvnoa+ with 100 records', 'dnssrvnoa+many.cluster.test', 100, 1],
    ['dnssrvnoa+ with a port that replaces theirs', 'dnssrvnoa+wrong-ports:7946', 3, 3],
  ])('%s: %s finds %i addresses, and %i answer', async (_, entry, found, reached) => {
    await using own = new Cleanup();
    const node = await startNode(own, entry);
    await node.process.line(new RegExp(`msg="joined the cluster" reached=${reached}$`), 30_000);
    expect(await resultsOf(node, entry)).toBe(found);
    await eventually(
      async () => {
        const names = await node.memberNames();
        expect(names.filter((name) => name.startsWith('seed-')).length).toBeGreaterThan(0);
      },
      { what: `${node.name} sees a Go peer`, detail: () => node.process.tail() },
    );
  });

  test('a plain host name: every address of it is tried, dead ones between them', async () => {
    await using own = new Cleanup();
    const node = await startNode(own, `mixed.cluster.test:${GOSSIP_PORT}`);
    await node.process.line(/msg="joined the cluster" reached=2$/);
    await node.process.line(/some addresses could not be joined.*127\.0\.0\.250:7946/);
    await Promise.all([
      seesAlso(node, 'seed-0'),
      seesAlso(node, 'seed-2'),
      ...[seeds[0], seeds[2]].map(async (seed) => seed && (await seesAlso(seed, node.name))),
    ]);
  });

  test('an answer that a datagram cannot hold is asked for again over TCP', async () => {
    await using own = new Cleanup();
    const before = dns.queries().length;
    const node = await startNode(own, 'dnssrvnoa+many.cluster.test');
    await waitForResults(node, 'dnssrvnoa+many.cluster.test', 100);
    const queries = dns.queries().slice(before);
    expect(queries).toContain('SRV many.cluster.test. udp');
    expect(queries).toContain('SRV many.cluster.test. tcp');
  });

  test('SRV names follow the search list and ndots, and a final dot ends them', async () => {
    await using own = new Cleanup();
    const before = dns.queries().length;
    const entries = ['dnssrv+_gossip._tcp', 'dnssrv+weighted.cluster.test', 'dnssrv+gossip.'];
    const node = await startNode(own, entries);
    await waitForResults(node, 'dnssrv+_gossip._tcp', 3);
    await waitForResults(node, 'dnssrv+weighted.cluster.test', 3);
    await waitForResults(node, 'dnssrv+gossip.', 0);
    await node.process.line(/dns name not found.*entry=dnssrv\+gossip\./);
    const asked = new Set(dns.queries().slice(before));
    expect(asked).toContain('SRV _gossip._tcp.cluster.test. udp');
    expect(asked).toContain('SRV weighted.cluster.test. udp');
    expect(asked).not.toContain('SRV weighted.cluster.test.cluster.test. udp');
    expect(asked).not.toContain('SRV gossip.cluster.test. udp');
  });

  test('SRV records that give one target several ports bring a warning, unless the entry has the port', async () => {
    await using own = new Cleanup();
    const [warned, silent] = await Promise.all([
      startNode(own, 'dnssrv+ports.cluster.test'),
      startNode(own, 'dnssrv+ports.cluster.test:7946'),
    ]);
    await warned.process.line(
      /srv records give one target several ports: give the port in the entry.*ports=7946,7947,7948/,
    );
    await waitForResults(warned, 'dnssrv+ports.cluster.test', 3);
    await silent.process.line(/msg="joined the cluster" reached=1$/);
    await waitForResults(silent, 'dnssrv+ports.cluster.test:7946', 1);
    expect(silent.process.lines().join('\n')).not.toContain('several ports');
  });

  test('a name that does not exist yet is looked up until it does', async () => {
    await using own = new Cleanup();
    const entry = 'dns+rollout.cluster.test:7946';
    const node = await startNode(own, entry, {
      'memberlist.min-join-backoff': '100ms',
      'memberlist.max-join-backoff': '500ms',
      'memberlist.max-join-retries': 0,
    });
    await node.process.line(/attempt to join failed.*names in -memberlist.join exist/);
    const waiting = await node.http.request('/ready');
    expect([waiting.status, await waiting.text()]).toEqual([
      503,
      expect.stringContaining(`nothing found for "${entry}"`),
    ]);
    await dns.patchRecords({ rollout: ['A 127.0.0.12'] });
    await seesAlso(node, 'seed-1');
    expect(await resultsOf(node, entry)).toBe(1);
  });

  test('the last good answer outlives a failing server, and a missing name for -dns.keep-last-good', async () => {
    await using own = new Cleanup();
    const entry = 'dns+kept.cluster.test:7946';
    await dns.patchRecords({ kept: SEEDS.slice(0, 3).map((address) => `A ${address}`) });
    const rejoining = { 'memberlist.rejoin-interval': '300ms' };
    const [usual, short, off, strict] = await Promise.all([
      startNode(own, entry, rejoining),
      startNode(own, entry, { ...rejoining, 'dns.keep-last-good': '1s' }),
      startNode(own, entry, { ...rejoining, 'dns.keep-last-good': '0s' }),
      startNode(own, entry, { ...rejoining, 'compat.strict': true }),
    ]);
    const nodes = [usual, short, off, strict];
    await Promise.all(nodes.map((node) => waitForResults(node, entry, 3)));

    await dns.setAnswer('kept', 'servfail');
    await Promise.all(nodes.map((node) => node.process.line(/dns look-up failed.*kept=3/, 20_000)));
    for (const node of nodes) {
      expect(await resultsOf(node, entry)).toBe(3);
      expect((await node.metrics()).value('pyroscope_dns_failures_total')).toBeGreaterThan(0);
    }

    await dns.setAnswer('kept', 'nxdomain');
    await usual.process.line(/dns name not found.*kept=3/, 20_000);
    await Promise.all([short, off, strict].map((node) => waitForResults(node, entry, 0)));
    expect(await resultsOf(usual, entry)).toBe(3);

    await dns.setAnswer('kept', 'zone');
    await dns.patchRecords({ kept: ['A 127.0.0.12'] });
    await Promise.all(nodes.map((node) => waitForResults(node, entry, 1)));
  });
});
