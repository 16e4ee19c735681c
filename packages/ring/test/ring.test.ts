import { inMemoryKv } from '@ml/kv';
import { memoryMetrics } from '@ml/metrics';
import { describe, expect, test } from 'vitest';
import {
  createRing,
  forgetInstance,
  InstanceDesc,
  type InstanceInit,
  Read,
  Reporting,
  type Ring,
  type RingConfig,
  RingDesc,
  ringCodec,
  Tokens,
  Write,
  waitInstanceState,
  waitRingStability,
} from '../src/index.ts';
import { key, startUnixS, type World, world } from './support/lifecyclers.ts';

const config: RingConfig = {
  replicationFactor: 1,
  zoneAwarenessEnabled: false,
  excludedZones: [],
  heartbeatTimeoutMs: 60_000,
};

const a: InstanceInit = {
  id: 'a',
  addr: 'a:1',
  zone: 'z1',
  tokens: Tokens.of([100]),
  heartbeatUnixS: startUnixS,
};
const b: InstanceInit = { ...a, id: 'b', addr: 'b:1', zone: 'z2', tokens: Tokens.of([200]) };

async function open(
  at: World,
  more: Partial<RingConfig> = {},
  metrics = memoryMetrics(),
): Promise<Ring> {
  return await at.settle(
    createRing({
      name: 'test',
      key,
      config: { ...config, ...more },
      client: at.kv,
      runtime: at.runtime,
      metrics,
    }),
  );
}

describe('following', () => {
  test('the value of the key is there from the start', async () => {
    const at = world();
    at.put(a, b);
    const ring = await open(at);
    expect(ring.get(150, Write).instances).toMatchObject([{ id: 'b' }]);
    expect(ring.get(200, Write).instances).toMatchObject([{ id: 'a' }]);
  });

  //
  test('what changes while the ring is being opened is not missed', async () => {
    const at = world();
    at.put(a);
    const client: typeof at.kv = Object.create(at.kv, {
      watchKey: {
        value: async function* () {
          const values = at.kv.watchKey(key)[Symbol.asyncIterator]();
          const first = await values.next();
          at.put(b);
          if (first.done !== true) yield first.value;
          for (let next = await values.next(); next.done !== true; next = await values.next()) {
            yield next.value;
          }
        },
      },
    });
    const ring = await at.settle(
      createRing({ name: 'test', key, config, client, runtime: at.runtime }),
    );
    await at.runtime.runFor(1);
    expect(ring.get(150, Write).instances).toMatchObject([{ id: 'b' }]);
  });

  test('an absent key is an empty ring', async () => {
    const at = world();
    const ring = await open(at);
    expect(() => ring.get(1, Write)).toThrow(expect.objectContaining({ code: 'ML_RING_EMPTY' }));
    expect(() => ring.replicationSetFor(Read)).toThrow(
      expect.objectContaining({ code: 'ML_RING_EMPTY' }),
    );
  });

  test('each change is served and told, and only what was not seen yet', async () => {
    const at = world();
    at.put(a);
    const ring = await open(at);
    const changes = ring.changes()[Symbol.asyncIterator]();
    expect(await at.settle(changes.next())).toMatchObject({ value: { topologyVersion: 1 } });
    at.put({ ...a, heartbeatUnixS: startUnixS + 1 });
    await at.runtime.runFor(1);
    at.put(b);
    await at.runtime.runFor(1);
    const change = await at.settle(changes.next());
    expect(change).toMatchObject({ done: false, value: { topologyVersion: 2 } });
    expect(change.done === true ? undefined : change.value.ring.instance('b')?.addr).toBe('b:1');
    await at.settle(ring.close());
    expect(await at.settle(changes.next())).toMatchObject({ done: true });
  });

  test('a heartbeat leaves the topology as it is', async () => {
    const at = world();
    at.put(a, b);
    const ring = await open(at);
    const { topology } = ring.view;
    at.put({ ...a, heartbeatUnixS: startUnixS + 1, state: 'LEAVING' });
    await at.runtime.runFor(1);
    expect(ring.instanceState('a')).toBe('LEAVING');
    expect(ring.view.topology).toBe(topology);
    expect(ring.topologyVersion).toBe(1);
  });

  test('a tombstone is out of the ring', async () => {
    const at = world();
    at.put(a, b);
    const ring = await open(at);
    at.put({ ...a, state: 'LEFT', tokens: Tokens.none });
    await at.runtime.runFor(1);
    expect(ring.instances).toMatchObject([{ id: 'b' }]);
  });

  test('a store that replaces values is followed just as well', async () => {
    const at = world();
    const client = inMemoryKv(ringCodec);
    const ring = await at.settle(
      createRing({ name: 'test', key, config, client, runtime: at.runtime }),
    );
    await client.cas(key, () => RingDesc.of([InstanceDesc.of(a)]));
    await at.runtime.runFor(1);
    expect(ring.counts().instances).toBe(1);
    await client.delete(key);
    await at.runtime.runFor(1);
    expect(ring.counts().instances).toBe(0);
    await at.settle(ring.close());
  });

  test('a closed ring stays as it was', async () => {
    const at = world();
    at.put(a);
    const ring = await open(at);
    await at.settle(ring.close());
    at.put(b);
    await at.runtime.runFor(1000);
    expect(ring.counts().instances).toBe(1);
  });

  test.each([{ replicationFactor: 0 }, { replicationFactor: 1.5 }, { heartbeatTimeoutMs: -1 }])(
    '%o is refused',
    async (wrong) => {
      await expect(open(world(), wrong)).rejects.toMatchObject({ code: 'ML_RING_OPTIONS' });
    },
  );
});

describe('reading', () => {
  test('excluded zones are in no count and no answer', async () => {
    const at = world();
    at.put(a, b);
    const ring = await open(at, { excludedZones: ['z2'] });
    expect(ring.zones).toEqual(['z1']);
    expect(ring.counts()).toEqual({ instances: 1, withTokens: 1, writableWithTokens: 1 });
    expect(ring.instance('b')).toBeUndefined();
    expect(ring.tokensCount).toBe(1);
    expect(ring.get(150, Write).instances).toMatchObject([{ id: 'a' }]);
  });

  test('counts tell tokens and read-only apart, by zone too', async () => {
    const at = world();
    at.put(a, { ...b, readOnly: true }, { ...b, id: 'c', tokens: Tokens.none });
    const ring = await open(at);
    expect(ring.counts()).toEqual({ instances: 3, withTokens: 2, writableWithTokens: 1 });
    expect(ring.counts('z2')).toEqual({ instances: 2, withTokens: 1, writableWithTokens: 0 });
    expect(ring.counts('z9')).toEqual({ instances: 0, withTokens: 0, writableWithTokens: 0 });
  });

  test('a heartbeat is fresh up to and including the timeout', async () => {
    const at = world();
    at.put(a);
    const ring = await open(at);
    await at.runtime.runFor(60_000);
    expect(ring.getAllHealthy(Reporting).instances).toHaveLength(1);
    await at.runtime.runFor(1);
    expect(ring.getAllHealthy(Reporting).instances).toHaveLength(0);
  });

  test('a subring holds the instances in the states of the operation', async () => {
    const at = world();
    at.put(a, { ...b, state: 'LEAVING' });
    const ring = await open(at);
    expect(ring.subringFor(Write).instances).toMatchObject([{ id: 'a' }]);
    expect(ring.subringFor(Read).instances).toHaveLength(2);
  });

  test('unknown instances are answered with ids that look alike', async () => {
    const at = world();
    at.put({ ...a, id: 'ingester-1' }, { ...b, id: 'other' });
    const ring = await open(at);
    expect(() => ring.instanceState('ingestr-1')).toThrow(
      expect.objectContaining({ code: 'ML_RING_UNKNOWN_INSTANCE', nearest: ['ingester-1'] }),
    );
  });
});

describe('forgetting', () => {
  test('takes the instance out', async () => {
    const at = world();
    at.put(a, b);
    await at.settle(forgetInstance(at.kv, key, 'a'));
    expect(at.entry('a')?.state).toBe('LEFT');
    expect(at.entry('b')?.state).toBe('ACTIVE');
  });

  //
  test('one with a fast clock stays forgotten on every node', async () => {
    const at = world();
    const other = world();
    at.kv.gossipTo(other.kv);
    at.put({ ...a, heartbeatUnixS: startUnixS + 5000 });
    await at.settle(forgetInstance(at.kv, key, 'a'));
    expect(other.entry('a')).toMatchObject({ state: 'LEFT', heartbeatUnixS: startUnixS + 5000 });
  });

  test('an unknown one is refused at once', async () => {
    const at = world();
    at.put(a);
    await expect(at.settle(forgetInstance(at.kv, key, 'b'))).rejects.toMatchObject({
      code: 'ML_RING_UNKNOWN_INSTANCE',
    });
    expect(at.seconds).toBe(0);
  });

  test('in a ring that does not exist is refused at once', async () => {
    const at = world();
    await expect(at.settle(forgetInstance(at.kv, key, 'b'))).rejects.toMatchObject({
      code: 'ML_RING_UNKNOWN_INSTANCE',
    });
  });
});

describe('metrics', () => {
  test('show every state, zeros included, as it is at the scrape', async () => {
    const at = world();
    const metrics = memoryMetrics();
    at.put(a, { ...b, state: 'LEAVING', heartbeatUnixS: startUnixS + 30 });
    await open(at, {}, metrics);
    const members = (state: string): number | undefined =>
      metrics.value('ring_members', { name: 'test', state });
    const oldest = (state: string): number | undefined =>
      metrics.value('ring_oldest_member_timestamp', { name: 'test', state });
    expect(['ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'Unhealthy'].map(members)).toEqual([
      1, 1, 0, 0, 0,
    ]);
    expect(oldest('ACTIVE')).toBe(startUnixS);
    expect(oldest('PENDING')).toBe(0);
    expect(metrics.value('ring_tokens_total', { name: 'test' })).toBe(2);
    // Nothing changes in the ring, but time goes by.
    await at.runtime.runFor(61_000);
    expect(['ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'Unhealthy'].map(members)).toEqual([
      0, 1, 0, 0, 1,
    ]);
    expect(oldest('ACTIVE')).toBe(0);
    expect(oldest('Unhealthy')).toBe(startUnixS);
  });

  test('zones are shown when the ring is zone aware', async () => {
    const at = world();
    const metrics = memoryMetrics();
    at.put(a, b);
    await open(at, { zoneAwarenessEnabled: true }, metrics);
    expect(metrics.value('ring_zone_members', { name: 'test', zone: 'z2', state: 'ACTIVE' })).toBe(
      1,
    );
  });
});

describe('waiting', () => {
  test('for a state ends when the ring shows it', async () => {
    const at = world();
    at.put({ ...a, state: 'JOINING' });
    const ring = await open(at);
    const waited = waitInstanceState(ring, { id: 'a', state: 'ACTIVE' }, { runtime: at.runtime });
    await at.runtime.runFor(5000);
    at.put({ ...a, heartbeatUnixS: startUnixS + 5 });
    await at.settle(waited);
    expect(at.seconds).toBeLessThan(7);
  });

  test('for stability starts over with each change but heartbeats', async () => {
    const at = world();
    at.put(a);
    const ring = await open(at);
    const options = { runtime: at.runtime, operation: Reporting, minMs: 5000, maxMs: 60_000 };
    const waited = waitRingStability(ring, options);
    await at.runtime.runFor(2500);
    at.put({ ...a, heartbeatUnixS: startUnixS + 2 });
    await at.runtime.runFor(1000);
    at.put(b);
    await at.settle(waited);
    expect(at.seconds).toBe(9);
  });

  test('for stability gives up after the limit', async () => {
    const at = world();
    at.put(a);
    const ring = await open(at);
    const options = { runtime: at.runtime, operation: Reporting, minMs: 5000, maxMs: 3000 };
    await expect(at.settle(waitRingStability(ring, options))).rejects.toMatchObject({
      code: 'ML_TIMEOUT',
    });
  });
});
