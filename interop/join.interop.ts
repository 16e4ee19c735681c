import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { GoPeers, type GoPeersOptions } from './harness/go-peer.ts';
import { freePort } from './harness/ports.ts';
import { runNode } from './harness/run-node.ts';
import { seeActive, seeEachOther, seesAlso } from './harness/see-members.ts';
import { SHARED_RING, TsNode, type TsNodeOptions } from './harness/ts-node.ts';

let cleanup = new Cleanup();

beforeAll(async () => {
  await Promise.all([serverMain(), goBinary('peer')]);
}, BUILD_LIMIT_MS);

afterEach(async () => {
  await cleanup[Symbol.asyncDispose]();
  cleanup = new Cleanup();
});

async function startNode(options: TsNodeOptions): Promise<TsNode> {
  const flags = { ...SHARED_RING, ...options.flags };
  return cleanup.use(await TsNode.start({ ...options, flags }));
}

async function startGo(options: GoPeersOptions): Promise<GoPeers> {
  return cleanup.use(await GoPeers.start(options));
}

/** Joins again and again without long waits. */
const PATIENT = {
  'memberlist.min-join-backoff': '100ms',
  'memberlist.max-join-backoff': '500ms',
  'memberlist.max-join-retries': 0,
} as const;

describe('joining by address', () => {
  test('joins a Go peer by IP and port, and a Go peer joins our node', async () => {
    const seed = await startGo({ name: 'seed' });
    const ours = await startNode({ name: 'ours', join: [seed.first.gossipAddress] });
    const late = await startGo({ name: 'late', join: [ours.gossipAddress] });
    const nodes = [seed.first, ours, late.first];
    await seeEachOther(nodes);
    for (const id of ['seed', 'ours', 'late']) await seeActive(nodes, id);
  });

  test('takes repeated flags, a comma list, a node name before a slash, IPv6 in brackets, and its own address', async () => {
    const [a, b, c, d] = await Promise.all([
      startGo({ name: 'a' }),
      startGo({ name: 'b' }),
      startGo({ name: 'c' }),
      startGo({ name: 'd', bindAddress: '::1' }),
    ]);
    const own = await freePort();
    const ours = await startNode({
      name: 'ours',
      gossipPort: own,
      join: [
        `127.0.0.1:${own}`,
        a.first.gossipAddress,
        `${b.first.gossipAddress}, c/${c.first.gossipAddress}`,
        d.first.gossipAddress,
      ],
    });
    expect(d.first.gossipAddress).toMatch(/^\[::1\]:\d+$/);
    await ours.process.line(/msg="joined the cluster" reached=5/);
    await seeEachOther([a.first, b.first, c.first, d.first, ours]);
  });

  test('takes join_members, and everything else, from YAML', async () => {
    const [a, b] = await Promise.all([startGo({ name: 'a' }), startGo({ name: 'b' })]);
    const dir = await mkdtemp(join(tmpdir(), 'ml-interop-yaml-'));
    cleanup.defer(async () => await rm(dir, { recursive: true }));
    const path = join(dir, 'config.yaml');
    const own = await freePort();
    const addresses = [`127.0.0.1:${own}`, a.first.gossipAddress, b.first.gossipAddress];
    await writeFile(
      path,
      [
        'memberlist:',
        '  node_name: from-yaml',
        '  bind_addr: [127.0.0.1]',
        `  bind_port: ${own}`,
        '  join_members:',
        ...addresses.map((address) => `    - ${address}`),
        'ring:',
        '  key: ring',
      ].join('\n'),
    );
    const fromFile = { 'memberlist.bind-addr': undefined, 'memberlist.bind-port': undefined };
    const ours = await startNode({
      name: 'from-yaml',
      flags: { ...fromFile, 'memberlist.nodename': undefined, 'config.file': path },
    });
    await ours.process.line(/msg="joined the cluster" reached=3/);
    await seeEachOther([a.first, b.first, ours]);
  });

  test('counts reaching itself as joining, as the reference does', async () => {
    const own = await freePort();
    const ours = await startNode({
      name: 'alone',
      gossipPort: own,
      join: [`127.0.0.1:${own}`],
      awaitReady: false,
      flags: {
        'memberlist.abort-if-fast-join-fails': true,
        'memberlist.abort-if-join-fails': true,
      },
    });
    await ours.process.line(/msg="joined the cluster" reached=1/);
    expect(await ours.memberNames()).toEqual(['alone']);
  });
});

describe('a seed that is not there', () => {
  test('is waited for, whichever side comes late', async () => {
    const [goPort, ourPort] = [await freePort(), await freePort()];
    const [early, earlyGo] = await Promise.all([
      startNode({
        name: 'early',
        join: [`127.0.0.1:${goPort}`],
        awaitReady: false,
        flags: PATIENT,
      }),
      startGo({ name: 'early-go', join: [`127.0.0.1:${ourPort}`], flags: PATIENT }),
    ]);
    await early.process.line(/msg="attempt to join failed" attempt=2/);
    const waiting = await early.http.request('/ready');
    expect(waiting.status).toBe(503);
    expect(await waiting.text()).toContain(`no member has answered yet at 127.0.0.1:${goPort}`);
    const [lateGo, late] = await Promise.all([
      startGo({ name: 'late-go', flags: { 'memberlist.bind-port': goPort } }),
      startNode({ name: 'late', gossipPort: ourPort }),
    ]);
    await Promise.all([
      seeEachOther([early, lateGo.first]),
      seeEachOther([earlyGo.first, late]),
      early.ready(),
    ]);
  });

  test('ends the process with code 1 and the reason where the flags say so', async () => {
    const port = await freePort();
    const flags = { 'memberlist.join': `127.0.0.1:${port}` };
    const [fast, full] = await Promise.all([
      runNode({ ...flags, 'memberlist.abort-if-fast-join-fails': true }),
      runNode({
        ...flags,
        'memberlist.abort-if-join-fails': true,
        'memberlist.max-join-retries': 2,
        'memberlist.min-join-backoff': '100ms',
      }),
    ]);
    expect(fast.code).toBe(1);
    expect(fast.output).toMatch(
      new RegExp(`could not start.*no member was reached at startup.*127.0.0.1:${port}.*REFUSED`),
    );
    expect(full.code).toBe(1);
    expect(full.output).toMatch(/attempt=2/);
    expect(full.output).toMatch(
      new RegExp(`the node gave up.*could not join the cluster.*127.0.0.1:${port}.*REFUSED`),
    );
  });

  test('is joined again when it was restarted under the same address and another name', async () => {
    const [goPort, otherGoPort, ourPort] = [await freePort(), await freePort(), await freePort()];
    const startSeed = async (name: string, port: number): Promise<GoPeers> =>
      await startGo({ name, flags: { 'memberlist.bind-port': port } });
    const [first, second, ourSeed] = await Promise.all([
      startSeed('go-1', goPort),
      startSeed('other-1', otherGoPort),
      startNode({ name: 'ours-1', gossipPort: ourPort }),
    ]);
    // The rejoin of the absent alone, the reference's rejoin alone, and a Go peer that rejoins our node.
    const [absent, everyone, go] = await Promise.all([
      startNode({
        name: 'absent',
        join: [first.first.gossipAddress],
        flags: { 'cluster.rejoin-interval': '500ms' },
      }),
      startNode({
        name: 'everyone',
        join: [second.first.gossipAddress],
        flags: { 'cluster.rejoin-interval': '0s', 'memberlist.rejoin-interval': '500ms' },
      }),
      startGo({
        name: 'go',
        join: [ourSeed.gossipAddress],
        flags: { 'memberlist.rejoin-interval': '500ms' },
      }),
    ]);
    await Promise.all([
      seeEachOther([absent, first.first]),
      seeEachOther([everyone, second.first]),
      seeEachOther([go.first, ourSeed]),
    ]);
    await Promise.all([first.process.kill(), second.process.kill(), ourSeed.process.kill()]);
    const [firstAgain, secondAgain, ourSeedAgain] = await Promise.all([
      startSeed('go-2', goPort),
      startSeed('other-2', otherGoPort),
      startNode({ name: 'ours-2', gossipPort: ourPort, awaitReady: false }),
    ]);
    // Until it is declared dead each old seed is still listed beside the new one.
    await Promise.all([
      seesAlso(absent, 'go-2'),
      seesAlso(firstAgain.first, 'absent'),
      seesAlso(everyone, 'other-2'),
      seesAlso(secondAgain.first, 'everyone'),
      seesAlso(go.first, 'ours-2'),
      seesAlso(ourSeedAgain, 'go'),
    ]);
  });
});

describe('addresses that cannot be right', () => {
  test('DNS prefixes are refused wherever they have no meaning, each named', async () => {
    const { code, output } = await runNode({
      'memberlist.bind-addr': ['127.0.0.1', 'dns+node.test:7946'],
      'memberlist.advertise-addr': 'dnssrv+node.test',
      'server.http-listen-address': 'dns+node.test:80',
      'ring.instance-addr': 'dnssrvnoa+node.test',
    });
    expect(code).toBe(1);
    for (const flag of [
      '-memberlist.bind-addr',
      '-memberlist.advertise-addr',
      '-server.http-listen-address',
      '-ring.instance-addr',
    ]) {
      expect(output).toMatch(new RegExp(`${flag} is "dns.*prefixes work only in -memberlist.join`));
    }
  });

  test('badly written entries of -memberlist.join are refused at start, all of them, with what to write', async () => {
    const { code, output } = await runNode({
      'memberlist.join': [
        'dnssd+node.test:7946',
        'dns+node.test',
        'dnssrv+node.test:99999',
        'dnssrv+',
      ],
    });
    expect(code).toBe(1);
    expect(output).toMatch(/unknown prefix "dnssd".*use dns\+host:port, dnssrv\+name/);
    expect(output).toMatch(/missing port in "dns\+node.test".*write dns\+host:port/);
    expect(output).toMatch(/bad port "99999".*from 1 to 65535/);
    expect(output).toMatch(/no name to look up in "dnssrv\+"/);
  });

  test('a host name to bind or to advertise, and a port in use on the second address, are refused', async () => {
    const seed = await startGo({ name: 'seed', bindAddress: '127.0.0.2' });
    const taken = seed.first.gossipAddress.split(':')[1] ?? '';
    const [bind, advertise, second] = await Promise.all([
      runNode({ 'memberlist.bind-addr': 'localhost' }),
      runNode({ 'memberlist.advertise-addr': 'localhost' }),
      runNode({
        'memberlist.bind-addr': ['127.0.0.1', '127.0.0.2'],
        'memberlist.bind-port': taken,
      }),
    ]);
    expect([bind.code, advertise.code, second.code]).toEqual([1, 1, 1]);
    expect(bind.output).toMatch(/bind address "localhost" is not an IP address/);
    expect(advertise.output).toMatch(/advertise address "localhost" is not an IP address/);
    expect(second.output).toContain(
      `cannot listen on 127.0.0.2:${taken}: another process has the port`,
    );
  });
});
