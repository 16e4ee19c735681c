import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { type LinkFaults, SimNetwork, type SimNetworkOptions } from '../../src/sim/index.ts';
import type { Address, Packet, Stream, Transport } from '../../src/transport.ts';

const A = '10.0.0.1';
const B = '10.0.0.2';
const C = '10.0.0.3';

class World {
  readonly runtime: VirtualRuntime;
  readonly network: SimNetwork;

  constructor(options: Partial<SimNetworkOptions> = {}, seed = 1) {
    this.runtime = new VirtualRuntime({ seed });
    this.network = new SimNetwork({ runtime: this.runtime, ...options });
  }

  async host(ip: string): Promise<Host> {
    const transport = this.network.transport({ host: ip, port: 7946 });
    const host = new Host(transport);
    await transport.listen(host);
    return host;
  }
}

class Host {
  readonly transport: Transport;
  readonly packets: Packet[] = [];
  readonly streams: Stream[] = [];

  constructor(transport: Transport) {
    this.transport = transport;
  }

  get address(): Address {
    return this.transport.advertised;
  }

  onPacket(packet: Packet): void {
    this.packets.push(packet);
  }

  onStream(stream: Stream): void {
    this.streams.push(stream);
  }

  send(to: Host, ...values: readonly number[]): void {
    for (const value of values) this.transport.sendPacket(to.address, Uint8Array.of(value));
  }

  values(): number[] {
    return this.packets.map(({ bytes }) => bytes[0] ?? -1);
  }
}

async function pairOf(link: LinkFaults, more: Partial<SimNetworkOptions> = {}) {
  const world = new World({ link, ...more });
  return { world, a: await world.host(A), b: await world.host(B) };
}

describe('a simulated packet', () => {
  test('arrives after the latency of its link, exactly', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 7 });
    a.send(b, 1);
    await world.runtime.runFor(6.999);
    expect(b.packets).toEqual([]);
    await world.runtime.runFor(0.001);
    expect(b.packets).toMatchObject([{ receivedAt: 7, from: a.address }]);
  });

  test('takes a latency drawn from the range, or from a function', async () => {
    const { world, a, b } = await pairOf({ latencyMs: [5, 10] });
    a.send(b, ...Array(100).keys());
    await world.runtime.runFor(20);
    const times = b.packets.map(({ receivedAt }) => receivedAt);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...times)).toBeLessThanOrEqual(10);
    expect(new Set(times).size).toBeGreaterThan(90);
    const drawn = await pairOf({ latencyMs: (random) => 100 + random.int(2) });
    drawn.a.send(drawn.b, 1);
    await drawn.world.runtime.runFor(102);
    expect(drawn.b.packets).toHaveLength(1);
  });

  test('is lost, doubled and corrupted at about the rates asked for', async () => {
    const { world, a, b } = await pairOf({ loss: 0.2, duplicate: 0.1, corrupt: 0.3 });
    a.send(b, ...Array<number>(2000).fill(0));
    await world.runtime.runFor(1000);
    const { sentPackets, droppedPackets } = world.network.totalTraffic();
    expect(sentPackets).toBe(2000);
    expect(droppedPackets / 2000).toBeCloseTo(0.2, 1);
    expect(b.packets.length / (2000 - droppedPackets)).toBeCloseTo(1.1, 1);
    expect(b.values().filter((value) => value !== 0).length / b.packets.length).toBeCloseTo(0.3, 1);
  });

  test('is overtaken when it is held back', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 1, reorder: 0.5 });
    a.send(b, ...Array(50).keys());
    await world.runtime.runFor(100);
    const sorted = [...b.values()].sort((x, y) => x - y);
    expect(b.values()).not.toEqual(sorted);
    expect(sorted).toEqual([...Array(50).keys()]);
  });

  test('waits for the bytes before it on a narrow link, and is dropped behind a second of them', async () => {
    const { world, a, b } = await pairOf({ bytesPerSecond: 1000 });
    for (let at = 0; at < 30; at++) a.transport.sendPacket(b.address, new Uint8Array(100));
    await world.runtime.runFor(10_000);
    expect(b.packets.slice(0, 3).map(({ receivedAt }) => receivedAt)).toEqual([100, 200, 300]);
    expect(b.packets).toHaveLength(10);
    expect(world.network.totalTraffic().droppedPackets).toBe(20);
  });

  test('in mode tcp takes one and a half round trips and survives loss, later', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 10 }, { mode: 'tcp' });
    a.send(b, 1);
    await world.runtime.runFor(100);
    expect(b.packets[0]?.receivedAt).toBe(30);
    const lossy = await pairOf({ latencyMs: 10, loss: 0.3 }, { mode: 'tcp' });
    for (let at = 0; at < 200; at++) lossy.a.send(lossy.b, at);
    await lossy.world.runtime.runFor(60_000);
    expect(lossy.b.packets.length).toBeGreaterThan(180);
    expect(lossy.b.packets.some(({ receivedAt }) => receivedAt >= 230)).toBe(true);
  });

  test('follows the faults of its own direction', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 1 });
    world.network.setLink(A, B, { loss: 1 });
    a.send(b, 1);
    b.send(a, 2);
    await world.runtime.runFor(10);
    expect(b.packets).toEqual([]);
    expect(a.values()).toEqual([2]);
    expect(world.network.linkTraffic(A, B)).toMatchObject({ sentPackets: 1, droppedPackets: 1 });
    expect(world.network.linkTraffic(B, A)).toBeUndefined();
    world.network.setLink(A, B, undefined);
    a.send(b, 3);
    await world.runtime.runFor(10);
    expect(b.values()).toEqual([3]);
  });

  test('counts at both hosts', async () => {
    const { world, a, b } = await pairOf({});
    a.transport.sendPacket(b.address, new Uint8Array(700));
    await world.runtime.runFor(1);
    expect(world.network.hostTraffic(A)).toMatchObject({ sentPackets: 1, sentBytes: 700 });
    expect(world.network.hostTraffic(B)).toMatchObject({ receivedPackets: 1, receivedBytes: 700 });
  });
});

describe('a partition', () => {
  test('cuts its groups off from each other until it heals', async () => {
    const world = new World();
    const [a, b, c] = [await world.host(A), await world.host(B), await world.host(C)];
    const partition = world.network.partition([A], [B]);
    a.send(b, 1);
    b.send(a, 2);
    a.send(c, 3);
    c.send(b, 4);
    await world.runtime.runFor(1);
    expect([a, b, c].map((host) => host.values())).toEqual([[], [4], [3]]);
    partition[Symbol.dispose]();
    a.send(b, 5);
    await world.runtime.runFor(1);
    expect(b.values()).toEqual([4, 5]);
  });

  test('may be one-way', async () => {
    const { world, a, b } = await pairOf({});
    const block = world.network.block([A], [B]);
    a.send(b, 1);
    b.send(a, 2);
    await world.runtime.runFor(1);
    expect(b.values()).toEqual([]);
    expect(a.values()).toEqual([2]);
    block[Symbol.dispose]();
  });

  test('catches what is under way', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 10 });
    a.send(b, 1);
    await world.runtime.runFor(5);
    world.network.partition([A], [B]);
    await world.runtime.runFor(10);
    expect(b.packets).toEqual([]);
  });

  test('lets a dial time out, or go through when it heals in time', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 1 });
    const partition = world.network.partition([A], [B]);
    const late = a.transport.dial(b.address, { timeoutMs: 500 }).catch((error: unknown) => error);
    const early = a.transport.dial(b.address, { timeoutMs: 5000 });
    await world.runtime.runFor(600);
    expect(await late).toMatchObject({ reason: 'timeout' });
    partition[Symbol.dispose]();
    await world.runtime.runFor(5000);
    expect((await early).remote).toEqual(b.address);
  });

  test('breaks the streams that it cuts after the time-out, and only if it lasts', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 1 }, { streamTimeoutMs: 1000 });
    const dialling = a.transport.dial(b.address, { timeoutMs: 500 });
    await world.runtime.runFor(10);
    const stream = await dialling;
    const short = world.network.partition([A], [B]);
    const written = stream.write(Uint8Array.of(1));
    await world.runtime.runFor(500);
    short[Symbol.dispose]();
    await world.runtime.runFor(5000);
    await written;
    const reading = (async () => {
      const got: number[] = [];
      for await (const chunk of b.streams[0]?.source ?? []) got.push(...chunk);
      return got;
    })().catch((error: unknown) => error);
    world.network.partition([A], [B]);
    await world.runtime.runFor(1100);
    expect(await reading).toMatchObject({ code: 'ML_TRANSPORT_STREAM' });
    await expect(stream.write(Uint8Array.of(2))).rejects.toMatchObject({
      code: 'ML_TRANSPORT_STREAM',
    });
  });
});

describe('a host', () => {
  test('that is paused gets what came meanwhile when it goes on', async () => {
    const { world, a, b } = await pairOf({});
    const pause = world.network.pause(B);
    a.send(b, 1, 2, 3);
    await world.runtime.runFor(1000);
    expect(b.packets).toEqual([]);
    pause[Symbol.dispose]();
    await world.runtime.runFor(0);
    expect(b.values()).toEqual([1, 2, 3]);
  });

  test('that is killed answers nothing and may come back at its address', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 1 });
    world.network.kill(B);
    a.send(b, 1);
    const dial = a.transport.dial(b.address, { timeoutMs: 100 }).catch((error: unknown) => error);
    await world.runtime.runFor(200);
    expect(await dial).toMatchObject({ reason: 'timeout' });
    const again = await world.host(B);
    a.send(again, 2);
    await world.runtime.runFor(10);
    expect(b.packets).toEqual([]);
    expect(again.values()).toEqual([2]);
  });

  test('whose process ended refuses dials at once and resets its streams', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 1 });
    const dialling = a.transport.dial(b.address, { timeoutMs: 100 });
    await world.runtime.runFor(10);
    const stream = await dialling;
    await b.transport[Symbol.asyncDispose]();
    await world.runtime.runFor(10);
    await expect(stream.write(Uint8Array.of(1))).rejects.toMatchObject({
      code: 'ML_TRANSPORT_STREAM',
    });
    const again = a.transport.dial(b.address, { timeoutMs: 100 }).catch((error: unknown) => error);
    await world.runtime.runFor(10);
    expect(await again).toMatchObject({ reason: 'refused' });
  });

  test('cannot have two transports at one address', async () => {
    const { world } = await pairOf({});
    expect(() => world.network.transport({ host: A, port: 7946 })).toThrow(
      /already has a transport/,
    );
    expect(() => world.network.transport({ host: 'a', port: 1 })).toThrow(/not an IP/);
  });

  test('that is killed breaks the streams of others after their time-out', async () => {
    const { world, a, b } = await pairOf({ latencyMs: 1 }, { streamTimeoutMs: 1000 });
    const dialling = a.transport.dial(b.address, { timeoutMs: 100 });
    await world.runtime.runFor(10);
    const stream = await dialling;
    const reading = (async () => {
      for await (const chunk of stream.source) expect(chunk).toBeUndefined();
    })().catch((error: unknown) => error);
    world.network.kill(B);
    await world.runtime.runFor(1100);
    expect(await reading).toMatchObject({ code: 'ML_TRANSPORT_STREAM' });
  });
});

test('a stream on a lossy link is slow, and loses nothing', async () => {
  const { world, a, b } = await pairOf({ latencyMs: [1, 30], loss: 0.1 });
  const dialling = a.transport.dial(b.address, { timeoutMs: 0 });
  await world.runtime.runFor(10_000);
  const stream = await dialling;
  const sent = (async () => {
    for (let at = 0; at < 200; at++) await stream.write(Uint8Array.of(at));
    await stream.closeWrite();
  })();
  await world.runtime.runFor(60_000);
  await sent;
  const got: number[] = [];
  for await (const chunk of b.streams[0]?.source ?? []) got.push(...chunk);
  expect(got).toEqual([...Array(200).keys()]);
});

test('equal seeds give equal runs, other seeds other ones', async () => {
  const run = async (seed: number): Promise<string> => {
    const faults = { latencyMs: [1, 50], loss: 0.1, duplicate: 0.1, reorder: 0.1 } as const;
    const world = new World({ link: faults }, seed);
    const a = await world.host(A);
    const b = await world.host(B);
    a.send(b, ...Array(200).keys());
    await world.runtime.runFor(1000);
    return JSON.stringify(b.packets.map(({ receivedAt, bytes }) => [receivedAt, bytes[0]]));
  };
  expect(await run(1)).toBe(await run(1));
  expect(await run(1)).not.toBe(await run(2));
});

test('5000 hosts exchange packets with links told by a function', async () => {
  const world = new World({
    link: (from, to) => ({ latencyMs: from.slice(0, 5) === to.slice(0, 5) ? 1 : 40 }),
  });
  const hosts: Host[] = [];
  for (let at = 0; at < 5000; at++)
    hosts.push(await world.host(`10.${at % 3}.${at >> 8}.${at & 255}`));
  for (const [at, host] of hosts.entries()) {
    for (const step of [1, 7, 1000]) {
      const target = hosts[(at + step) % hosts.length];
      if (target !== undefined) host.send(target, step & 255);
    }
  }
  await world.runtime.runFor(50);
  expect(world.network.totalTraffic()).toMatchObject({
    receivedPackets: 15_000,
    droppedPackets: 0,
  });
});
