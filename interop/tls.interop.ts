import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary, serverMain } from './harness/build.ts';
import { type CertificateName, Certificates, TLS_SERVER_NAME } from './harness/certificates.ts';
import { Cleanup } from './harness/cleanup.ts';
import { eventually } from './harness/eventually.ts';
import { type GoPeer, GoPeers } from './harness/go-peer.ts';
import type { Flags } from './harness/managed-process.ts';
import { runNode } from './harness/run-node.ts';
import { seeActive, seeEachOther, sees } from './harness/see-members.ts';
import { SHARED_RING, TsNode } from './harness/ts-node.ts';

const cleanup = new Cleanup();
let certificates: Certificates;

beforeAll(async () => {
  await Promise.all([serverMain(), goBinary('peer'), goBinary('certs')]);
  certificates = cleanup.use(await Certificates.create());
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await cleanup[Symbol.asyncDispose]();
});

const TRUST_ALL = { 'memberlist.tls-insecure-skip-verify': true };
const BY_NAME = { 'memberlist.tls-server-name': TLS_SERVER_NAME };

async function startGo(to: Cleanup, name: string, flags: Flags, join?: string): Promise<GoPeer> {
  const group = await GoPeers.start({ name, flags, ...(join && { join: [join] }) });
  return to.use(group).first;
}

async function startNode(to: Cleanup, name: string, flags: Flags, join?: string): Promise<TsNode> {
  const all = { ...SHARED_RING, ...flags };
  return to.use(await TsNode.start({ name, flags: all, ...(join && { join: [join] }) }));
}

/** Both kinds join each other, and ring entries travel both ways. */
async function expectCluster(flags: Flags): Promise<void> {
  await using own = new Cleanup();
  const seed = await startGo(own, 'go-seed', flags);
  const ours = await startNode(own, 'ours', flags, seed.gossipAddress);
  const late = await startGo(own, 'go-late', flags, ours.gossipAddress);
  const nodes = [seed, ours, late];
  await seeEachOther(nodes);
  for (const id of ['go-seed', 'ours', 'go-late']) await seeActive(nodes, id);
}

describe('members with good certificates', () => {
  test.concurrent('gossip over TLS in both directions', async () => {
    await expectCluster(certificates.flags('member'));
  });

  test.concurrent('gossip with certificates for a name, checked against -memberlist.tls-server-name', async () => {
    await expectCluster({ ...certificates.flags('named'), ...BY_NAME });
  });

  test.concurrent('gossip over TLS 1.3 only, and over one cipher suite of TLS 1.2', async () => {
    await Promise.all([
      expectCluster({
        ...certificates.flags('member'),
        'memberlist.tls-min-version': 'VersionTLS13',
      }),
      expectCluster({
        ...certificates.flags('member'),
        'memberlist.tls-cipher-suites': 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
      }),
    ]);
  });

  test.concurrent('gossip with any certificate where verification is switched off', async () => {
    await using own = new Cleanup();
    const flags = { ...certificates.flags('stranger'), ...TRUST_ALL };
    const seed = await startGo(own, 'go-stranger', flags);
    const ours = await startNode(
      own,
      'ours',
      { ...certificates.flags('expired'), ...TRUST_ALL },
      seed.gossipAddress,
    );
    await seeEachOther([seed, ours]);
  });
});

describe('a Go peer that cannot be verified', () => {
  test.concurrent.each<[string, CertificateName, Flags, RegExp]>([
    [
      'signed by another authority',
      'stranger',
      {},
      /no authority that is trusted here; set tls-ca-path/,
    ],
    [
      'without IP addresses',
      'named',
      {},
      /for no IP, but 127\.0\.0\.1 was dialled; set tls-server-name/,
    ],
    [
      'of another name',
      'member',
      { 'memberlist.tls-server-name': 'other.test' },
      /for another name or IP; set tls-server-name.*other\.test/,
    ],
    ['out of date', 'expired', {}, /has expired; renew it/],
  ])('is not joined, and the log tells why and what to do: %s', async (_, name, flags, reason) => {
    await using own = new Cleanup();
    const peer = await startGo(own, 'go', certificates.flags(name));
    const { code, output } = await runNode({
      ...certificates.flags('member'),
      ...flags,
      'memberlist.join': peer.gossipAddress,
      'memberlist.abort-if-fast-join-fails': true,
    });
    expect(code).toBe(1);
    expect(output).toMatch(reason);
    expect(await peer.aliveNames()).toEqual(['go']);
  });
});

describe('our node with a certificate that a Go peer cannot verify', () => {
  test.concurrent.each<[CertificateName, RegExp]>([
    ['stranger', /unknown authority/],
    ['named', /IP SANs/],
    ['expired', /expired/],
  ])('is not joined by it: %s', async (name, reason) => {
    await using own = new Cleanup();
    const ours = await startNode(own, 'ours', certificates.flags(name));
    const peer = await startGo(own, 'go', certificates.flags('member'));
    await expect(peer.join(ours.gossipAddress)).rejects.toThrow(reason);
    expect(await ours.memberNames()).toEqual(['ours']);
    await ours.process.line(/tls handshake with a peer failed/);
    const metrics = await ours.metrics();
    expect(
      metrics.value('ml_tcp_transport_inbound_rejected_total', { reason: 'handshake' }),
    ).toBeGreaterThan(0);
  });
});

describe('TLS on one side only', () => {
  test.concurrent('our node with TLS does not join a Go peer without, and says so', async () => {
    await using own = new Cleanup();
    const peer = await startGo(own, 'go', {});
    const { code, output } = await runNode({
      ...certificates.flags('member'),
      'memberlist.join': peer.gossipAddress,
      'memberlist.abort-if-fast-join-fails': true,
    });
    expect(code).toBe(1);
    expect(output).toMatch(
      /cut the TLS handshake.*set -memberlist\.tls-enabled on all members or on none/,
    );
    expect(await peer.aliveNames()).toEqual(['go']);
  });

  test.concurrent('our node without TLS does not join a Go peer with it', async () => {
    await using own = new Cleanup();
    const peer = await startGo(own, 'go', certificates.flags('member'));
    const { code, output } = await runNode({
      'memberlist.join': peer.gossipAddress,
      'memberlist.abort-if-fast-join-fails': true,
    });
    expect(code).toBe(1);
    expect(output).toMatch(
      /(closed before its first byte|was cut: .*); compare -memberlist\.tls-enabled/,
    );
    expect(await peer.aliveNames()).toEqual(['go']);
  });

  test.concurrent('a Go peer with TLS meets our node without: counted and explained, not joined', async () => {
    await using own = new Cleanup();
    const ours = await startNode(own, 'ours', {});
    const peer = await startGo(own, 'go', certificates.flags('member'));
    await expect(peer.join(ours.gossipAddress)).rejects.toThrow();
    await ours.process.line(/unknown connection.*protocol=tls.*-memberlist\.tls-enabled on all/);
    const metrics = await ours.metrics();
    expect(metrics.value('memberlist_tcp_transport_unknown_connections_total')).toBeGreaterThan(0);
    await sees(ours, ['ours']);
  });

  test.concurrent('a Go peer without TLS meets our node with it: counted and explained, not joined', async () => {
    await using own = new Cleanup();
    const ours = await startNode(own, 'ours', certificates.flags('member'));
    const peer = await startGo(own, 'go', {});
    await expect(peer.join(ours.gossipAddress)).rejects.toThrow();
    await ours.process.line(
      /tls handshake with a peer failed.*does not speak TLS; set -memberlist\.tls-enabled/,
    );
    await eventually(
      async () => {
        const metrics = await ours.metrics();
        const counted = metrics.value('ml_tcp_transport_inbound_rejected_total', {
          reason: 'handshake',
        });
        expect(counted).toBeGreaterThan(0);
      },
      { what: 'the failed handshake is counted' },
    );
    await sees(ours, ['ours']);
  });
});

describe('TLS settings that cannot work', () => {
  test('are refused at start, with the file or the flag that is wrong', async () => {
    const good = certificates.flags('member');
    const runs: readonly [Flags, RegExp][] = [
      [{ ...good, 'memberlist.tls-key-path': undefined }, /tls-cert-path is set but tls-key-path/],
      [{ ...good, 'memberlist.tls-ca-path': '/absent/ca.pem' }, /cannot read \/absent\/ca\.pem/],
      [
        { ...good, 'memberlist.tls-ca-path': `${certificates.dir}/member.key` },
        /member\.key \(tls-ca-path\) holds no PEM certificate/,
      ],
      [
        { ...good, 'memberlist.tls-key-path': `${certificates.dir}/stranger.key` },
        /cannot be used together.*key values mismatch/,
      ],
      [
        { ...good, 'memberlist.tls-min-version': 'TLS1.2' },
        /"TLS1\.2" is not known; use VersionTLS10/,
      ],
      [{ ...good, 'memberlist.tls-cipher-suites': 'FAST' }, /cipher suite "FAST".*is not known/],
      [{ 'memberlist.tls-enabled': true }, /no certificate to listen with/],
    ];
    await Promise.all(
      runs.map(async ([flags, reason]) => {
        const { code, output } = await runNode(flags);
        expect(output).toMatch(reason);
        expect(code).toBe(1);
      }),
    );
  });
});
