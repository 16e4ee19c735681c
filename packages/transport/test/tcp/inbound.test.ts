import { readFileSync } from 'node:fs';
import { md5 } from '@ml/runtime/hash';
import { describe, expect, test } from 'vitest';
import { nodeInMemory } from '../helpers/node-in-memory.ts';

const SENDER = [...Buffer.from('10.1.2.3:7946')];
const PAYLOAD = [...Buffer.from('test')];
const DIGEST = [...md5(Uint8Array.from(PAYLOAD))];
const PACKET = [1, SENDER.length, ...SENDER, ...PAYLOAD, ...DIGEST];

function packetFrom(sender: readonly number[]): number[] {
  return [1, sender.length, ...sender, ...PAYLOAD, ...DIGEST];
}

// The outcomes that the reference shows, and ours where they differ (T-22).
describe('a packet connection', () => {
  test('delivers the payload with the address of its sender', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(...PACKET);
    peer.end();
    await node.runtime.runFor(10);
    expect(node.packets).toEqual([
      {
        bytes: Uint8Array.from(PAYLOAD),
        from: { host: '10.1.2.3', port: 7946 },
        receivedAt: expect.any(Number),
      },
    ]);
    expect(node.count('packets_received_total')).toBe(1);
    expect(node.count('packets_received_bytes_total')).toBe(4);
    expect(node.count('received_bytes_total')).toBe(PACKET.length);
    expect(node.count('packets_received_errors_total')).toBe(0);
    expect(peer.received).toEqual([]);
  });

  test('may come one byte at a time', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    for (const byte of PACKET) {
      peer.send(byte);
      await node.runtime.runFor(3);
    }
    expect(node.packets).toEqual([]);
    peer.end();
    await node.runtime.runFor(10);
    expect(node.packets).toHaveLength(1);
  });

  test('with a wrong digest is counted and dropped', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(...PACKET.slice(0, -1), 0);
    peer.end();
    await node.runtime.runFor(10);
    expect(node.packets).toEqual([]);
    expect(node.count('packets_received_total')).toBe(1);
    expect(node.count('packets_received_errors_total')).toBe(1);
    expect(node.count('ml_tcp_transport_digest_mismatches_total')).toBe(1);
  });

  test('with a wrong digest is delivered all the same when asked to be as dskit', async () => {
    const node = await nodeInMemory({ dropBadDigest: false });
    const peer = await node.connect();
    peer.send(...PACKET.slice(0, -1), 0);
    peer.end();
    await node.runtime.runFor(10);
    expect(node.packets).toHaveLength(1);
    expect(node.count('packets_received_errors_total')).toBe(1);
    expect(node.count('packets_received_bytes_total')).toBe(4);
  });

  test.each([
    ['only the type', [1]],
    ['a sender longer than what comes', [1, 200, 1, 2, 3]],
    ['fewer than 16 bytes after the sender', [1, 0, ...Array<number>(15).fill(0)]],
  ])('with %s is an error', async (_what, bytes) => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(...bytes);
    peer.end();
    await node.runtime.runFor(10);
    expect(node.packets).toEqual([]);
    expect(node.count('packets_received_total')).toBe(1);
    expect(node.count('packets_received_errors_total')).toBe(1);
    expect(node.log.lines).toMatchObject([
      { level: 'warn', fields: { remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/) } },
    ]);
  });

  test.each([
    ['empty', []],
    ['not an address', [...Buffer.from('who knows')]],
    ['255 bytes', Array<number>(255).fill(0x31)],
    ['a forged log line', [...Buffer.from('x\n{"level":"error"}')]],
    ['not ASCII', [0xff, 0xfe, 0x00]],
  ])('whose sender is %s comes from where it came', async (_what, sender) => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(...packetFrom(sender));
    peer.end();
    await node.runtime.runFor(10);
    expect(node.packets).toMatchObject([{ from: { host: '127.0.0.1' } }]);
  });

  test('whose sender would break a log line is logged in quotes', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(...packetFrom([0x61, 0x0a, 0x22, 0xff]), 0);
    peer.end();
    await node.runtime.runFor(10);
    expect(node.log.lines).toMatchObject([{ fields: { sender: '"a\\n\\"\\u00ff"' } }]);
  });

  test('that is never finished is cut after the dial and write time-outs and three seconds', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(1, 0, 42);
    await node.runtime.runFor(9990);
    expect(peer.socket.closed).toBe(false);
    await node.runtime.runFor(20);
    expect(node.count('packets_received_errors_total')).toBe(1);
    expect(node.metrics.sum('ml_tcp_transport_inbound_rejected_total', { reason: 'timeout' })).toBe(
      1,
    );
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(0);
  });

  test('that drips does not get more time', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    for (let second = 0; second < 12; second++) {
      peer.send(1);
      await node.runtime.runFor(1000);
    }
    expect(node.count('packets_received_errors_total')).toBe(1);
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(0);
  });

  test('that passes the size limit is cut', async () => {
    const node = await nodeInMemory({ limits: { maxPacketFrameBytes: 100 } });
    const peer = await node.connect();
    peer.send(1, 0, ...Array<number>(100).fill(7));
    await node.runtime.runFor(10);
    expect(node.count('packets_received_errors_total')).toBe(1);
    expect(
      node.metrics.sum('ml_tcp_transport_inbound_rejected_total', { reason: 'too_large' }),
    ).toBe(1);
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(0);
  });

  test('is cut when all unfinished packets together pass their limit, and room is made', async () => {
    const node = await nodeInMemory({ limits: { maxBufferedBytes: 100 } });
    const first = await node.connect();
    const second = await node.connect();
    first.send(1, 0, ...Array<number>(60).fill(7));
    second.send(1, 0, ...Array<number>(60).fill(7));
    await node.runtime.runFor(10);
    expect(node.metrics.sum('ml_tcp_transport_inbound_rejected_total', { reason: 'memory' })).toBe(
      1,
    );
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(1);
    const third = await node.connect();
    third.send(...PACKET);
    third.end();
    await node.runtime.runFor(10);
    expect(node.packets).toHaveLength(1);
  });

  test('whose receiver throws costs a log line, not the node', async () => {
    const node = await nodeInMemory({
      onPacket: () => {
        throw new TypeError('receiver');
      },
    });
    for (let times = 0; times < 2; times++) {
      const peer = await node.connect();
      peer.send(...PACKET);
      peer.end();
      await node.runtime.runFor(10);
    }
    expect(node.packets).toHaveLength(2);
    expect(node.count('ml_tcp_transport_handler_errors_total')).toBe(2);
  });
});

describe('a connection', () => {
  test('that says nothing and closes moves no counter', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.end();
    await node.runtime.runFor(10);
    expect(node.count('packets_received_total')).toBe(0);
    expect(node.count('unknown_connections_total')).toBe(0);
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(0);
    expect(node.log.lines).toEqual([]);
  });

  test('that says nothing and stays is cut in the end', async () => {
    const node = await nodeInMemory();
    await node.connect();
    await node.runtime.runFor(10_010);
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(0);
    expect(node.metrics.sum('ml_tcp_transport_inbound_rejected_total', { reason: 'timeout' })).toBe(
      1,
    );
  });

  test.each([
    ['0x00', [0], 'unknown'],
    ['0x03', [3], 'unknown'],
    ['a TLS hello', [0x16, 3, 1, 2, 0, 1], 'tls'],
    ['another memberlist', [0xf4, 1, 0x61], 'memberlist'],
  ])('that starts with %s is unknown and named in the log', async (_what, bytes, protocol) => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(...bytes);
    await node.runtime.runFor(10);
    expect(node.count('unknown_connections_total')).toBe(1);
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(0);
    expect(node.log.lines).toMatchObject([
      { level: 'error', message: 'unknown connection', fields: { protocol } },
    ]);
  });

  test('that speaks HTTP is answered and logged once an hour', async () => {
    const node = await nodeInMemory();
    for (let times = 0; times < 3; times++) {
      const peer = await node.connect();
      peer.send(...Buffer.from('GET /metrics HTTP/1.1\r\n\r\n'));
      await node.runtime.runFor(100);
      peer.end();
      expect(Buffer.from(peer.received).toString()).toMatch(/^HTTP\/1\.1 400 .*gossip port/s);
      await node.runtime.runFor(2000);
    }
    expect(node.count('unknown_connections_total')).toBe(3);
    expect(node.log.lines).toHaveLength(1);
    await node.runtime.runFor(3_600_000);
    const late = await node.connect();
    late.send(...Buffer.from('HEAD / HTTP/1.1\r\n\r\n'));
    await node.runtime.runFor(2000);
    expect(node.log.lines).toHaveLength(2);
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(0);
  });

  test('beyond the limit is turned away, and taken again when there is room', async () => {
    const node = await nodeInMemory({ limits: { maxInboundConnections: 3 } });
    const peers = [];
    for (let at = 0; at < 5; at++) peers.push(await node.connect());
    expect(node.count('ml_tcp_transport_inbound_connections')).toBe(3);
    expect(
      node.metrics.sum('ml_tcp_transport_inbound_rejected_total', { reason: 'connections' }),
    ).toBe(2);
    peers[0]?.end();
    await node.runtime.runFor(10);
    const next = await node.connect();
    next.send(...PACKET);
    next.end();
    await node.runtime.runFor(10);
    expect(node.packets).toHaveLength(1);
  });
});

describe('a stream connection', () => {
  test('may split its bytes anywhere and stays open without a deadline of ours', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(2);
    await node.runtime.runFor(60_000);
    const [stream] = node.streams;
    expect(stream).toBeDefined();
    peer.send(0xf4, 1);
    await node.runtime.runFor(5);
    peer.send(0x61);
    peer.end();
    await node.runtime.runFor(5);
    const got: number[] = [];
    for await (const chunk of stream?.source ?? []) got.push(...chunk);
    expect(got).toEqual([0xf4, 1, 0x61]);
    expect(node.count('incoming_streams_total')).toBe(1);
  });

  test('may bring its first bytes together with the type', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(2, 5, 6);
    peer.end();
    await node.runtime.runFor(5);
    const got: number[] = [];
    for await (const chunk of node.streams[0]?.source ?? []) got.push(...chunk);
    expect(got).toEqual([5, 6]);
  });

  test('beyond the limit is turned away, and taken again when one has ended', async () => {
    const node = await nodeInMemory({ limits: { maxInboundStreams: 2 } });
    for (let at = 0; at < 3; at++) (await node.connect()).send(2);
    await node.runtime.runFor(10);
    expect(node.streams).toHaveLength(2);
    expect(node.metrics.sum('ml_tcp_transport_inbound_rejected_total', { reason: 'streams' })).toBe(
      1,
    );
    const disposed = node.streams[0]?.[Symbol.asyncDispose]();
    await node.runtime.runFor(2000);
    await disposed;
    (await node.connect()).send(2);
    await node.runtime.runFor(10);
    expect(node.streams).toHaveLength(3);
  });

  test('stops reading while its reader does not read', async () => {
    const node = await nodeInMemory();
    const peer = await node.connect();
    peer.send(2);
    const state = { written: 0 };
    for (let at = 0; at < 10; at++) {
      peer.socket.write([new Uint8Array(32 * 1024)], () => {
        state.written++;
      });
    }
    await node.runtime.runFor(100);
    expect(state.written).toBe(3);
  });
});

test('the transport has the metrics of the reference and those of newer ones', async () => {
  const facts: { metrics: readonly string[] } = JSON.parse(
    readFileSync(new URL('../vectors/metrics.json', import.meta.url), 'utf8'),
  );
  const node = await nodeInMemory();
  const names = node.metrics.names().filter((name) => name.startsWith('memberlist_'));
  expect(new Set(names)).toEqual(new Set(facts.metrics));
});
