import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { seededRandom } from '@ml/runtime';
import { describe, expect, test } from 'vitest';
import { loopbackConfig, tlsConfig } from '../helpers/config.ts';
import { type LoopbackNode, nodeOnLoopback } from '../helpers/node-on-loopback.ts';
import { until } from '../helpers/real.ts';

/** A raw connection to the node; its errors are what the test provokes. */
async function raw(node: LoopbackNode): Promise<Socket> {
  const { host, port } = node.transport.advertised;
  const socket = connect({ host, port, allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

function packet(payload: Uint8Array): Buffer {
  const digest = createHash('md5').update(payload).digest();
  return Buffer.concat([Buffer.from([1, 0]), payload, digest]);
}

/** The node still does its work. */
async function expectAlive(node: LoopbackNode): Promise<void> {
  const before = node.packets.length;
  const socket = await raw(node);
  socket.end(packet(Uint8Array.of(9)));
  await until(() => node.packets.length === before + 1);
}

const open = (node: LoopbackNode) => node.count('ml_tcp_transport_inbound_connections');

describe('a node on real sockets survives', () => {
  test('connections that close at once, orderly or by reset', async () => {
    await using node = await nodeOnLoopback();
    (await raw(node)).end();
    (await raw(node)).resetAndDestroy();
    await until(() => open(node) === 0);
    await expectAlive(node);
    expect(node.count('packets_received_errors_total')).toBe(0);
  });

  test('a reset in the middle of a packet, which counts as an error', async () => {
    await using node = await nodeOnLoopback();
    const socket = await raw(node);
    socket.write(Buffer.from([1, 0, 1, 2, 3]));
    await until(() => node.count('packets_received_total') === 1);
    socket.resetAndDestroy();
    await until(() => node.count('packets_received_errors_total') === 1);
    await expectAlive(node);
  });

  test('a reset right behind a whole packet, which still counts', async () => {
    await using node = await nodeOnLoopback();
    const socket = await raw(node);
    socket.write(packet(Uint8Array.of(5)));
    await until(() => node.count('received_bytes_total') === 19);
    socket.resetAndDestroy();
    await until(() => node.packets.length === 1);
    expect(node.count('packets_received_errors_total')).toBe(0);
  });

  test('an endless packet', async () => {
    await using node = await nodeOnLoopback({ limits: { maxPacketFrameBytes: 1024 * 1024 } });
    const socket = await raw(node);
    socket.write(Buffer.from([1, 0]));
    const chunk = Buffer.alloc(64 * 1024);
    const flood = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', flood);
    flood();
    await until(() => node.count('packets_received_errors_total') === 1);
    socket.destroy();
    expect(node.count('ml_tcp_transport_inbound_rejected_total', 'too_large')).toBe(1);
    await until(() => open(node) === 0);
    await expectAlive(node);
  });

  test('random bytes of every length', async () => {
    await using node = await nodeOnLoopback();
    const random = seededRandom(1);
    for (let length = 1; length < 60; length++) {
      const socket = await raw(node);
      socket.end(random.bytes(length));
    }
    await until(() => open(node) === node.streams.length);
    for (const stream of node.streams) await stream[Symbol.asyncDispose]();
    await until(() => open(node) === 0);
    await expectAlive(node);
  });

  test('HTTP, which gets an answer', async () => {
    await using node = await nodeOnLoopback();
    const { port } = node.transport.advertised;
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/gossip port/);
    expect(node.log.lines).toMatchObject([
      {
        level: 'error',
        fields: { protocol: 'http', remote: expect.stringMatching(/^127\.0\.0\.1:/) },
      },
    ]);
    expect(node.count('unknown_connections_total')).toBe(1);
  });

  test('TLS on a plain port', async () => {
    await using node = await nodeOnLoopback();
    const { host, port } = node.transport.advertised;
    const socket = connectTls({ host, port, rejectUnauthorized: false });
    const [error] = await once(socket, 'error');
    expect(error).toBeInstanceOf(Error);
    expect(node.count('unknown_connections_total')).toBe(1);
    await expectAlive(node);
  });

  test('plain bytes on a TLS port, which move no counter of the reference', async () => {
    await using node = await nodeOnLoopback({ config: tlsConfig('member') });
    const socket = await raw(node);
    socket.write(packet(Uint8Array.of(1)));
    await until(() => node.count('ml_tcp_transport_inbound_rejected_total', 'handshake') === 1);
    await until(() => open(node) === 0);
    expect(node.count('unknown_connections_total')).toBe(0);
    expect(node.count('packets_received_total')).toBe(0);
    expect(node.log.lines).toMatchObject([{ level: 'warn', message: /handshake/ }]);
  });

  test('many idle connections at once: those beyond the limit are turned away', async () => {
    await using node = await nodeOnLoopback({ limits: { maxInboundConnections: 50 } });
    const sockets = await Promise.all(Array.from({ length: 300 }, () => raw(node)));
    await until(() => node.count('ml_tcp_transport_inbound_rejected_total', 'connections') === 250);
    expect(open(node)).toBe(50);
    for (const socket of sockets) socket.destroy();
    await until(() => open(node) === 0);
    await expectAlive(node);
  });

  test('a stream that half-closes and still reads our answer', async () => {
    await using node = await nodeOnLoopback();
    const socket = await raw(node);
    socket.end(Buffer.from([2, 1, 2, 3]));
    await until(() => node.streams.length === 1);
    const [stream] = node.streams;
    const got: number[] = [];
    for await (const chunk of stream?.source ?? []) got.push(...chunk);
    expect(got).toEqual([1, 2, 3]);
    await stream?.write(Uint8Array.of(4, 5));
    await stream?.closeWrite();
    const [answer] = await once(socket, 'data');
    expect([...answer]).toEqual([4, 5]);
  });

  test('a stream that is reset while it is read', async () => {
    await using node = await nodeOnLoopback();
    const socket = await raw(node);
    socket.write(Buffer.from([2, 1]));
    await until(() => node.streams.length === 1);
    const reading = (async () => {
      for await (const chunk of node.streams[0]?.source ?? []) {
        expect([...chunk]).toEqual([1]);
        socket.resetAndDestroy();
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ML_TRANSPORT_STREAM' });
  });

  test('a peer that resets in the middle of our packet', async () => {
    await using node = await nodeOnLoopback();
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.resetAndDestroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    node.transport.sendPacket({ host: '127.0.0.1', port }, new Uint8Array(9 * 1024 * 1024));
    await until(() => node.count('packets_sent_errors_total') === 1);
    server.close();
    await expectAlive(node);
  });
});

describe('a packet between two nodes', () => {
  test('moves the byte counters of both alike', async () => {
    await using a = await nodeOnLoopback();
    await using b = await nodeOnLoopback();
    a.transport.sendPacket(b.transport.advertised, new Uint8Array(700));
    await until(() => b.packets.length === 1);
    expect(b.count('received_bytes_total')).toBe(a.count('sent_bytes_total'));
    expect(b.count('packets_received_bytes_total')).toBe(700);
  });

  test('goes through one writer after another under load, and what waits too long is dropped', async () => {
    await using a = await nodeOnLoopback({
      config: loopbackConfig({ maxConcurrentWrites: 1, acquireWriterTimeoutMs: 1 }),
    });
    await using b = await nodeOnLoopback();
    for (let at = 0; at < 100; at++)
      a.transport.sendPacket(b.transport.advertised, Uint8Array.of(at));
    const ended = () => a.count('packets_sent_total') + a.count('packets_dropped_total');
    await until(() => ended() === 100 && b.packets.length === a.count('packets_sent_total'));
    expect(b.packets.length).toBeGreaterThan(0);
    expect(a.count('packets_dropped_total')).toBeGreaterThan(0);
  });
});
