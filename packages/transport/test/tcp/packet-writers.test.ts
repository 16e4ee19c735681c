import { describe, expect, test } from 'vitest';
import type { TcpSocket } from '../../src/tcp/sockets.ts';
import { type MemoryNode, nodeInMemory, swallow } from '../helpers/node-in-memory.ts';

const PEER = { host: '127.0.0.1', port: 9000 };
const one = Uint8Array.of(1);

function send(node: MemoryNode, times: number, payload: Uint8Array = one): void {
  for (let at = 0; at < times; at++) node.transport.sendPacket(PEER, payload);
}

// T-20
describe('packet writers', () => {
  test('a packet waits for a writer and is sent when one becomes free', async () => {
    const node = await nodeInMemory({ config: { maxConcurrentWrites: 1 } });
    node.network.serve(9000, swallow);
    send(node, 20);
    await node.runtime.runFor(240);
    expect(node.count('packets_sent_total')).toBe(20);
    expect(node.count('packets_sent_bytes_total')).toBe(20);
    expect(node.count('packets_dropped_total')).toBe(0);
    expect(node.count('packets_sent_errors_total')).toBe(0);
  });

  test('a packet that finds no writer in time is dropped', async () => {
    const node = await nodeInMemory({ config: { maxConcurrentWrites: 2 } });
    node.network.silence(9000);
    send(node, 10);
    await node.runtime.runFor(249);
    expect(node.count('packets_dropped_total')).toBe(0);
    expect(node.count('ml_tcp_transport_waiting_packets')).toBe(8);
    await node.runtime.runFor(2);
    expect(node.count('packets_dropped_total')).toBe(8);
    expect(node.count('packets_sent_total')).toBe(2);
  });

  test('without an acquire time a packet is dropped at once when all writers are busy', async () => {
    const node = await nodeInMemory({
      config: { maxConcurrentWrites: 1, acquireWriterTimeoutMs: 0 },
    });
    node.network.silence(9000);
    send(node, 3);
    expect(node.count('packets_sent_total')).toBe(1);
    expect(node.count('packets_dropped_total')).toBe(2);
  });

  test('the queue has a limit in packets and one in bytes', async () => {
    const limits = { maxWaitingPackets: 5, maxWaitingBytes: 100 };
    const node = await nodeInMemory({ config: { maxConcurrentWrites: 1 }, limits });
    node.network.silence(9000);
    send(node, 10);
    expect(node.count('packets_dropped_total')).toBe(4);
    await node.runtime.runFor(300);
    send(node, 3, new Uint8Array(60));
    expect(node.count('packets_dropped_total')).toBe(4 + 5 + 2);
  });

  test.each([0, -5])('%i concurrent writes count as one', async (maxConcurrentWrites) => {
    const node = await nodeInMemory({ config: { maxConcurrentWrites } });
    node.network.silence(9000);
    send(node, 3);
    expect(node.count('ml_tcp_transport_busy_writers')).toBe(1);
  });

  test('50 writes to a hanging peer with 50 writers take one dial time-out and give 50 errors', async () => {
    const node = await nodeInMemory({ config: { maxConcurrentWrites: 50 } });
    node.network.silence(9000);
    send(node, 50);
    await node.runtime.runFor(1999);
    expect(node.count('packets_sent_errors_total')).toBe(0);
    await node.runtime.runFor(2);
    expect(node.count('packets_sent_errors_total')).toBe(50);
    expect(node.count('ml_tcp_transport_busy_writers')).toBe(0);
    expect(node.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('a peer that never reads costs its writer the write time-out and no more', async () => {
    const node = await nodeInMemory({ config: { maxConcurrentWrites: 1 } });
    const held: TcpSocket[] = [];
    node.network.serve(9000, (socket) => held.push(socket));
    send(node, 1);
    await node.runtime.runFor(4990);
    expect(node.count('ml_tcp_transport_busy_writers')).toBe(1);
    await node.runtime.runFor(30);
    expect(held).toHaveLength(1);
    expect(node.count('ml_tcp_transport_busy_writers')).toBe(0);
    expect(node.count('packets_sent_errors_total')).toBe(1);
  });

  test('a packet to a closed port is an error without a log line', async () => {
    const node = await nodeInMemory();
    send(node, 1);
    await node.runtime.runFor(10);
    expect(node.count('packets_sent_errors_total')).toBe(1);
    expect(node.log.lines).toEqual([]);
  });

  test('with transport-debug a packet to a closed port leaves a debug line', async () => {
    const node = await nodeInMemory({ config: { transportDebug: true } });
    send(node, 1);
    await node.runtime.runFor(10);
    expect(node.log.lines).toMatchObject([
      { level: 'debug', fields: { to: '127.0.0.1:9000', reason: 'refused' } },
    ]);
  });

  test.each([
    { host: 'localhost', port: 1 },
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.1', port: 70_000 },
  ])('a packet to %j is an error, not a crash', async (to) => {
    const node = await nodeInMemory();
    node.transport.sendPacket(to, one);
    expect(node.count('packets_sent_total')).toBe(1);
    expect(node.count('packets_sent_errors_total')).toBe(1);
  });
});

describe('closing', () => {
  test('waits for the packets under way and drops those that wait', async () => {
    const node = await nodeInMemory({ config: { maxConcurrentWrites: 1 } });
    node.network.serve(9000, swallow);
    send(node, 2);
    const state = { closed: false };
    const closing = node.transport[Symbol.asyncDispose]().then(() => {
      state.closed = true;
    });
    expect(node.count('packets_dropped_total')).toBe(1);
    await node.runtime.runFor(100);
    expect(state.closed).toBe(true);
    await closing;
    expect(node.count('packets_sent_errors_total')).toBe(0);
  });

  test('waits no longer than its limit', async () => {
    const node = await nodeInMemory({
      config: { packetDialTimeoutMs: 60_000 },
      limits: { closeTimeoutMs: 5000 },
    });
    node.network.silence(9000);
    send(node, 1);
    const state = { closed: false };
    const closing = node.transport[Symbol.asyncDispose]().then(() => {
      state.closed = true;
    });
    await node.runtime.runFor(4999);
    expect(state.closed).toBe(false);
    await node.runtime.runFor(2);
    expect(state.closed).toBe(true);
    await closing;
  });

  test('gives up dials under way', async () => {
    const node = await nodeInMemory();
    node.network.silence(9000);
    const dial = node.transport.dial(PEER, { timeoutMs: 0 });
    const closing = node.transport[Symbol.asyncDispose]();
    await expect(dial).rejects.toMatchObject({ code: 'ML_TRANSPORT_DIAL', reason: 'closed' });
    await closing;
  });

  test('a packet sent afterwards counts as dropped', async () => {
    const node = await nodeInMemory();
    await node.transport[Symbol.asyncDispose]();
    send(node, 1);
    expect(node.count('packets_dropped_total')).toBe(1);
    expect(node.count('packets_sent_total')).toBe(0);
  });
});
