import { decodePacket, StreamDecoder } from '@ml/gossip/wire';
import { afterEach, describe, expect, test } from 'vitest';
import { splitPairs } from '../src/core/full-state.ts';
import { decodeKeyValuePair, type KeyValuePair } from '../src/index.ts';
import { fromHex } from './support/bytes.ts';
import { mapCodec, TestCluster } from './support/cluster.ts';
import { OpaqueRing, opaqueRingCodec } from './support/opaque-ring.ts';
import { pairBytes, RawPeer } from './support/raw-peer.ts';
import { type Connection, vectorFile } from './support/vectors.ts';

let cluster = new TestCluster();
afterEach(() => cluster.close());

const KEY = 'collectors/ring';
const DIGEST_BYTES = 16;

/** The bytes of a packet connection between its sender's address and its digest. */
function packetOf(connection: Connection): Uint8Array {
  const bytes = fromHex(connection.dialer_to_listener_hex);
  return bytes.subarray(2 + (bytes[1] ?? 0), bytes.length - DIGEST_BYTES);
}

/** The pairs in a stream's state, in one direction. */
function pairsOnStream(hex: string, label: string): readonly KeyValuePair[] {
  const decoder = new StreamDecoder({ expectLabel: label !== '', label, skipLabelCheck: false });
  const progress = decoder.push(fromHex(hex));
  if (progress.type !== 'message' || progress.message.type !== 'pushPull') {
    throw new RangeError(`the stream holds no state: ${progress.type}`);
  }
  const { pairs, problem } = splitPairs(progress.message.userState);
  expect(problem).toBeUndefined();
  return pairs.map(decodeKeyValuePair);
}

/** Every pair that one connection carried, in the order of time. */
function pairsOf(connection: Connection, label: string): readonly KeyValuePair[] {
  if (connection.kind === 'stream') {
    const request = connection.dialer_to_listener_hex.slice(2);
    const answer = connection.listener_to_dialer_hex ?? '';
    return [...pairsOnStream(request, label), ...pairsOnStream(answer, '')];
  }
  const { messages, faults } = decodePacket(packetOf(connection), { label, skipLabelCheck: false });
  expect(faults).toEqual([]);
  return messages.flatMap((message) =>
    message.type === 'user' ? [decodeKeyValuePair(message.payload)] : [],
  );
}

function instancesOf(value: Uint8Array): readonly string[] {
  return [...opaqueRingCodec.decode(value).mergeContent()].sort((a, b) => (a < b ? -1 : 1));
}

describe.each(Object.entries(vectorFile.captures))('the recorded run %s', (_, run) => {
  test('is understood connection by connection', () => {
    const pairs = run.connections.flatMap((connection) => pairsOf(connection, run.label));
    expect(pairs.length).toBeGreaterThan(10);
    for (const { key, codec, value, deleted, updateTimeMillis } of pairs) {
      expect([key, codec]).toEqual([KEY, 'ringDesc']);
      expect(instancesOf(value).length).toBeGreaterThan(0);
      expect(updateTimeMillis !== undefined).toBe(deleted);
    }
    expect(pairs.at(-1)?.deleted).toBe(true);
  });

  test('said to one of our nodes leaves it with what the reference had', async () => {
    cluster = new TestCluster();
    const node = await cluster.start({
      codecs: [mapCodec, opaqueRingCodec],
      config: { clusterLabel: run.label },
      more: { gossip: { skipInboundLabelCheck: true } },
    });
    const peer = await RawPeer.create(cluster);
    for (const connection of run.connections) {
      if (connection.dialed_node !== 'node-a') continue;
      if (connection.kind === 'packet') {
        peer.send(node, packetOf(connection));
        await cluster.runtime.runFor(10);
        continue;
      }
      const answer = await peer.push(node, ...pairsOf(connection, run.label));
      const { problem } = splitPairs(answer.userState);
      expect(problem).toBeUndefined();
    }
    const entry = node.kv.entry(KEY);
    expect(entry).toMatchObject({ codecId: 'ringDesc', deleted: true });
    expect(entry?.value instanceof OpaqueRing && [...entry.value.instances.keys()]).toEqual([
      'ingester-a',
      'ingester-b',
    ]);
    expect(node.metrics.sum('ml_kv_rejected_pairs_total')).toBe(0);
    await cluster.runtime.runFor(61_000);
    expect(node.kv.status().store).toEqual([]);
  });
});

describe('a running Pyroscope', () => {
  test('is understood: all five of its keys, and our answer would be as it expects', () => {
    const pairs = pairsOnStream(vectorFile.pyroscope_v1_18_0_push_pull.reply_hex, '');
    expect(pairs.map(({ key, codec }) => [key.replace('collectors/', ''), codec])).toEqual([
      ['ring', 'ringDesc'],
      ['versions', 'versions'],
      ['query-scheduler', 'ringDesc'],
      ['overrides-exporter', 'ringDesc'],
      ['distributor', 'ringDesc'],
    ]);
    for (const pair of pairs) expect(decodeKeyValuePair(pairBytes(pair))).toEqual(pair);
  });
});
