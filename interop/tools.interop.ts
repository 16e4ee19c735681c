import { afterEach, beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, coreDnsBinary, goBinary } from './harness/build.ts';
import { Certificates } from './harness/certificates.ts';
import { Cleanup } from './harness/cleanup.ts';
import { CoreDns, ZONE } from './harness/coredns.ts';
import { eventually } from './harness/eventually.ts';
import { FaultSites } from './harness/faultnet.ts';
import { type GoPeer, GoPeers } from './harness/go-peer.ts';
import {
  probeTcp,
  probeUdp,
  startEcho,
  type TcpProbe,
  type UdpProbe,
} from './harness/net-probe.ts';
import { Namespace } from './harness/netns.ts';
import { ringDigest } from './harness/ring-digest.ts';

let cleanup = new Cleanup();

afterEach(async () => {
  await cleanup[Symbol.asyncDispose]();
  cleanup = new Cleanup();
});

async function seeActive(peer: GoPeer, ids: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const active = (await peer.ring()).filter((i) => i.state === 'ACTIVE').map((i) => i.id);
      expect(active).toEqual(ids);
    },
    { what: `${peer.name} sees ${ids.join(', ')} active` },
  );
}

describe('the Go peer', () => {
  beforeAll(async () => {
    await goBinary('peer');
  }, BUILD_LIMIT_MS);

  test('forms a ring with another process and both hold the same bytes', async () => {
    const seed = cleanup.use(await GoPeers.start({ name: 'seed' }));
    const { first } = seed;
    const second = cleanup.use(
      await GoPeers.start({
        name: 'late',
        join: [first.gossipAddress],
        flags: { 'ring.lifecycler': 'basic', 'ring.num-tokens': 7 },
      }),
    );
    for (const peer of [first, second.first]) await seeActive(peer, ['late', 'seed']);
    await eventually(
      async () => {
        const digest = await first.ringDigest();
        expect(await second.first.ringDigest()).toEqual(digest);
        expect(ringDigest(await first.ring())).toBe(digest.sha256);
      },
      { what: 'both rings are equal' },
    );
    const metrics = await first.metrics();
    expect(metrics.value('memberlist_client_cluster_members_count')).toBe(2);
    expect(metrics.value('pyroscope_ring_members', { state: 'ACTIVE' })).toBe(2);
    const [late] = (await first.ring()).filter((i) => i.id === 'late');
    expect(late?.tokens).toHaveLength(7);
  });

  test('runs several members in one process, each with its zone and control address', async () => {
    const { peers } = cleanup.use(
      await GoPeers.start({
        name: 'z',
        count: 6,
        flags: {
          'ring.zones': 'a,b,c',
          'ring.replication-factor': 3,
          'ring.zone-awareness-enabled': true,
        },
      }),
    );
    const ids = peers.map((p) => p.instanceId);
    for (const peer of peers) await seeActive(peer, ids);
    const zoneOf = new Map((await peers[0]?.ring())?.map((i) => [i.id, i.zone]));
    const keys = [0, 1, 0x7fffffff, 0xffffffff];
    const [first, ...others] = await Promise.all(peers.map((p) => p.lookup({ keys, op: 'Write' })));
    for (const set of first ?? []) {
      expect(new Set(set.instances.map((id) => zoneOf.get(id))).size).toBe(3);
      expect(set.maxErrors).toBe(1);
    }
    for (const other of others) expect(other).toEqual(first);
  });

  test('shares, changes and deletes values of a text codec', async () => {
    const flags = { 'text-codecs': 'note', 'memberlist.obsolete-entries-timeout': '1s' };
    const { peers } = cleanup.use(await GoPeers.start({ name: 'kv', count: 2, flags }));
    const [a, b] = [peers[0], peers[1]];
    await a?.putText('notes/1', 'note', { version: 1, body: 'hello' });
    await eventually(
      async () => expect(await b?.text('notes/1', 'note')).toEqual({ version: 1, body: 'hello' }),
      { what: 'the second peer receives the text' },
    );
    await b?.deleteKey('notes/1');
    await eventually(async () => expect(await a?.text('notes/1', 'note')).toBeUndefined(), {
      what: 'the text is gone on the first peer',
    });
  });

  test('leaves properly and is shown as left, with its instance gone', async () => {
    const stays = cleanup.use(await GoPeers.start({ name: 'stays' }));
    const goes = cleanup.use(
      await GoPeers.start({ name: 'goes', join: [stays.first.gossipAddress] }),
    );
    await seeActive(stays.first, ['goes', 'stays']);
    await goes.first.leave();
    expect(await goes.process.ended).toEqual({ code: 0, signal: undefined });
    await seeActive(stays.first, ['stays']);
    const states = (await stays.first.members()).map((m) => [m.name, m.state]);
    expect(states).toEqual([
      ['goes', 'left'],
      ['stays', 'alive'],
    ]);
  });

  test('notices a frozen peer, tells when it suspected it, and sees it come back', async () => {
    const group = cleanup.use(await GoPeers.start({ name: 'w', count: 2 }));
    const watcher = group.first;
    const frozen = cleanup.use(
      await GoPeers.start({ name: 'frozen', join: [watcher.gossipAddress] }),
    );
    await seeActive(watcher, ['frozen', 'w-0', 'w-1']);
    const frozenAtMs = Date.now();
    frozen.process.pause();
    const suspected = await eventually(
      async () => {
        const events = await watcher.events();
        const event = events.find((e) => e.member === 'frozen' && e.to === 'suspect');
        if (event === undefined) expect.fail('no suspicion yet');
        return event;
      },
      { what: 'the frozen peer is suspected', withinMs: 25_000 },
    );
    expect(suspected.unixMs - frozenAtMs).toBeGreaterThan(1_000);
    frozen.process.resume();
    await eventually(async () => expect(await watcher.aliveNames()).toContain('frozen'), {
      what: 'the resumed peer is alive again',
    });
    expect((await frozen.first.events()).some((e) => e.type === 'refuted')).toBe(true);
  });

  test('gossips over TLS, and not with a peer it cannot verify', async () => {
    const certificates = cleanup.use(await Certificates.create());
    const seed = cleanup.use(
      await GoPeers.start({ name: 'seed', flags: certificates.flags('member') }),
    );
    const join = [seed.first.gossipAddress];
    const friend = cleanup.use(
      await GoPeers.start({ name: 'friend', join, flags: certificates.flags('member') }),
    );
    await seeActive(seed.first, ['friend', 'seed']);
    await seeActive(friend.first, ['friend', 'seed']);
    const stranger = { ...certificates.flags('member'), 'memberlist.tls-ca-path': undefined };
    const flags = { ...stranger, 'memberlist.abort-if-fast-join-fails': true };
    await expect(GoPeers.start({ name: 'blind', join, flags })).rejects.toThrow(/fast-join/);
  });

  test('reports why it cannot start', async () => {
    const flags = { 'memberlist.join': '127.0.0.1:1', 'memberlist.abort-if-fast-join-fails': true };
    await expect(GoPeers.start({ flags })).rejects.toThrow(/fast-join/);
  });
});

describe('CoreDNS in a network namespace', () => {
  beforeAll(async () => {
    await Promise.all([coreDnsBinary(), goBinary('peer')]);
  }, BUILD_LIMIT_MS);

  async function dnsSite(): Promise<{ namespace: Namespace; dns: CoreDns }> {
    const namespace = cleanup.use(
      await Namespace.create({
        resolvConf: { nameservers: ['127.0.0.1'], search: [ZONE], ndots: 2 },
      }),
    );
    return { namespace, dns: cleanup.use(await CoreDns.start({ namespace })) };
  }

  async function addresses(namespace: Namespace, entry: string): Promise<number> {
    const peer = await GoPeers.start({
      name: 'resolver',
      namespace,
      bindAddress: '127.0.0.1',
      flags: { 'memberlist.join': entry, 'ring.lifecycler': 'none' },
    });
    try {
      return (await peer.first.metrics()).value('pyroscope_dns_provider_results');
    } finally {
      await peer.process.kill();
    }
  }

  test.each([
    ['dns+one:7946', 1],
    ['dns+three:7946', 3],
    ['dns+hundred:7946', 100],
    ['dns+alias.cluster.test:7946', 3],
    ['dns+v6:7946', 1],
    ['dns+dual:7946', 2],
    ['dnssrv+gossip', 3],
    ['dnssrv+_gossip._tcp.cluster.test', 3],
    ['dnssrv+ports.cluster.test', 3],
    ['dnssrvnoa+many.cluster.test', 100],
    ['dnssrv+dangling.cluster.test', 1],
    ['dns+absent:7946', 0],
  ])('answers the Go resolver: %s gives %i addresses', async (entry, count) => {
    const { namespace, dns } = await dnsSite();
    expect(await addresses(namespace, entry)).toBe(count);
    expect(dns.queries()).not.toEqual([]);
    if (entry.includes('many')) {
      expect(dns.queries()).toContain('SRV many.cluster.test. tcp');
    }
  });

  test('changes a running name between good, absent, failing and silent', async () => {
    const { namespace, dns } = await dnsSite();
    const ask = async (kind = '4'): Promise<string> => {
      const script = `new (require('node:dns').promises.Resolver)({ timeout: 500, tries: 1 }).resolve${kind}('three.${ZONE}').then((a) => console.log(a.length), (e) => console.log(e.code))`;
      return (await namespace.exec(process.execPath, '-e', script)).trim();
    };
    expect(await ask()).toBe('3');
    await dns.setAnswer('three', 'nxdomain');
    expect(await ask()).toBe('ENOTFOUND');
    await dns.setAnswer('three', 'servfail');
    expect(await ask()).toBe('ESERVFAIL');
    await dns.setAnswer('three', 'silent');
    expect(await ask()).toBe('ETIMEOUT');
    expect(await ask('Srv')).toBe('ETIMEOUT');
    await dns.setAnswer('three', 'zone');
    await dns.patchRecords({ three: ['A 127.0.0.99'] });
    expect(await ask()).toBe('1');
  });
});

describe('the fault-injecting network', () => {
  beforeAll(async () => {
    await Promise.all([goBinary('peer'), goBinary('faultnet'), goBinary('netprobe')]);
  }, BUILD_LIMIT_MS);

  async function pair(seed = 7): Promise<{
    net: FaultSites['net'];
    udp: (count: number) => Promise<UdpProbe>;
    tcp: (bytes: number, waitMs?: number) => Promise<TcpProbe>;
  }> {
    const sites = cleanup.use(await FaultSites.create(2, seed));
    const target = `${sites.site(1).address}:7000`;
    cleanup.use(await startEcho(sites.site(1).namespace, target));
    const from = sites.site(0).namespace;
    return {
      net: sites.net,
      udp: async (count) => await probeUdp(from, target, { count, intervalMs: 2 }),
      tcp: async (bytes, waitMs = 2000) => await probeTcp(from, target, { bytes, waitMs }),
    };
  }

  function median(values: readonly number[]): number {
    return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  }

  test('delivers everything at once while nothing is impaired', async () => {
    const { udp, tcp } = await pair();
    const probe = await udp(200);
    expect(probe).toMatchObject({ received: 200, duplicates: 0, reordered: 0 });
    expect(median(probe.rttMs)).toBeLessThan(5);
    expect((await tcp(4 << 20)).bytes).toBe(4 << 20);
  });

  test('delays by the latency of both directions', async () => {
    const { net, udp } = await pair();
    await net.impair({ latencyMs: 20, jitterMs: 5 });
    const { rttMs, received, reordered } = await udp(200);
    expect(received).toBe(200);
    expect(reordered).toBe(0);
    expect(median(rttMs)).toBeGreaterThan(38);
    expect(median(rttMs)).toBeLessThan(60);
  });

  test('loses, doubles and reorders about as often as it is told', async () => {
    const { net, udp, tcp } = await pair();
    await net.impair({ loss: 0.2 }, { from: ['10.77.0.1'] });
    const lossy = await udp(500);
    expect(lossy.received).toBeGreaterThan(350);
    expect(lossy.received).toBeLessThan(450);
    expect((await tcp(100_000, 10_000)).bytes).toBe(100_000);
    await net.impair({ duplicate: 0.3 });
    await net.impair({}, { from: ['10.77.0.2'] });
    expect((await udp(500)).duplicates).toBeGreaterThan(100);
    await net.impair({ reorder: 0.2, reorderMs: 30 });
    const shuffled = await udp(500);
    expect(shuffled.received).toBe(500);
    expect(shuffled.reordered).toBeGreaterThan(50);
  });

  test('loses the same packets again with the same seed, others with another', async () => {
    const lost: (readonly number[])[] = [];
    for (const seed of [11, 11, 12]) {
      const { net, udp } = await pair(seed);
      await net.impair({ loss: 0.3 }, { to: ['10.77.0.2'] });
      lost.push((await udp(200)).missing);
      await cleanup[Symbol.asyncDispose]();
    }
    expect(lost[0]).not.toEqual([]);
    expect(lost[1]).toEqual(lost[0]);
    expect(lost[2]).not.toEqual(lost[0]);
  });

  test('carries no more than the rate', async () => {
    const { net, tcp } = await pair();
    await net.impair({ rateBytesPerS: 1_000_000 }, { from: ['10.77.0.1'] });
    const { totalMs } = await tcp(1_000_000, 5000);
    expect(totalMs).toBeGreaterThan(900);
    expect(totalMs).toBeLessThan(3000);
  });

  test('lets nothing through a partition, one way if asked, and everything after healing', async () => {
    const { net, udp, tcp } = await pair();
    await net.partition(['10.77.0.1'], ['10.77.0.2']);
    expect((await udp(20)).received).toBe(0);
    expect((await net.link('10.77.0.1', '10.77.0.2')).counters.blocked).toBeGreaterThan(0);
    await net.heal();
    expect((await udp(20)).received).toBe(20);
    await net.block({ from: ['10.77.0.2'], to: ['10.77.0.1'] });
    const before = (await net.link('10.77.0.1', '10.77.0.2')).counters.delivered;
    expect((await udp(20)).received).toBe(0);
    expect((await net.link('10.77.0.1', '10.77.0.2')).counters.delivered).toBe(before + 20);
    await net.unblock({});
    expect((await tcp(10_000)).bytes).toBe(10_000);
  });

  test('separates a Go cluster and lets it come together again', async () => {
    const sites = cleanup.use(await FaultSites.create(3, 3));
    const peers: GoPeer[] = [];
    for (const [i, site] of sites.sites.entries()) {
      const group = cleanup.use(
        await GoPeers.start({
          name: `p${i}`,
          namespace: site.namespace,
          bindAddress: site.address,
          join: peers.slice(0, 1).map((p) => p.gossipAddress),
        }),
      );
      peers.push(group.first);
    }
    for (const peer of peers) await seeActive(peer, ['p0', 'p1', 'p2']);
    await sites.net.partition([sites.site(2).address]);
    await eventually(async () => expect(await peers[0]?.aliveNames()).toEqual(['p0', 'p1']), {
      what: 'the separated peer is suspected',
      withinMs: 30_000,
    });
    await sites.net.heal();
    await eventually(async () => expect(await peers[0]?.aliveNames()).toEqual(['p0', 'p1', 'p2']), {
      what: 'the peer is alive again',
      withinMs: 20_000,
    });
  });

  test('joins 20 namespaces', async () => {
    const sites = cleanup.use(await FaultSites.create(20, 5));
    const last = sites.site(19);
    cleanup.use(await startEcho(last.namespace, `${last.address}:7000`));
    const probes = await Promise.all(
      sites.sites
        .slice(0, 19)
        .map((s) => probeUdp(s.namespace, `${last.address}:7000`, { count: 20, intervalMs: 10 })),
    );
    for (const probe of probes) expect(probe).toMatchObject({ received: 20 });
    expect((await sites.net.stats()).links).toHaveLength(20 * 19);
  });
});
