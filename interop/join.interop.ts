import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { GoPeers, type GoPeersOptions } from './harness/go-peer.ts';
import { freePort } from './harness/ports.ts';
import { runNode } from './harness/run-node.ts';
import { seeActive, seeEachOther, sees, seesAlso } from './harness/see-members.ts';
import { SHARED_RING, TsNode, type TsNodeOptions } from './harness/ts-node.ts';

beforeAll(async () => {
  await Promise.all([serverMain(), goBinary('peer')]);
}, BUILD_LIMIT_MS);

async function startNode(cleanup: Cleanup, options: TsNodeOptions): Promise<TsNode> {
  const flags = { ...SHARED_RING, ...options.flags };
  return cleanup.use(await TsNode.start({ ...options, flags }));
}

async function startGo(cleanup: Cleanup, options: GoPeersOptions): Promise<GoPeers> {
  return cleanup.use(await GoPeers.start(options));
}

/** Joins again and again without long waits. */
const PATIENT = {
  'memberlist.min-join-backoff': '100ms',
  'memberlist.max-join-backoff': '500ms',
  'memberlist.max-join-retries': 0,
} as const;

describe('joining by address', () => {
  test.concurrent('joins a Go peer by IP and port, and a Go peer joins our node', async () => {
    await using cleanup = new Cleanup();
    const seed = await startGo(cleanup, { name: 'seed' });
    const ours = await startNode(cleanup, { name: 'ours', join: [seed.first.gossipAddress] });
    const late = await startGo(cleanup, { name: 'late', join: [ours.gossipAddress] });
    const nodes = [seed.first, ours, late.first];
    await seeEachOther(nodes);
    for (const id of ['seed', 'ours', 'late']) await seeActive(nodes, id);
  });

  test.concurrent('takes repeated flags, a comma list, a node name before a slash, IPv6 in brackets, and its own address', async () => {
    await using cleanup = new Cleanup();
    const [a, b, c, d] = await Promise.all([
      startGo(cleanup, { name: 'a' }),
      startGo(cleanup, { name: 'b' }),
      startGo(cleanup, { name: 'c' }),
      startGo(cleanup, { name: 'd', bindAddress: '::1' }),
    ]);
    const own = await freePort();
    const ours = await startNode(cleanup, {
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

  test.concurrent('takes join_members, and everything else, from YAML', async () => {
    await using cleanup = new Cleanup();
    const [a, b] = await Promise.all([
      startGo(cleanup, { name: 'a' }),
      startGo(cleanup, { name: 'b' }),
    ]);
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
    const ours = await startNode(cleanup, {
      name: 'from-yaml',
      flags: { ...fromFile, 'memberlist.nodename': undefined, 'config.file': path },
    });
    await ours.process.line(/msg="joined the cluster" reached=3/);
    await seeEachOther([a.first, b.first, ours]);
  });

  test.concurrent('counts reaching itself as joining, as the reference does', async () => {
    await using cleanup = new Cleanup();
    const own = await freePort();
    const ours = await startNode(cleanup, {
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
  test.concurrent('is waited for, whichever side comes late', async () => {
    await using cleanup = new Cleanup();
    const [goPort, ourPort] = [await freePort(), await freePort()];
    const [early, earlyGo] = await Promise.all([
      startNode(cleanup, {
        name: 'early',
        join: [`127.0.0.1:${goPort}`],
        awaitReady: false,
        flags: PATIENT,
      }),
      startGo(cleanup, { name: 'early-go', join: [`127.0.0.1:${ourPort}`], flags: PATIENT }),
    ]);
    await early.process.line(/msg="attempt to join failed" attempt=2/);
    const waiting = await early.http.request('/ready');
    expect(waiting.status).toBe(503);
    expect(await waiting.text()).toContain(`no member has answered yet at 127.0.0.1:${goPort}`);
    const [lateGo, late] = await Promise.all([
      startGo(cleanup, { name: 'late-go', flags: { 'memberlist.bind-port': goPort } }),
      startNode(cleanup, { name: 'late', gossipPort: ourPort }),
    ]);
    await Promise.all([
      seeEachOther([early, lateGo.first]),
      seeEachOther([earlyGo.first, late]),
      early.ready(),
    ]);
  });

  test.concurrent('ends the process with code 1 and the reason where the flags say so', async () => {
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

  test.concurrent('is joined again when it was restarted under the same address and another name', async () => {
    await using cleanup = new Cleanup();
    const [goPort, ourPort] = [await freePort(), await freePort()];
    const [first, ourSeed] = await Promise.all([
      startGo(cleanup, { name: 'go-1', flags: { 'memberlist.bind-port': goPort } }),
      startNode(cleanup, { name: 'ours-1', gossipPort: ourPort }),
    ]);
    // Our node and a Go peer, each with the reference's rejoin only.
    const rejoining = { 'memberlist.rejoin-interval': '500ms' };
    const [ours, go] = await Promise.all([
      startNode(cleanup, {
        name: 'ours',
        join: [first.first.gossipAddress],
        flags: { ...rejoining, 'cluster.rejoin-interval': '0s' },
      }),
      startGo(cleanup, { name: 'go', join: [ourSeed.gossipAddress], flags: rejoining }),
    ]);
    await Promise.all([seeEachOther([ours, first.first]), seeEachOther([go.first, ourSeed])]);
    await Promise.all([first.process.kill(), ourSeed.process.kill()]);
    const [again, ourAgain] = await Promise.all([
      startGo(cleanup, { name: 'go-2', flags: { 'memberlist.bind-port': goPort } }),
      startNode(cleanup, { name: 'ours-2', gossipPort: ourPort, awaitReady: false }),
    ]);
    // Until it is declared dead each old seed is still listed beside the new one.
    await Promise.all([
      seesAlso(ours, 'go-2'),
      seesAlso(again.first, 'ours'),
      seesAlso(go.first, 'ours-2'),
      seesAlso(ourAgain, 'go'),
    ]);
  });

  test.concurrent('is joined again by default after it was dead for long, when nobody gossips to it any more', async () => {
    await using cleanup = new Cleanup();
    const port = await freePort();
    const seed = { 'memberlist.bind-port': port };
    const first = await startGo(cleanup, { name: 'go-1', flags: seed });
    const ours = await startNode(cleanup, {
      name: 'ours',
      join: [first.first.gossipAddress],
      flags: { 'cluster.rejoin-interval': '500ms', 'memberlist.gossip-to-dead-nodes-time': '0s' },
    });
    await seeEachOther([ours, first.first]);
    await first.process.kill();
    await sees(ours, ['ours'], 90_000);
    const again = await startGo(cleanup, { name: 'go-2', flags: seed });
    await seeEachOther([ours, again.first]);
    await ours.process.line(/joined addresses that were no members.*reached=1/);
  }, 150_000);
});

describe('addresses that cannot be right', () => {
  test.concurrent('DNS prefixes are refused wherever they have no meaning, each named', async () => {
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

  test.concurrent('badly written entries of -memberlist.join are refused at start, all of them, with what to write', async () => {
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

  test.concurrent('a host name to bind or to advertise, and a port in use on the second address, are refused', async () => {
    await using cleanup = new Cleanup();
    const seed = await startGo(cleanup, { name: 'seed', bindAddress: '127.0.0.2' });
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
