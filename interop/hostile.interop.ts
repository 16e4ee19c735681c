import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { eventually } from './harness/eventually.ts';
import { type GoPeer, GoPeers } from './harness/go-peer.ts';
import { seeActive, seeEachOther } from './harness/see-members.ts';
import { SHARED_RING, TsNode } from './harness/ts-node.ts';

const HOST = '127.0.0.1';
/** Far above every limit of the node's, which is started with short ones. */
const CLOSE_LIMIT_MS = 20_000;

const PACKET = 1;
const STREAM = 2;
const USER_MESSAGE = 8;

const cleanup = new Cleanup();
let ours: TsNode;
let peers: readonly GoPeer[];
let port: number;

beforeAll(async () => {
  await Promise.all([serverMain(), goBinary('peer')]);
  const group = cleanup.use(await GoPeers.start({ name: 'go', count: 2 }));
  peers = group.peers;
  ours = cleanup.use(
    await TsNode.start({
      name: 'ours',
      join: [group.first.gossipAddress],
      flags: {
        ...SHARED_RING,
        'memberlist.packet-dial-timeout': '500ms',
        'memberlist.packet-write-timeout': '500ms',
      },
    }),
  );
  await seeEachOther([ours, ...peers]);
  port = Number(ours.gossipAddress.split(':')[1]);
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await cleanup[Symbol.asyncDispose]();
});

/** A raw connection to our node; what goes wrong on it is what the tests provoke. */
async function open(): Promise<Socket> {
  const socket = connect({ host: HOST, port, allowHalfOpen: true });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

/** Resolves when our node has closed the connection. */
async function closedByNode(socket: Socket): Promise<void> {
  const limit = setTimeout(() => socket.destroy(new TypeError('kept open')), CLOSE_LIMIT_MS);
  let kept = false;
  socket.once('error', (error) => {
    kept = error instanceof TypeError;
  });
  socket.resume();
  if (!socket.closed && !socket.readableEnded) {
    // Not events.once: it rejects on a reset, which is a way to close, too.
    await new Promise<void>((done) => {
      socket.once('end', done);
      socket.once('close', () => done());
    });
  }
  clearTimeout(limit);
  socket.destroy();
  expect(kept, 'the connection was kept open').toBe(false);
}

/** Sends bytes, ends our direction, and waits until the node has closed its own. */
async function sendAndEnd(...parts: readonly (Uint8Array | string)[]): Promise<void> {
  const socket = await open();
  for (const part of parts) socket.write(part);
  socket.end();
  await closedByNode(socket);
}

/** Sends bytes and nothing more, not even an end. */
async function sendAndStall(...parts: readonly (Uint8Array | string)[]): Promise<void> {
  const socket = await open();
  for (const part of parts) socket.write(part);
  await closedByNode(socket);
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

/** A packet as the transport frames it, without a sender. */
function packet(payload: Uint8Array): Uint8Array {
  const digest = createHash('md5').update(payload).digest();
  return Buffer.concat([bytes(PACKET, 0), payload, digest]);
}

/** MessagePack, as far as it is needed: short texts and raw bytes, small integers, booleans, maps. */
type Packed = string | number | boolean | Uint8Array | { readonly [key: string]: Packed };

function pack(value: Packed): Uint8Array {
  if (typeof value === 'boolean') return bytes(value ? 0xc3 : 0xc2);
  if (typeof value === 'string') return pack(new TextEncoder().encode(value));
  if (typeof value === 'number') {
    if (value >= -32 && value < 128) return bytes(value & 0xff);
    const number = Buffer.alloc(9, 0xd3);
    number.writeBigInt64BE(BigInt(value), 1);
    return number;
  }
  if (value instanceof Uint8Array) return Buffer.concat([bytes(0xa0 + value.length), value]);
  const entries = Object.entries(value);
  const parts = entries.flatMap(([key, each]) => [pack(key), pack(each)]);
  return Buffer.concat([bytes(0x80 + entries.length), ...parts]);
}

/** A push/pull request with a header of our choice. */
function pushPull(header: { readonly nodes: number; readonly state: number }): Uint8Array {
  const { nodes, state } = header;
  const fields = { Join: false, Nodes: nodes, UserStateLen: state };
  return Buffer.concat([bytes(STREAM, 6), pack(fields)]);
}

function nodeState(versions: Uint8Array): Uint8Array {
  return pack({
    Addr: bytes(10, 9, 8, 7),
    Incarnation: 1,
    Meta: '',
    Name: 'ghost',
    Port: 7946,
    State: 0,
    Vsn: versions,
  });
}

/** The sum of a counter over the labels given; 0 before it moved. */
async function count(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const samples = (await ours.metrics()).select(name, labels);
  return samples.reduce((sum, { value }) => sum + value, 0);
}

async function waitForCount(
  name: string,
  least: number,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  await eventually(async () => expect(await count(name, labels)).toBeGreaterThanOrEqual(least), {
    what: `${name} is at least ${least}`,
    detail: () => ours.process.tail(),
  });
}

/** Nobody ever doubted our node, and changes still travel through the whole cluster. */
async function expectHealthy(id: string): Promise<void> {
  await seeEachOther([ours, ...peers]);
  for (const peer of peers) {
    const doubts = (await peer.events()).filter(({ member, to }) => {
      return member === 'ours' && (to === 'suspect' || to === 'dead');
    });
    expect(doubts).toEqual([]);
  }
  await peers[1]?.changeRing({ set: [{ id, state: 'ACTIVE', tokens: [1] }] });
  await seeActive([ours, ...peers], id);
  await ours.ready();
}

const UNKNOWN = 'memberlist_tcp_transport_unknown_connections_total';
const PACKET_ERRORS = 'memberlist_tcp_transport_packets_received_errors_total';
const REJECTED = 'ml_tcp_transport_inbound_rejected_total';
const GOSSIP_REJECTED = 'ml_gossip_rejected_total';

describe('strangers on the gossip port of a running node', () => {
  test('an HTTP request gets an answer that says where it went', async () => {
    const before = await count(UNKNOWN);
    const answers = await Promise.all(
      ['/metrics', '/ready'].map((path) => fetch(`http://${HOST}:${port}${path}`)),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.text()).toMatch(/gossip port.*HTTP port/);
    }
    await waitForCount(UNKNOWN, before + 2);
    await ours.process.line(/unknown connection.*protocol=http.*scrape configuration or health/);
  });

  test('a TLS handshake, other protocols and garbage are cut, counted and named', async () => {
    const before = await count(UNKNOWN);
    const tls = connectTls({ host: HOST, port, rejectUnauthorized: false });
    const [error] = await once(tls, 'error');
    expect(error).toBeInstanceOf(Error);
    await Promise.all([
      sendAndEnd(bytes(0)),
      sendAndEnd(bytes(3, 1, 2, 3)),
      sendAndStall('SSH-2.0-OpenSSH_9.2\r\n'),
      sendAndStall('PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n'),
      sendAndStall(Buffer.concat([bytes(0xff), randomBytes(100_000)])),
    ]);
    await waitForCount(UNKNOWN, before + 6);
    for (const protocol of ['tls', 'ssh', 'proxy', 'unknown']) {
      await ours.process.line(new RegExp(`unknown connection.*protocol=${protocol}`));
    }
    await expectHealthy('after-strangers');
  });

  test('broken packets are counted, and none of them does anything', async () => {
    const [errors, gossip, digests, invalid] = await Promise.all([
      count(PACKET_ERRORS),
      count(GOSSIP_REJECTED),
      count('ml_tcp_transport_digest_mismatches_total'),
      count('memberlist_client_received_broadcasts_invalid_total'),
    ]);
    const wrongDigest = packet(bytes(USER_MESSAGE, 1));
    wrongDigest.fill(0, wrongDigest.length - 16);
    await Promise.all([
      sendAndEnd(bytes(PACKET)),
      sendAndEnd(bytes(PACKET, 200, 1, 2)),
      sendAndEnd(bytes(PACKET, 0, 1, 2, 3)),
      sendAndEnd(wrongDigest),
      sendAndEnd(packet(bytes())),
      sendAndEnd(packet(bytes(99))),
      sendAndEnd(packet(randomBytes(50_000))),
      sendAndEnd(packet(bytes(7, 255, 0, 1))),
      sendAndEnd(packet(Buffer.concat([bytes(USER_MESSAGE), randomBytes(100)]))),
      sendAndEnd(packet(Buffer.concat([bytes(3), pack({ Node: 'go-0', Incarnation: -1 })]))),
    ]);
    await waitForCount(PACKET_ERRORS, errors + 4);
    await waitForCount('ml_tcp_transport_digest_mismatches_total', digests + 1);
    await waitForCount(GOSSIP_REJECTED, gossip + 3);
    await waitForCount('memberlist_client_received_broadcasts_invalid_total', invalid + 1);
    await expectHealthy('after-packets');
  });

  test('push/pulls that end the reference are refused, and no member comes of them', async () => {
    const before = await count(GOSSIP_REJECTED);
    await Promise.all([
      sendAndEnd(pushPull({ nodes: -1, state: 0 })),
      sendAndEnd(pushPull({ nodes: 0, state: 2 ** 50 })),
      sendAndEnd(pushPull({ nodes: 2 ** 40, state: 0 })),
      ...[1, 3, 5].map((length) =>
        sendAndEnd(pushPull({ nodes: 1, state: 0 }), nodeState(new Uint8Array(length).fill(5))),
      ),
      sendAndEnd(bytes(STREAM), randomBytes(1000)),
      sendAndEnd(pushPull({ nodes: 3, state: 0 }), nodeState(bytes(1, 5, 5, 0, 0, 0))),
    ]);
    await waitForCount(GOSSIP_REJECTED, before + 7);
    await expectHealthy('after-push-pulls');
    expect((await peers[0]?.members())?.map(({ name }) => name)).not.toContain('ghost');
  });

  test('silent, slow and half-open connections are closed in time, hundreds of them', async () => {
    const [timeouts, streams, errors] = await Promise.all([
      count(REJECTED, { reason: 'timeout' }),
      count(GOSSIP_REJECTED, { reason: 'stream_timeout' }),
      count(PACKET_ERRORS),
    ]);
    const drip = async (first: number): Promise<void> => {
      const socket = await open();
      socket.write(bytes(first));
      const timer = setInterval(() => socket.write(bytes(1)), 50);
      await closedByNode(socket);
      clearInterval(timer);
    };
    const reset = async (...values: readonly number[]): Promise<void> => {
      const socket = await open();
      await new Promise<void>((done) => socket.write(bytes(...values), () => done()));
      socket.resetAndDestroy();
    };
    await Promise.all([
      ...Array.from({ length: 300 }, () => sendAndStall()),
      ...Array.from({ length: 50 }, () => sendAndStall(bytes(PACKET, 0, 1, 2, 3))),
      ...Array.from({ length: 50 }, () => sendAndStall(bytes(STREAM))),
      sendAndStall(pushPull({ nodes: 3, state: 1000 })),
      drip(PACKET),
      drip(STREAM),
      reset(PACKET, 0, 1),
      reset(STREAM, 6),
    ]);
    await waitForCount(REJECTED, timeouts + 351, { reason: 'timeout' });
    await waitForCount(GOSSIP_REJECTED, streams + 51, { reason: 'stream_timeout' });
    await waitForCount(PACKET_ERRORS, errors + 51);
    await eventually(
      async () => expect(await count('ml_tcp_transport_inbound_connections')).toBeLessThan(10),
      { what: 'no connection of the strangers is left' },
    );
    await expectHealthy('after-silence');
  });
});
