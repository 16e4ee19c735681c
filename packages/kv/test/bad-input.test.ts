import { formatAddress } from '@ml/transport';
import { afterEach, describe, expect, test } from 'vitest';
import { joinPairs, splitPairs } from '../src/core/full-state.ts';
import { decodeKeyValuePair, jsonLww, type KeyValuePair } from '../src/index.ts';
import type { RejectReason } from '../src/metrics.ts';
import { fromHex, utf8 } from './support/bytes.ts';
import { mapCodec, put, seen, TestCluster, type TestNode } from './support/cluster.ts';
import { opaqueRingCodec } from './support/opaque-ring.ts';
import { pairBytes, RawPeer } from './support/raw-peer.ts';
import { vector } from './support/vectors.ts';

let cluster = new TestCluster();
afterEach(() => cluster.close());

const other = jsonLww('other');
const NOW = 1_704_067_200_000;
const good = { key: 'good', codec: 'map', value: utf8(`{"a":{"t":${NOW},"v":1}}`) };

async function setUp(): Promise<{ c: TestCluster; node: TestNode; peer: RawPeer }> {
  cluster = new TestCluster();
  const node = await cluster.start({
    codecs: [mapCodec, other, opaqueRingCodec],
    config: { messageHistoryBufferBytes: 1 << 20 },
    more: { limits: { maxKeys: 50 } },
  });
  return { c: cluster, node, peer: await RawPeer.create(cluster) };
}

function rejected(node: TestNode, via: 'gossip' | 'push_pull', reason: RejectReason): number {
  const labels = { via, reason };
  return node.metrics.value('ml_kv_rejected_pairs_total', labels) ?? 0;
}

/** The node still takes what is right. */
async function expectAlive(node: TestNode, peer: RawPeer): Promise<void> {
  await peer.pair(node, good);
  expect(seen(node, 'good', 'a')).toBe(1);
}

const pair = (more: Partial<KeyValuePair>) => pairBytes({ key: 'k', codec: 'map', ...more });

/** What a peer may send, why it is refused, and whether the message as a whole counts as invalid. */
const refused: readonly (readonly [string, Uint8Array, RejectReason, 0 | 1])[] = [
  ['garbage', fromHex('ffffffff'), 'malformed', 1],
  ['a field of the wrong type', fromHex('0801'), 'malformed', 1],
  ['a key that is not UTF-8', fromHex('0a02c3281a036d6170'), 'malformed', 1],
  ['an empty key', pair({ key: '' }), 'empty_key', 1],
  ['a huge key', pair({ key: 'x'.repeat(100_000) }), 'key_too_long', 1],
  ['a key of many long characters', pair({ key: '\u20ac'.repeat(1400) }), 'key_too_long', 1],
  ['an unknown codec', pair({ codec: 'partitionRingDesc' }), 'unknown_codec', 1],
  ['no codec', pair({ codec: '' }), 'unknown_codec', 1],
  ['a value that the codec cannot read', pair({ value: utf8('{') }), 'bad_value', 0],
  ['no value for a codec that needs one', pair({}), 'bad_value', 0],
  [
    'a value that is not snappy',
    pair({ codec: 'ringDesc', value: fromHex('ffff') }),
    'bad_value',
    0,
  ],
  ['a value claiming 256 MiB', vector('hostile/kvpair_snappy_claims_256MiB'), 'bad_value', 0],
  [
    'snappy of something else',
    pair({ codec: 'ringDesc', value: fromHex('0208ff0801') }),
    'bad_value',
    0,
  ],
];

describe('a message of a peer', () => {
  test.each(refused)(
    'with %s is counted, logged and not stored',
    async (_, bytes, reason, invalid) => {
      const { c, node, peer } = await setUp();
      await peer.message(node, bytes);
      expect(rejected(node, 'gossip', reason)).toBe(1);
      expect(node.metrics.value('memberlist_client_received_broadcasts_invalid_total')).toBe(
        invalid,
      );
      expect(node.metrics.value('memberlist_client_received_broadcasts_total')).toBe(1);
      expect(node.metrics.value('memberlist_client_received_broadcasts_bytes_total')).toBe(
        bytes.length,
      );
      const lines = c.log.lines.filter(({ message }) => message === 'value of a peer refused');
      expect(lines).toMatchObject([{ level: 'warn', fields: { reason, via: 'gossip' } }]);
      expect(node.kv.status().store).toEqual([]);
      await expectAlive(node, peer);
    },
  );

  test('of no bytes has no key', async () => {
    const { node, peer } = await setUp();
    await peer.message(node, new Uint8Array(0));
    expect(rejected(node, 'gossip', 'empty_key')).toBe(1);
    await expectAlive(node, peer);
  });

  test('with another codec than the stored value is refused, and the value stays', async () => {
    const { c, node, peer } = await setUp();
    await put(c, node, 'k', 'a', 1);
    await peer.pair(node, { key: 'k', codec: 'other', value: utf8('{"b":{"t":1,"v":1}}') });
    expect(rejected(node, 'gossip', 'codec_mismatch')).toBe(1);
    expect(node.kv.entry('k')).toMatchObject({ codecId: 'map', version: 1 });
  });

  test('with a new key is refused when there are too many', async () => {
    const { node, peer } = await setUp();
    for (let i = 0; i < 60; i += 1) await peer.pair(node, { ...good, key: `key ${i}` });
    expect(rejected(node, 'gossip', 'too_many_keys')).toBe(10);
    expect(node.kv.status().store).toHaveLength(50);
  });

  test('with an unknown codec is logged once an hour for each codec, and counted always', async () => {
    const { c, node, peer } = await setUp();
    const logged = () => c.log.lines.filter(({ message }) => message === 'value of a peer refused');
    for (const codec of ['x', 'x', 'y', 'x']) await peer.pair(node, { key: 'k', codec });
    const from = formatAddress(peer.address);
    expect(logged()).toMatchObject([
      { fields: { codec: 'x', from } },
      { fields: { codec: 'y', from } },
    ]);
    await c.runtime.runFor(3_600_000);
    await peer.pair(node, { key: 'k', codec: 'x' });
    expect(logged().at(-1)?.fields).toMatchObject({ codec: 'x', left_out: 2 });
    expect(rejected(node, 'gossip', 'unknown_codec')).toBe(5);
  });

  test('with unknown and repeated fields is taken', async () => {
    const { node, peer } = await setUp();
    const first = pairBytes({ ...good, key: 'ignored' });
    const unknown = fromHex('5a021234');
    await peer.message(node, Uint8Array.of(...first, ...unknown, ...pairBytes(good)));
    expect(seen(node, 'good', 'a')).toBe(1);
    expect(node.kv.entry('ignored')).toBeUndefined();
  });

  test('deleting a key that is not there does nothing', async () => {
    const { node, peer } = await setUp();
    await peer.pair(node, { ...good, deleted: true, updateTimeMillis: NOW });
    expect(node.kv.status().store).toEqual([]);
  });

  test('that is merged is passed on by what is new only', async () => {
    const { c, node, peer } = await setUp();
    await put(c, node, 'good', 'a', 1);
    const value = utf8(`{"a":{"t":1,"v":0},"b":{"t":${NOW},"v":2}}`);
    await peer.pair(node, { ...good, value });
    const [, sent] = node.kv.status().sentMessages;
    expect(sent?.changes).toEqual(['b']);
    expect(node.kv.status().receivedMessages).toMatchObject([{ version: 2, changes: ['b'] }]);
  });

  test('that is a stale copy of what is known is not passed on', async () => {
    const { node, peer } = await setUp();
    await peer.pair(node, good);
    await peer.pair(node, good);
    expect(node.kv.status().sentMessages).toHaveLength(1);
    expect(node.kv.status().receivedMessages.map(({ version }) => version)).toEqual([1, 0]);
    expect(node.metrics.value('memberlist_client_received_broadcasts_total')).toBe(2);
  });

  test('is not dropped for being one of two thousand at one moment', async () => {
    const { c, node, peer } = await setUp();
    for (let i = 0; i < 2000; i += 1) {
      const value = utf8(`{"n${i}":{"t":1,"v":${i}}}`);
      peer.send(node, Uint8Array.of(8, ...pairBytes({ ...good, value })));
    }
    await c.runtime.runFor(200);
    expect(node.kv.entry('good')?.value.mergeContent()).toHaveLength(2000);
    expect(node.metrics.value('memberlist_client_received_broadcasts_dropped_total')).toBe(0);
  });
});

describe('a full state of a peer', () => {
  test.each(refused.filter(([claim]) => claim !== 'a huge key'))(
    'with %s loses that pair alone',
    async (_, bytes, reason) => {
      const { node, peer } = await setUp();
      const before = { ...good, key: 'before' };
      await peer.exchange(node, joinPairs([pairBytes(before), bytes, pairBytes(good)]));
      expect(rejected(node, 'push_pull', reason)).toBe(1);
      expect([seen(node, 'before', 'a'), seen(node, 'good', 'a')]).toEqual([1, 1]);
      expect(node.metrics.value('memberlist_client_state_pushes_total')).toBe(1);
    },
  );

  test.each(['00', '0000', '000000', '0000000005', 'ffffffff', 'ffffffff00'])(
    'with a false end (%s) keeps the pairs before it',
    async (tail) => {
      const { node, peer } = await setUp();
      const state = joinPairs([pairBytes(good)]);
      await peer.exchange(node, Uint8Array.of(...state, ...fromHex(tail)));
      expect(rejected(node, 'push_pull', 'cut_state')).toBe(1);
      expect(seen(node, 'good', 'a')).toBe(1);
    },
  );

  test('with one key twice merges both', async () => {
    const { node, peer } = await setUp();
    const more = { ...good, value: utf8(`{"b":{"t":${NOW},"v":2}}`) };
    await peer.push(node, good, more);
    expect([seen(node, 'good', 'a'), seen(node, 'good', 'b')]).toEqual([1, 2]);
  });

  test('with thousands of keys fills the store up to its limit and no further', async () => {
    const { node, peer } = await setUp();
    const keys = Array.from({ length: 5000 }, (_, i) => ({ ...good, key: `key ${i}` }));
    await peer.push(node, ...keys);
    expect(node.kv.status().store).toHaveLength(50);
    expect(rejected(node, 'push_pull', 'too_many_keys')).toBe(4950);
  });

  test('is answered with ours as it was before, in the form of the reference', async () => {
    const { c, node, peer } = await setUp();
    await put(c, node, 'k', 'a', 1);
    const answer = await peer.push(node, good);
    const { pairs } = splitPairs(answer.userState);
    expect(pairs.map((bytes) => decodeKeyValuePair(bytes).key)).toEqual(['k']);
    expect(node.metrics.value('memberlist_client_state_pulls_total')).toBe(1);
  });

  test('of nothing is no push', async () => {
    const { node, peer } = await setUp();
    await peer.exchange(node, new Uint8Array(0));
    expect(node.metrics.value('memberlist_client_state_pushes_total')).toBe(0);
  });
});
