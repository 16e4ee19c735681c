import { afterEach, expect, test } from 'vitest';
import type { AnyMergeable, Codec } from '../src/index.ts';
import { utf8 } from './support/bytes.ts';
import { mapCodec, TestCluster, type TestNode } from './support/cluster.ts';
import { pairBytes, RawPeer } from './support/raw-peer.ts';

let cluster = new TestCluster();
afterEach(() => cluster.close());

/** The largest number wins; a larger one is news as a whole. */
class Largest implements AnyMergeable {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  merge(incoming: AnyMergeable): { value: AnyMergeable; change: AnyMergeable | undefined } {
    if (!(incoming instanceof Largest)) throw new TypeError('a number merges with a number only');
    const newer = incoming.value > this.value;
    return newer ? { value: incoming, change: incoming } : { value: this, change: undefined };
  }

  mergeContent(): readonly string[] {
    return ['largest'];
  }

  removeTombstones(): { value: AnyMergeable; total: number; removed: number } {
    return { value: this, total: 0, removed: 0 };
  }
}

const codec: Codec<AnyMergeable> = {
  id: 'largest',
  encode: (value) => utf8(String(value instanceof Largest ? value.value : 0)),
  decode: (bytes) => new Largest(Number(new TextDecoder().decode(bytes))),
};

async function setUp(): Promise<{ node: TestNode; peer: RawPeer }> {
  cluster = new TestCluster();
  const node = await cluster.start({
    codecs: [mapCodec, codec],
    config: { messageHistoryBufferBytes: 1 << 20 },
  });
  return { node, peer: await RawPeer.create(cluster) };
}

const pair = (text: string) => ({ key: 'k', codec: 'largest', value: utf8(text) });
/** A field that no version has yet. */
const unknownField = [0x78, 1];

const lastSent = ({ kv }: TestNode) => kv.status().sentMessages.at(-1);

test('a message that is news as a whole is passed on byte for byte, whatever else is in it', async () => {
  const { node, peer } = await setUp();
  for (const value of ['1', '02', '3.0']) {
    const bytes = Uint8Array.from([...pairBytes(pair(value)), ...unknownField]);
    await peer.message(node, bytes);
    expect(lastSent(node)?.sizeBytes).toBe(bytes.length);
    expect(lastSent(node)?.pair.value).toEqual(utf8(value));
  }
});

test('what a full state brings is passed on without the rest of that state', async () => {
  const { node, peer } = await setUp();
  await peer.push(node, { ...pair('7.0') }, { ...pair('8.0'), key: 'other' });
  expect(node.kv.status().sentMessages.length).toBeGreaterThanOrEqual(2);
  for (const { pair: sent } of node.kv.status().sentMessages) {
    expect(sent.value.buffer.byteLength).toBeLessThan(100);
  }
});

test('a change of a key that is deleted here is passed on with the mark of deletion', async () => {
  const { node, peer } = await setUp();
  await peer.pair(node, pair('1'));
  await node.kv.client(codec).delete('k');
  await peer.pair(node, pair('2'));
  expect(lastSent(node)?.pair).toMatchObject({ deleted: true, value: utf8('2') });
});
