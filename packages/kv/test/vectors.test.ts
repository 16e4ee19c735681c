import { afterEach, describe, expect, test } from 'vitest';
import { decodeKeyValuePair, encodeKeyValuePair, stringCodec } from '../src/index.ts';
import { toHex, utf8 } from './support/bytes.ts';
import { put, seen, TestCluster } from './support/cluster.ts';
import { RawPeer } from './support/raw-peer.ts';
import { vector, vectorFile } from './support/vectors.ts';

let cluster = new TestCluster();
afterEach(() => cluster.close());

/** What is tested elsewhere by name, and what is tested here. A record that nobody replays must not go unnoticed. */
const REPLAYED: readonly string[] = [
  'kvpair/empty',
  'kvpair/full_not_deleted',
  'kvpair/full_deleted',
  'kvpair/negative_update_time',
  'codec/ring_proto_raw',
  'codec/ring_encoded',
  'codec/ring128_proto_raw',
  'codec/empty_snappy',
  'codec/ring_empty_encoded',
  'codec/string',
  'localstate/empty',
  'localstate/one_key',
  'broadcast/cas_new_key',
  'localstate/one_deleted_key',
  'newest/node_meta_member_zone-a',
  'newest/node_meta_bridge_zone-b',
  'newest/node_meta_member_0123456789abcdef',
  'newest/beacon_desc_raw',
  'newest/beacon_desc_encoded',
  'hostile/pushpull_negative_nodes',
  'hostile/pushpull_userstate_2pow50',
  'hostile/pushpull_vsn_one_byte',
  'hostile/label_truncated',
  'hostile/kvpair_snappy_claims_256MiB',
];

test('every recorded value is replayed', () => {
  expect(vectorFile.vectors.map(({ name }) => name)).toEqual(REPLAYED);
});

describe('bytes of the reference', () => {
  test('a broadcast is one pair, whose value is the encoded ring', () => {
    const pair = decodeKeyValuePair(vector('broadcast/cas_new_key'));
    expect(pair).toMatchObject({ key: 'collectors/ring', codec: 'ringDesc', deleted: false });
    expect(toHex(pair.value)).toBe(toHex(vector('codec/ring_encoded')));
    expect(toHex(encodeKeyValuePair(pair))).toBe(toHex(vector('broadcast/cas_new_key')));
  });

  test('a text is its UTF-8, both ways', () => {
    expect(stringCodec.decode(vector('codec/string'))).toBe('hello');
    expect(toHex(stringCodec.encode('hello'))).toBe(toHex(vector('codec/string')));
  });
});

describe('metadata of members of newer versions', () => {
  test.each([
    'newest/node_meta_member_zone-a',
    'newest/node_meta_bridge_zone-b',
    'newest/node_meta_member_0123456789abcdef',
  ])('is passed on as it came: %s', async (name) => {
    cluster = new TestCluster();
    const node = await cluster.start();
    const peer = await RawPeer.create(cluster);
    await peer.announce(node, { name: 'newer', meta: vector(name) });
    const { records } = await peer.push(node);
    const meta = records.find((record) => record.name === 'newer')?.meta;
    expect(meta && toHex(meta)).toBe(toHex(vector(name)));
  });
});

describe('a stream that ends the reference or is cut', () => {
  test.each([
    ['hostile/pushpull_negative_nodes', 'bad_count'],
    ['hostile/pushpull_userstate_2pow50', 'bad_length'],
    ['hostile/pushpull_vsn_one_byte', 'bad_vsn'],
    ['hostile/label_truncated', 'truncated'],
  ])('%s is counted as %s and changes nothing', async (name, reason) => {
    cluster = new TestCluster();
    const node = await cluster.start();
    await put(cluster, node, 'k', 'a', 1);
    const peer = await RawPeer.create(cluster);
    await peer.stream(node, vector(name).subarray(1));
    expect(node.metrics.value('ml_gossip_rejected_total', { reason })).toBe(1);
    expect(node.kv.status().members).toHaveLength(1);
    await peer.pair(node, { key: 'k', codec: 'map', value: utf8('{"b":{"t":1,"v":2}}') });
    expect(seen(node, 'k', 'b')).toBe(2);
  });
});

test('what was said to a running Pyroscope is the start of the recorded run', () => {
  const [run] = Object.values(vectorFile.captures);
  const request = vectorFile.pyroscope_v1_18_0_push_pull.request_hex;
  expect(run?.connections[0]?.dialer_to_listener_hex).toBe(request);
});
