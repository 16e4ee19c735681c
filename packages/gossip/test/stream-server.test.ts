import { type MemoryMetrics, memoryMetrics } from '@ml/metrics';
import type { Stream, Transport } from '@ml/transport';
import { describe, expect, test } from 'vitest';
import { type Delegate, gossipPresets } from '../src/index.ts';
import { encodeStreamMessage, StreamDecoder, type StreamMessage } from '../src/wire/index.ts';
import { Cluster, type ClusterNode, type NodeOptions, seen } from './cluster.ts';
import { fromHex, vectors } from './vectors/load.ts';

const NO_BYTES = new Uint8Array(0);
const PULL = { type: 'pushPull', join: false, records: [], userState: NO_BYTES } as const;

/** One node, and a stranger who dials it. */
class Scene implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly stranger: Transport;
  readonly node: ClusterNode;
  readonly metrics: MemoryMetrics;

  constructor(cluster: Cluster, stranger: Transport, node: ClusterNode, metrics: MemoryMetrics) {
    this.cluster = cluster;
    this.stranger = stranger;
    this.node = node;
    this.metrics = metrics;
  }

  async dial(): Promise<Stream> {
    const to = { host: this.node.host, port: 7946 };
    return await this.cluster.settled(this.stranger.dial(to, { timeoutMs: 1000 }));
  }

  /** Writes, and reads until the node closes. */
  async say(bytes: Uint8Array): Promise<Uint8Array> {
    const stream = await this.dial();
    await this.cluster.settled(stream.write(bytes));
    return await this.cluster.settled(readAll(stream));
  }

  rejected(reason: string): number {
    return this.metrics.sum('ml_gossip_rejected_total', { reason });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.stranger[Symbol.asyncDispose]();
  }
}

async function scene(given: NodeOptions = {}): Promise<Scene> {
  const cluster = new Cluster();
  const stranger = cluster.network.transport({ host: '10.9.9.9', port: 1111 });
  await stranger.listen({ onPacket: () => {}, onStream: () => {} });
  const metrics = memoryMetrics();
  const node = await cluster.add('node', { ...given, options: { metrics, ...given.options } });
  return new Scene(cluster, stranger, node, metrics);
}

/** All that comes; a cut connection counts as an end. */
async function readAll(stream: Stream): Promise<Uint8Array> {
  const chunks: number[] = [];
  try {
    for await (const chunk of stream.source) chunks.push(...chunk);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return Uint8Array.from(chunks);
}

function plain(message: StreamMessage): Uint8Array {
  return encodeStreamMessage(message, { compress: false });
}

function decode(bytes: Uint8Array): StreamMessage | undefined {
  const decoder = new StreamDecoder({ expectLabel: false, label: '', skipLabelCheck: false });
  const progress = decoder.push(bytes);
  return progress.type === 'message' ? progress.message : undefined;
}

function withLimits(change: Partial<(typeof gossipPresets.lan)['limits']>): NodeOptions {
  return { config: { limits: { ...gossipPresets.lan.limits, ...change } } };
}

describe('a stream', () => {
  test('that asks for the state without telling any gets it, and joins nobody', async () => {
    await using at = await scene();
    const answer = decode(await at.say(plain(PULL)));
    expect(answer).toMatchObject({ type: 'pushPull', join: false, records: [{ name: 'node' }] });
    expect(seen(at.node)).toEqual(['node']);
  });

  test('with a label is answered without one', async () => {
    await using at = await scene({ config: { label: 'prod' } });
    const header = Uint8Array.from([0xf4, 4, ...new TextEncoder().encode('prod')]);
    const answer = decode(await at.say(Uint8Array.from([...header, ...plain(PULL)])));
    expect(answer?.type).toBe('pushPull');
    expect(await at.say(plain(PULL))).toHaveLength(0);
    expect(at.rejected('bad_label')).toBe(1);
  });

  test('is answered compressed when the node compresses', async () => {
    await using at = await scene({ config: { compression: true } });
    const answer = await at.say(plain(PULL));
    expect(answer[0]).toBe(9);
    expect(decode(answer)?.type).toBe('pushPull');
  });

  test('with a ping is answered if it is for us or for anybody', async () => {
    await using at = await scene();
    const ping = { type: 'ping', seqNo: 42, sourceAddr: undefined, sourcePort: 0, sourceNode: '' };
    const ask = (node: string) => at.say(plain({ ...ping, type: 'ping', node }));
    expect(decode(await ask('node'))).toMatchObject({ type: 'ack', seqNo: 42 });
    expect(decode(await ask(''))).toMatchObject({ type: 'ack', seqNo: 42 });
    expect(await ask('other')).toHaveLength(0);
    expect(at.rejected('other_name')).toBe(1);
  });

  test('with a user message brings it to the application; an empty one brings nothing', async () => {
    const heard: number[] = [];
    const delegate: Delegate = {
      nodeMeta: () => NO_BYTES,
      onMessage: (bytes) => {
        heard.push(bytes.length);
      },
      broadcasts: () => [],
      localState: () => NO_BYTES,
      mergeRemoteState: () => {},
    };
    await using at = await scene({ options: { delegate } });
    await at.say(plain({ type: 'user', payload: new Uint8Array(100_000) }));
    await at.say(plain({ type: 'user', payload: NO_BYTES }));
    expect(heard).toEqual([100_000]);
  });

  test('with a second message after the first gets one answer', async () => {
    await using at = await scene();
    const answer = await at.say(Uint8Array.from([...plain(PULL), ...plain(PULL)]));
    expect(answer.length).toBe((await at.say(plain(PULL))).length);
  });

  test('with a message that is only an answer is closed', async () => {
    await using at = await scene();
    const ack = { type: 'ack', seqNo: 1, payload: undefined } as const;
    expect(await at.say(plain(ack))).toHaveLength(0);
    expect(at.rejected('wrong_place')).toBe(1);
  });

  test('that is encrypted is refused in words', async () => {
    await using at = await scene();
    expect(decode(await at.say(fromHex('0a000000ff')))).toMatchObject({ type: 'error' });
    expect(at.rejected('encrypted')).toBe(1);
  });

  test('that is closed without a byte is not even counted', async () => {
    await using at = await scene();
    const stream = await at.dial();
    await at.cluster.settled(stream.closeWrite());
    await at.cluster.settled(readAll(stream));
    expect(at.metrics.sum('ml_gossip_rejected_total')).toBe(0);
  });
});

describe('a slow or greedy peer', () => {
  test('that says nothing, or drips bytes, is cut off after the stream timeout in all', async () => {
    await using at = await scene();
    const silent = await at.dial();
    const dripping = await at.dial();
    const started = at.cluster.now;
    const ended: number[] = [];
    for (const stream of [silent, dripping]) {
      void readAll(stream).then(() => ended.push(at.cluster.now - started));
    }
    for (const byte of plain(PULL).subarray(0, 20)) {
      if (ended.length < 2) await at.cluster.settled(dripping.write(Uint8Array.of(byte)));
      await at.cluster.runFor(1000);
    }
    expect(ended).toHaveLength(2);
    for (const ms of ended) expect(ms).toBeLessThan(10_100);
    expect(at.rejected('stream_timeout')).toBe(2);
  });

  test('opens no more streams than there may be, and they are free again later', async () => {
    await using at = await scene(withLimits({ maxStreams: 10 }));
    const streams: Stream[] = [];
    for (let i = 0; i < 10; i++) streams.push(await at.dial());
    await at.cluster.runFor(10);
    expect(await at.say(plain(PULL))).toHaveLength(0);
    expect(at.rejected('stream_limit')).toBe(1);
    await at.cluster.runFor(11_000);
    expect(await at.say(plain(PULL))).not.toHaveLength(0);
    expect(streams).toHaveLength(10);
  });

  test('makes us keep no more unfinished bytes than we may', async () => {
    await using at = await scene(withLimits({ maxBufferedBytes: 100_000 }));
    const announced = plain({ type: 'user', payload: new Uint8Array(150_000) });
    const answer = await at.say(announced.subarray(0, 120_000));
    expect(answer).toHaveLength(0);
    expect(at.rejected('buffer_limit')).toBe(1);
    expect(await at.say(plain(PULL))).not.toHaveLength(0);
  });
});

describe('bad streams leave the node as it is', () => {
  const bad = vectors('hostile/').filter(({ input: { via, config } }) => {
    return via === 'stream' && !JSON.stringify(config).includes('keyText');
  });

  test.each(bad.map((vector) => [vector.name, vector] as const))('%s', async (_name, { hex }) => {
    await using at = await scene();
    const stream = await at.dial();
    await at.cluster.settled(stream.write(fromHex(hex)));
    await at.cluster.settled(stream.closeWrite());
    await at.cluster.settled(readAll(stream));
    const states = at.node.memberlist.members({ all: true });
    expect(states.every(({ protocol }) => protocol.pMin === 1 && protocol.pMax === 5)).toBe(true);
    expect(states.find(({ name }) => name === 'node')?.state).toBe('alive');
    expect(decode(await at.say(plain(PULL)))?.type).toBe('pushPull');
  });
});
