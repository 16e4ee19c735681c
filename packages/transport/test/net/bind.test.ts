import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { nodeRuntime } from '@ml/runtime/node';
import { describe, expect, test } from 'vitest';
import { AdvertiseError, BindError } from '../../src/errors.ts';
import { createTcpTransport } from '../../src/node.ts';
import { loopbackConfig } from '../helpers/config.ts';
import { nodeOnLoopback } from '../helpers/node-on-loopback.ts';
import { freePort, until } from '../helpers/real.ts';

const runtime = nodeRuntime();
const hasIpv6 = Object.values(networkInterfaces()).some((infos) =>
  infos?.some(({ address }) => address === '::1'),
);

function listening(port: number, host: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

describe('binding', () => {
  test('to port 0 takes a free port and advertises it', async () => {
    await using node = await nodeOnLoopback();
    expect(node.transport.advertised.host).toBe('127.0.0.1');
    expect(node.transport.advertised.port).toBeGreaterThan(0);
    expect(node.transport.advertisedIp).toEqual(Uint8Array.of(127, 0, 0, 1));
  });

  test('to port 0 with several addresses uses one port for all', async () => {
    await using node = await nodeOnLoopback({
      config: loopbackConfig({ bindAddrs: ['127.0.0.1', '127.0.0.2'] }),
    });
    const { port } = node.transport.advertised;
    await using sender = await nodeOnLoopback();
    sender.transport.sendPacket({ host: '127.0.0.2', port }, Uint8Array.of(1));
    await until(() => node.packets.length === 1);
    expect(node.packets[0]?.from).toEqual(sender.transport.advertised);
  });

  // T-14
  test.skipIf(!hasIpv6)('to 0.0.0.0 takes connections of both families', async () => {
    const { port } = await freePort();
    await using node = await nodeOnLoopback({
      config: loopbackConfig({ bindAddrs: ['0.0.0.0'], bindPort: port }),
      advertiseAddr: '127.0.0.1',
    });
    await using sender = await nodeOnLoopback({ config: loopbackConfig({ bindAddrs: ['::1'] }) });
    sender.transport.sendPacket({ host: '127.0.0.1', port }, Uint8Array.of(4));
    sender.transport.sendPacket({ host: '::1', port }, Uint8Array.of(6));
    await until(() => node.packets.length === 2);
    expect(node.packets.map(({ bytes }) => bytes[0]).sort((a = 0, b = 0) => a - b)).toEqual([4, 6]);
    expect(node.packets[0]?.from).toEqual(sender.transport.advertised);
  });

  // T-11
  test('with an advertise address advertises the advertise port, not the bound one', async () => {
    await using node = await nodeOnLoopback({ advertiseAddr: '10.9.9.9' });
    expect(node.transport.advertised).toEqual({ host: '10.9.9.9', port: 7946 });
    expect(node.transport.advertisedIp).toHaveLength(16);
  });

  test('to a host name is refused by name', async () => {
    const config = loopbackConfig({ bindAddrs: ['localhost'] });
    const opening = createTcpTransport({ config, runtime });
    await expect(opening).rejects.toThrow(BindError);
    await expect(opening).rejects.toThrow(/"localhost".*bind-addr/);
  });

  test('to a port in use says so and what to do', async () => {
    const { port } = await freePort();
    const other = await listening(port, '127.0.0.1');
    const opening = createTcpTransport({ config: loopbackConfig({ bindPort: port }), runtime });
    await expect(opening).rejects.toThrow(/127\.0\.0\.1:\d+.*bind-port/);
    other.close();
  });

  test('to an address of another machine says so', async () => {
    const config = loopbackConfig({ bindAddrs: ['192.0.2.1'] });
    await expect(createTcpTransport({ config, runtime })).rejects.toThrow(
      /does not have that address/,
    );
  });

  test('is all or nothing: a second address in use frees the first', async () => {
    const { port } = await freePort();
    const other = await listening(port, '127.0.0.2');
    const config = loopbackConfig({ bindAddrs: ['127.0.0.1', '127.0.0.2'], bindPort: port });
    await expect(createTcpTransport({ config, runtime })).rejects.toThrow(/127\.0\.0\.2/);
    const again = await listening(port, '127.0.0.1');
    again.close();
    other.close();
  });

  test('with a bad advertise address leaves nothing bound', async () => {
    const { port } = await freePort();
    const config = loopbackConfig({ bindPort: port });
    const opening = createTcpTransport({ config, runtime, advertiseAddr: 'node-1' });
    await expect(opening).rejects.toThrow(AdvertiseError);
    const again = await listening(port, '127.0.0.1');
    again.close();
  });

  test('without any private address asks for an advertise address', async () => {
    const config = loopbackConfig({ bindAddrs: [] });
    const opening = createTcpTransport({ config, runtime, interfaces: [] });
    await expect(opening).rejects.toThrow(/advertise-addr/);
  });

  test('frees the port when closed', async () => {
    const node = await nodeOnLoopback();
    const { port } = node.transport.advertised;
    await node.transport[Symbol.asyncDispose]();
    const again = await listening(port, '127.0.0.1');
    again.close();
  });
});
