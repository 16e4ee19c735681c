import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { type Runtime, recordingLogger } from '@ml/runtime';
import { nodeRuntime } from '@ml/runtime/node';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { DialError } from '../../src/errors.ts';
import { createTcpTransport } from '../../src/node.ts';
import { tlsConfig, tlsFixture } from '../helpers/config.ts';
import { type LoopbackNode, nodeOnLoopback } from '../helpers/node-on-loopback.ts';
import { until } from '../helpers/real.ts';

async function dial(from: LoopbackNode, to: LoopbackNode): Promise<string> {
  try {
    const stream = await from.transport.dial(to.transport.advertised, { timeoutMs: 5000 });
    await stream[Symbol.asyncDispose]();
    return 'connected';
  } catch (error) {
    return error instanceof DialError ? `${error.reason}: ${error.message}` : String(error);
  }
}

async function between(
  server: Parameters<typeof tlsConfig>,
  client: Parameters<typeof tlsConfig>,
): Promise<string> {
  await using b = await nodeOnLoopback({ config: tlsConfig(...server) });
  await using a = await nodeOnLoopback({ config: tlsConfig(...client) });
  return await dial(a, b);
}

// T-40, T-44
describe('a dialer', () => {
  test('takes a certificate with the dialled IP', async () => {
    expect(await between(['member'], ['member'])).toBe('connected');
  });

  test('takes a bundle of two authorities', async () => {
    const bundle = { tlsCaPath: tlsFixture('two-ca.pem') };
    expect(await between(['member'], ['member', bundle])).toBe('connected');
    expect(await between(['stranger'], ['member', bundle])).toBe('connected');
  });

  test.each([
    ['expired', /^tls: .*has expired; renew it/],
    ['stranger', /^tls: .*no authority that is trusted here; set tls-ca-path/],
    ['nosan', /^tls: .*no subject alternative name/],
    ['named', /^tls: .*tls-server-name/],
  ])('refuses the certificate "%s" and says why', async (name, reason) => {
    expect(await between([name], ['member'])).toMatch(reason);
  });

  test('takes a certificate without IP when told the name in it', async () => {
    const expected = { tlsServerName: 'member.test' };
    expect(await between(['named'], ['member', expected])).toBe('connected');
  });

  test('refuses another name than the one it was told', async () => {
    const other = { tlsServerName: 'other.test' };
    expect(await between(['member'], ['member', other])).toMatch(
      /^tls: .*set tls-server-name.*other\.test/,
    );
  });

  test('takes any certificate when told not to verify', async () => {
    const skip = { tlsInsecureSkipVerify: true };
    expect(await between(['expired'], ['member', skip])).toBe('connected');
    expect(await between(['stranger'], ['member', skip])).toBe('connected');
  });

  test('gets nowhere when the versions do not meet', async () => {
    const old = await nodeOnLoopback({
      config: tlsConfig('member', { tlsMinVersion: 'VersionTLS13' }),
    });
    const { host, port } = old.transport.advertised;
    const socket = connectTls({ host, port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' });
    const failed = await new Promise<boolean>((resolve) => {
      socket.once('secureConnect', () => resolve(false));
      socket.once('error', () => resolve(true));
    });
    expect(failed).toBe(true);
    await old.transport[Symbol.asyncDispose]();
  });
});

describe('a listener', () => {
  test('asks for no certificate, as the reference', async () => {
    await using node = await nodeOnLoopback({ config: tlsConfig('member') });
    await using guest = await nodeOnLoopback({ config: tlsConfig('stranger') });
    expect(await dial(guest, node)).toBe('connected');
  });

  test('and a dialer say what to do when only one of the two speaks TLS', async () => {
    await using node = await nodeOnLoopback({ config: tlsConfig('member') });
    await using plain = await nodeOnLoopback({});
    expect(await dial(node, plain)).toMatch(/^tls: .*set -memberlist\.tls-enabled on all members/);
    plain.transport.sendPacket(node.transport.advertised, Uint8Array.of(1));
    await until(() => node.count('ml_tcp_transport_inbound_rejected_total', 'handshake') === 1);
    expect(node.log.lines).toMatchObject([
      {
        level: 'warn',
        fields: { err: expect.stringMatching(/does not speak TLS; set -memberlist/) },
      },
    ]);
  });

  test('told to require certificates takes none of another authority', async () => {
    await using node = await nodeOnLoopback({
      config: tlsConfig('member'),
      requireClientCertificate: true,
    });
    await using friend = await nodeOnLoopback({ config: tlsConfig('named') });
    await using guest = await nodeOnLoopback({ config: tlsConfig('stranger') });
    guest.transport.sendPacket(node.transport.advertised, Uint8Array.of(1));
    await until(() => node.count('ml_tcp_transport_inbound_rejected_total', 'handshake') === 1);
    friend.transport.sendPacket(node.transport.advertised, Uint8Array.of(2));
    await until(() => node.packets.length === 1);
    expect(node.packets[0]?.bytes).toEqual(Uint8Array.of(2));
  });

  test('shows when its certificate expires', async () => {
    await using node = await nodeOnLoopback({ config: tlsConfig('expired') });
    const name = 'ml_tcp_transport_tls_certificate_expiry_timestamp_seconds';
    expect(node.metrics.value(name)).toBe(Date.UTC(2020, 0, 2) / 1000);
  });
});

describe('files', () => {
  const runtime = nodeRuntime();

  test.each([
    ['tlsCertPath', 'missing.pem', /missing\.pem \(tls-cert-path\)/],
    ['tlsKeyPath', 'missing.pem', /missing\.pem \(tls-key-path\)/],
    ['tlsCaPath', 'missing.pem', /missing\.pem \(tls-ca-path\)/],
    ['tlsCaPath', 'empty.pem', /empty\.pem \(tls-ca-path\) holds no PEM certificate/],
    ['tlsCertPath', 'member-key.pem', /tls-cert-path\) holds no PEM certificate/],
    ['tlsKeyPath', 'member.pem', /tls-key-path\) holds no PEM private key/],
    ['tlsKeyPath', 'named-key.pem', /cannot be used together/],
  ])('%s = %s stops the start and is named', async (setting, file, message) => {
    const config = tlsConfig('member', { [setting]: tlsFixture(file) });
    const opening = createTcpTransport({ config, runtime });
    await expect(opening).rejects.toMatchObject({ code: 'ML_TRANSPORT_TLS_CONFIG' });
    await expect(opening).rejects.toThrow(message);
  });

  test('a cipher suite that this OpenSSL lacks is a warning', async () => {
    const log = recordingLogger();
    const config = tlsConfig('member', {
      tlsCipherSuites: 'TLS_RSA_WITH_RC4_128_SHA,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
    });
    const transport = await createTcpTransport({ config, runtime: nodeRuntime({ log }) });
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { ciphers: ['RC4-SHA'] } }]);
    await transport[Symbol.asyncDispose]();
  });

  test('that change are used by the listener, and the old ones stay when the new are bad', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ml-tls-'));
    const cert = join(folder, 'cert.pem');
    const key = join(folder, 'key.pem');
    const install = (name: string): void => {
      copyFileSync(tlsFixture(`${name}.pem`), cert);
      copyFileSync(tlsFixture(`${name}-key.pem`), key);
    };
    install('member');
    const log = recordingLogger();
    const virtual = new VirtualRuntime({ seed: 1, log });
    const config = tlsConfig('member', { tlsCertPath: cert, tlsKeyPath: key });
    await using node = await nodeOnLoopback({ config, runtime: virtual satisfies Runtime });
    const before = await serialOf(node);
    install('renewed');
    await virtual.runFor(10_000);
    const after = await serialOf(node);
    expect(after).not.toBe(before);
    writeFileSync(key, 'nothing');
    await virtual.runFor(20_000);
    expect(await serialOf(node)).toBe(after);
    expect(node.count('ml_tcp_transport_tls_reload_errors_total')).toBe(2);
    expect(log.lines.map(({ message }) => message)).toEqual([
      'tls files changed and are in use',
      'changed tls files are unusable, keeping the former',
    ]);
  });
});

function serialOf(node: LoopbackNode): Promise<string> {
  const { host, port } = node.transport.advertised;
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
