import { beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { eventually } from './harness/eventually.ts';
import { Forwarder } from './harness/forwarder.ts';
import { type GoMember, type GoPeer, GoPeers } from './harness/go-peer.ts';
import type { MetricsPage } from './harness/metrics-text.ts';
import { freePort } from './harness/ports.ts';
import { seeActive, seeEachOther } from './harness/see-members.ts';
import { SHARED_RING, TsNode, type TsNodeOptions } from './harness/ts-node.ts';

beforeAll(async () => {
  await Promise.all([serverMain(), goBinary('peer')]);
}, BUILD_LIMIT_MS);

async function startNode(cleanup: Cleanup, options: TsNodeOptions): Promise<TsNode> {
  const flags = { ...SHARED_RING, ...options.flags };
  return cleanup.use(await TsNode.start({ ...options, flags }));
}

async function memberOf(peer: GoPeer, name: string): Promise<GoMember> {
  const found = (await peer.members()).find((member) => member.name === name);
  if (found === undefined) expect.fail(`${peer.name} does not know ${name}`);
  return found;
}

/** Connections of the gossip protocol that a node of either kind accepted. */
function accepted(metrics: MetricsPage): number {
  const names = ['packets_received_total', 'incoming_streams_total'];
  return names.reduce((sum, n) => sum + metrics.value(`memberlist_tcp_transport_${n}`), 0);
}

describe('bind addresses', () => {
  test.concurrent('a node listens on each of two bind addresses and tells others the first', async () => {
    await using cleanup = new Cleanup();
    const ours = await startNode(cleanup, {
      name: 'ours',
      flags: { 'memberlist.bind-addr': ['127.0.0.1', '127.0.0.3'] },
    });
    const port = ours.gossipAddress.split(':')[1] ?? '';
    const [first, second] = await Promise.all(
      ['127.0.0.1', '127.0.0.3'].map(async (ip, i) =>
        cleanup.use(await GoPeers.start({ name: `go-${i}`, join: [`${ip}:${port}`] })),
      ),
    );
    if (first === undefined || second === undefined) expect.fail('both peers were started');
    await seeEachOther([ours, first.first, second.first]);
    const told = await memberOf(second.first, 'ours');
    expect([told.addr, String(told.port)]).toEqual(['127.0.0.1', port]);
  });

  test.concurrent('with port 0 a node takes a free port, on both addresses the same, and tells it', async () => {
    await using cleanup = new Cleanup();
    const seed = cleanup.use(await GoPeers.start({ name: 'seed' }));
    const ours = await startNode(cleanup, {
      name: 'ours',
      join: [seed.first.gossipAddress],
      flags: { 'memberlist.bind-port': 0, 'memberlist.bind-addr': ['127.0.0.1', '127.0.0.3'] },
    });
    const { port } = await memberOf(seed.first, 'ours');
    expect(port).toBeGreaterThan(0);
    const late = cleanup.use(await GoPeers.start({ name: 'late', join: [`127.0.0.3:${port}`] }));
    const nodes = [seed.first, ours, late.first];
    await seeEachOther(nodes);
    await seeActive(nodes, 'late');
  });

  test.concurrent('without bind addresses a node listens on all of both families', async () => {
    await using cleanup = new Cleanup();
    const ours = await startNode(cleanup, {
      name: 'ours',
      flags: { 'memberlist.bind-addr': undefined, 'memberlist.advertise-addr': '127.0.0.1' },
    });
    // The advertised port does not follow the bind port, as in the reference.
    const port = ours.gossipAddress.split(':')[1] ?? '';
    const told = (await ours.memberlistPage()).SortedMembers.map((m) => `${m.Addr}:${m.Port}`);
    expect(told).toEqual(['127.0.0.1:7946']);
    const peer = cleanup.use(await GoPeers.start({ name: 'go', bindAddress: '::1' }));
    expect(await peer.first.join(`[::1]:${port}`, `127.0.0.1:${port}`)).toBe(2);
  });
});

/** One node behind a forwarder, the other beside it, of either kind. */
interface Hidden {
  readonly forwarder: Forwarder;
  /** What the outer node knows of the hidden one. */
  readonly told: () => Promise<{ readonly addr: string; readonly port: number }>;
  readonly acceptedByHidden: () => Promise<number>;
  /** Whether the outer node holds the hidden one for alive, without doubt. */
  readonly alive: () => Promise<boolean>;
}

async function hideOurs(cleanup: Cleanup): Promise<Hidden> {
  const port = await freePort();
  const forwarder = cleanup.use(await Forwarder.start({ to: port }));
  const outer = cleanup.use(await GoPeers.start({ name: 'outer' })).first;
  const hidden = await startNode(cleanup, {
    name: 'hidden',
    gossipPort: port,
    join: [outer.gossipAddress],
    flags: {
      'memberlist.advertise-addr': '127.0.0.1',
      'memberlist.advertise-port': forwarder.port,
    },
  });
  await seeEachOther([outer, hidden]);
  return {
    forwarder,
    told: async () => await memberOf(outer, 'hidden'),
    acceptedByHidden: async () => accepted(await hidden.metrics()),
    alive: async () => (await memberOf(outer, 'hidden')).state === 'alive',
  };
}

async function hideGo(cleanup: Cleanup): Promise<Hidden> {
  const port = await freePort();
  const forwarder = cleanup.use(await Forwarder.start({ to: port }));
  const outer = await startNode(cleanup, { name: 'outer' });
  const hidden = cleanup.use(
    await GoPeers.start({
      name: 'hidden',
      join: [outer.gossipAddress],
      flags: {
        'memberlist.bind-port': port,
        'memberlist.advertise-addr': '127.0.0.1',
        'memberlist.advertise-port': forwarder.port,
      },
    }),
  ).first;
  await seeEachOther([outer, hidden]);
  const row = async () => {
    const { SortedMembers } = await outer.memberlistPage();
    const found = SortedMembers.find((member) => member.Name === 'hidden');
    if (found === undefined) expect.fail('outer does not know hidden');
    return found;
  };
  return {
    forwarder,
    told: async () => {
      const { Addr, Port } = await row();
      return { addr: Addr, port: Port };
    },
    acceptedByHidden: async () => accepted(await hidden.metrics()),
    alive: async () => (await row()).State === 0,
  };
}

describe('an advertised address behind a port forwarder', () => {
  test.concurrent.each([
    ['our node is hidden, a Go peer dials', hideOurs],
    ['a Go peer is hidden, our node dials', hideGo],
  ])('is the only one that is dialled: %s', async (_, hide) => {
    await using cleanup = new Cleanup();
    const { forwarder, told, acceptedByHidden, alive } = await hide(cleanup);
    expect(await told()).toMatchObject({ addr: '127.0.0.1', port: forwarder.port });
    await eventually(async () => expect(await acceptedByHidden()).toBeGreaterThan(5), {
      what: 'the hidden node is gossiped to and probed',
      withinMs: 20_000,
    });
    // Read before the forwarder's count: what arrived has passed through it.
    const arrived = await acceptedByHidden();
    expect(forwarder.connections).toBeGreaterThanOrEqual(arrived);
    expect(await alive()).toBe(true);

    await forwarder[Symbol.asyncDispose]();
    const atCut = await acceptedByHidden();
    await eventually(async () => expect(await alive()).toBe(false), {
      what: 'the hidden node is suspected once its forwarder is gone',
      withinMs: 25_000,
    });
    expect((await acceptedByHidden()) - atCut).toBeLessThanOrEqual(1);
    const again = await Forwarder.start({ to: forwarder.target, port: forwarder.port });
    cleanup.use(again);
    await eventually(async () => expect(await alive()).toBe(true), {
      what: 'the hidden node is alive again once the forwarder is back',
      withinMs: 25_000,
    });
    expect(again.connections).toBeGreaterThan(0);
  });
});
