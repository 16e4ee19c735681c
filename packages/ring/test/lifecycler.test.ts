import { memoryMetrics } from '@ml/metrics';
import { describe, expect, test } from 'vitest';
import { CannotJoinError } from '../src/errors.ts';
import {
  createLifecycler,
  type InstanceInit,
  type Lifecycler,
  type LifecyclerConfig,
  type LifecyclerOptions,
  memoryTokensStore,
  RingDesc,
  randomTokenGenerator,
  type TokenGenerator,
  Tokens,
} from '../src/index.ts';
import { classic, key, list, startUnixS, type World, world } from './support/lifecyclers.ts';
import { vectors } from './support/vectors.ts';

const known: InstanceInit = {
  id: 'a',
  addr: '10.0.0.1:80',
  zone: 'z1',
  state: 'ACTIVE',
  tokens: Tokens.of([1, 2, 3, 4]),
  heartbeatUnixS: startUnixS - 3600,
  registeredUnixS: 1234,
};

async function start(
  at: World,
  config: Partial<LifecyclerConfig> = {},
  more: Partial<LifecyclerOptions> = {},
): Promise<Lifecycler> {
  return await at.settle(createLifecycler(classic(at, config, more)));
}

async function startActive(at: World, config: Partial<LifecyclerConfig> = {}): Promise<Lifecycler> {
  const lifecycler = await start(at, config);
  await at.settle(lifecycler.waitActive());
  return lifecycler;
}

describe('registration', () => {
  // four writes, none of which waits for the next second.
  test('a new instance is active with all its tokens within one second', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    expect(at.seconds).toBeLessThan(1);
    expect(at.kv.waits).toBe(0);
    expect(at.entry()).toMatchObject({
      id: 'a',
      state: 'ACTIVE',
      addr: '10.0.0.1:80',
      zone: 'z1',
      registeredUnixS: startUnixS,
    });
    expect(at.entry()?.tokens.size).toBe(4);
    expect(list(lifecycler.tokens)).toEqual(list(at.entry()?.tokens));
  });

  test('join-after keeps the instance pending without tokens', async () => {
    const at = world();
    const lifecycler = await start(at, { joinAfterMs: 10_000 });
    await at.runtime.runFor(9000);
    expect(at.entry()).toMatchObject({ state: 'PENDING' });
    expect(at.entry()?.tokens.isEmpty).toBe(true);
    await at.settle(lifecycler.waitActive());
    expect(at.seconds).toBe(10);
  });

  test('after an abrupt restart tokens and registration time stay', async () => {
    const at = world();
    at.put(known);
    const lifecycler = await startActive(at);
    expect(list(lifecycler.tokens)).toEqual([1, 2, 3, 4]);
    expect(lifecycler.registeredUnixS).toBe(1234);
    await at.runtime.runFor(6000);
    expect(at.entry()).toMatchObject({ state: 'ACTIVE', registeredUnixS: 1234 });
    expect(list(at.entry()?.tokens)).toEqual([1, 2, 3, 4]);
  });

  test('an active entry that is unchanged is not written before the first heartbeat', async () => {
    const at = world();
    at.put(known);
    await startActive(at);
    expect(at.entry()?.heartbeatUnixS).toBe(startUnixS - 3600);
    await at.runtime.runFor(5000);
    expect(at.entry()?.heartbeatUnixS).toBe(startUnixS + 5);
  });

  test('address and zone of an earlier life are corrected at once, read-only is kept', async () => {
    const at = world();
    at.put({ ...known, addr: 'old:1', zone: 'old', readOnly: true, readOnlyUpdatedUnixS: 77 });
    const lifecycler = await start(at, { heartbeatPeriodMs: 3_600_000 });
    expect(at.entry()).toMatchObject({
      addr: '10.0.0.1:80',
      zone: 'z1',
      readOnly: true,
      readOnlyUpdatedUnixS: 77,
      heartbeatUnixS: startUnixS,
    });
    expect(lifecycler.readOnly).toBe(true);
  });

  test('a registration time of 0 is never repaired', async () => {
    const at = world();
    at.put({ ...known, registeredUnixS: 0 });
    await startActive(at);
    await at.runtime.runFor(6000);
    expect(at.entry()?.registeredUnixS).toBe(0);
  });

  test.each([
    { had: [1, 2], kept: 2, says: 'topped up' },
    { had: [1, 2, 3, 4, 5, 6], kept: 4, says: 'trimmed' },
  ])('an entry that is leaving becomes active, its tokens $says', async ({ had, kept }) => {
    const at = world();
    at.put({ ...known, state: 'LEAVING', tokens: Tokens.of(had) });
    await startActive(at);
    expect(at.entry()).toMatchObject({ state: 'ACTIVE', registeredUnixS: 1234 });
    const tokens = list(at.entry()?.tokens);
    expect(tokens).toHaveLength(4);
    expect(tokens.filter((token) => had.includes(token))).toHaveLength(kept);
  });

  test('a pending entry goes on to be active with the tokens it had', async () => {
    const at = world();
    at.put({ ...known, state: 'PENDING', tokens: Tokens.of([7]) });
    await startActive(at);
    expect(list(at.entry()?.tokens)).toContain(7);
    expect(at.entry()?.tokens.size).toBe(4);
  });

  //
  test('a restart while joining starts over at once and keeps the tokens', async () => {
    const at = world();
    at.put({ ...known, state: 'JOINING', heartbeatUnixS: startUnixS });
    const lifecycler = await start(at, { observePeriodMs: 5000 });
    expect(at.seconds).toBeLessThan(1);
    await at.settle(lifecycler.waitActive());
    expect(at.kv.waits).toBe(0);
    expect(list(at.entry()?.tokens)).toEqual([1, 2, 3, 4]);
  });

  test('two rings under different keys do not mix', async () => {
    const at = world();
    await startActive(at);
    const other = await at.settle(
      createLifecycler({ ...classic(at), key: 'collectors/other', name: 'other' }),
    );
    await at.settle(other.close());
    expect(at.entry()?.state).toBe('ACTIVE');
    expect(at.kv.stored('collectors/other')?.get('a')?.state).toBe('LEFT');
  });

  test('a store that fails at the start is a JoinRingError with the cause', async () => {
    const at = world();
    at.kv.failure = new TypeError('no store');
    await expect(start(at)).rejects.toMatchObject({
      code: 'ML_RING_JOIN',
      cause: expect.objectContaining({ message: 'no store' }),
    });
  });

  test.each([
    { fault: 'id', identity: { id: '', addr: 'x:1', zone: '' } },
    { fault: 'address', identity: { id: 'a', addr: '', zone: '' } },
  ])('an empty $fault is refused', async ({ identity }) => {
    const at = world();
    await expect(start(at, {}, { identity })).rejects.toMatchObject({ code: 'ML_RING_OPTIONS' });
  });
});

describe('stored tokens', () => {
  test('come back after a restart that the ring did not see', async () => {
    const at = world();
    const tokensStore = memoryTokensStore();
    const first = await start(at, {}, { tokensStore });
    await at.settle(first.waitActive());
    const before = list(first.tokens);
    await at.settle(first.close());
    const second = await start(at, {}, { tokensStore });
    expect(second.state).toBe('ACTIVE');
    expect(list(second.tokens)).toEqual(before);
  });

  test('fewer than wanted make the instance pending until they are filled up', async () => {
    const at = world();
    const tokensStore = memoryTokensStore('{"tokens":[9,5]}');
    const lifecycler = await start(at, { joinAfterMs: 1000 }, { tokensStore });
    expect(lifecycler.state).toBe('PENDING');
    expect(list(at.entry()?.tokens)).toEqual([5, 9]);
    await at.settle(lifecycler.waitActive());
    expect(list(at.entry()?.tokens)).toEqual(expect.arrayContaining([5, 9]));
    expect(at.entry()?.tokens.size).toBe(4);
    expect(tokensStore.text).toBe(JSON.stringify({ tokens: list(lifecycler.tokens) }));
  });

  test('that cannot be read are replaced by new ones', async () => {
    const at = world();
    const lifecycler = await start(at, {}, { tokensStore: memoryTokensStore('{"tokens":[-1]}') });
    await at.settle(lifecycler.waitActive());
    expect(lifecycler.tokens.size).toBe(4);
  });

  test('are deleted at the end if that was asked for', async () => {
    const at = world();
    const tokensStore = memoryTokensStore();
    const lifecycler = await start(at, {}, { tokensStore });
    await at.settle(lifecycler.waitActive());
    lifecycler.shutdown.clearTokens = true;
    await at.settle(lifecycler.close());
    expect(tokensStore.text).toBeUndefined();
  });
});

describe('observing', () => {
  test('stolen tokens are replaced before the instance is active', async () => {
    const at = world();
    const lifecycler = await start(at, { observePeriodMs: 5000 });
    await at.runtime.runFor(1000);
    expect(lifecycler.state).toBe('JOINING');
    const [stolen = 0, ...kept] = list(lifecycler.tokens);
    at.put({ id: 'A', addr: 'x', tokens: Tokens.of([stolen]), heartbeatUnixS: startUnixS });
    expect(list(at.entry()?.tokens)).toEqual(kept);
    await at.runtime.runFor(4500);
    expect(lifecycler.state).toBe('JOINING');
    await at.settle(lifecycler.waitActive());
    expect(at.seconds).toBeGreaterThanOrEqual(10);
    expect(at.entry()?.tokens.size).toBe(4);
    expect(list(at.entry()?.tokens)).not.toContain(stolen);
  });
});

describe('heartbeats', () => {
  test('come once a period and are counted', async () => {
    const at = world();
    const metrics = memoryMetrics();
    const lifecycler = await start(at, {}, { metrics });
    await at.settle(lifecycler.waitActive());
    await at.runtime.runFor(20_500);
    expect(at.entry()?.heartbeatUnixS).toBe(startUnixS + 20);
    expect(metrics.value('member_consul_heartbeats_total', { name: 'test' })).toBe(4);
  });

  test('a period of 0 turns them off', async () => {
    const at = world();
    await startActive(at, { heartbeatPeriodMs: 0 });
    await at.runtime.runFor(60_000);
    expect(at.entry()?.heartbeatUnixS).toBeLessThan(startUnixS + 3);
  });

  test('a wiped store gets the entry back, registered anew, with the same tokens', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    const tokens = list(lifecycler.tokens);
    await at.runtime.runFor(7000);
    at.kv.wipe(key);
    await at.runtime.runFor(5000);
    expect(at.entry()).toMatchObject({ state: 'ACTIVE', registeredUnixS: startUnixS + 10 });
    expect(list(at.entry()?.tokens)).toEqual(tokens);
  });

  test('a forgotten live instance is back with its next heartbeat', async () => {
    const at = world();
    await startActive(at);
    await at.runtime.runFor(6000);
    await at.settle(at.kv.cas(key, (ring) => ring?.delete('a')));
    expect(at.entry()?.state).toBe('LEFT');
    await at.runtime.runFor(5000);
    expect(at.entry()?.state).toBe('ACTIVE');
  });

  test('a zone that somebody overwrote is restored', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    at.put({ ...known, tokens: lifecycler.tokens, zone: 'wrong', heartbeatUnixS: startUnixS + 2 });
    expect(at.entry()?.zone).toBe('wrong');
    await at.runtime.runFor(6000);
    expect(at.entry()?.zone).toBe('z1');
  });

  //
  test('tokens that an active instance lost are replaced', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    const [stolen = 0, ...kept] = list(lifecycler.tokens);
    at.put({ id: 'A', addr: 'x', tokens: Tokens.of([stolen]), heartbeatUnixS: startUnixS });
    expect(at.entry()?.tokens.size).toBe(3);
    await at.runtime.runFor(6000);
    expect(list(at.entry()?.tokens)).toEqual(expect.arrayContaining([...kept]));
    expect(at.entry()?.tokens.size).toBe(4);
    expect(list(at.entry()?.tokens)).not.toContain(stolen);
  });

  test('a store that fails for a while does not end them', async () => {
    const at = world();
    await startActive(at);
    at.kv.failure = new TypeError('no store');
    await at.runtime.runFor(12_000);
    at.kv.failure = undefined;
    await at.runtime.runFor(5000);
    expect(at.entry()?.heartbeatUnixS).toBe(startUnixS + 15);
  });

  test('after the clock was set back writes still count, and stamps run ahead no further', async () => {
    const at = world();
    const node = at.runtime.node('skewed');
    const lifecycler = await start(at, {}, { runtime: node });
    await at.settle(lifecycler.waitActive());
    await at.runtime.runFor(10_000);
    const stamp = at.entry()?.heartbeatUnixS ?? 0;
    node.setSkewMs(-600_000);
    await at.runtime.runFor(30_000);
    expect(at.entry()?.heartbeatUnixS).toBe(stamp);
    await at.settle(lifecycler.changeReadOnly(true));
    expect(at.entry()).toMatchObject({ readOnly: true, heartbeatUnixS: stamp + 1 });
    expect(at.kv.waits).toBe(0);
  });

  //
  test('go on after the clock was a year ahead, a second each, for nothing else keeps the entry healthy', async () => {
    const at = world();
    const node = at.runtime.node('skewed');
    const lifecycler = await start(at, {}, { runtime: node });
    await at.settle(lifecycler.waitActive());
    node.setSkewMs(365 * 86_400_000);
    await at.runtime.runFor(10_000);
    node.setSkewMs(0);
    const stamp = at.entry()?.heartbeatUnixS ?? 0;
    expect(stamp).toBeGreaterThan(startUnixS + 86_400);
    await at.runtime.runFor(30_000);
    expect(at.entry()?.heartbeatUnixS).toBe(stamp + 6);
    expect(at.kv.waits).toBe(0);
  });
});

describe('read-only', () => {
  test('is written at once; setting it twice keeps the first time', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    await at.settle(lifecycler.changeReadOnly(true));
    const since = at.entry()?.readOnlyUpdatedUnixS;
    expect(at.entry()).toMatchObject({ readOnly: true, state: 'ACTIVE' });
    await at.runtime.runFor(3000);
    await at.settle(lifecycler.changeReadOnly(true));
    expect(lifecycler.readOnlyUpdatedUnixS).toBe(since);
    await at.settle(lifecycler.changeReadOnly(false));
    expect(at.entry()).toMatchObject({ readOnly: false, readOnlyUpdatedUnixS: startUnixS + 3 });
  });

  test('is a gauge', async () => {
    const at = world();
    const metrics = memoryMetrics();
    const lifecycler = await start(at, {}, { metrics });
    expect(metrics.value('lifecycler_read_only', { name: 'test' })).toBe(0);
    await at.settle(lifecycler.changeReadOnly(true));
    expect(metrics.value('lifecycler_read_only', { name: 'test' })).toBe(1);
  });
});

describe('states', () => {
  test('only the known transitions are allowed', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    await expect(at.settle(lifecycler.changeState('JOINING'))).rejects.toMatchObject({
      code: 'ML_RING_STATE_TRANSITION',
    });
    expect(lifecycler.state).toBe('ACTIVE');
    await at.settle(lifecycler.changeState('LEAVING'));
    expect(at.entry()?.state).toBe('LEAVING');
  });

  test('tokens of a leaving instance can be claimed', async () => {
    const at = world();
    at.put({ ...known, id: 'b', state: 'LEAVING', heartbeatUnixS: startUnixS });
    const lifecycler = await startActive(at);
    expect(list(await at.settle(lifecycler.claimTokensFor('b')))).toEqual([1, 2, 3, 4]);
    expect(list(at.entry()?.tokens)).toEqual(expect.arrayContaining([1, 2, 3, 4]));
    expect(at.entry('b')?.tokens.isEmpty).toBe(true);
    await expect(at.settle(lifecycler.claimTokensFor('c'))).rejects.toMatchObject({
      code: 'ML_RING_UNKNOWN_INSTANCE',
    });
  });

  test('claimed tokens are those that the reference hands over, and nobody else holds them', async () => {
    const {
      after: { a: left, b: taker },
      result,
    } = vectors.misc.claimTokens;
    const at = world();
    at.put({ ...known, id: 'b', state: 'LEAVING', tokens: Tokens.of(result) });
    const lifecycler = await startActive(at, { numTokens: 2 });
    expect(list(await at.settle(lifecycler.claimTokensFor('b')))).toEqual(result);
    expect(list(at.entry('b')?.tokens)).toEqual(left?.tokens ?? []);
    expect(list(at.entry()?.tokens)).toEqual(expect.arrayContaining(taker?.tokens ?? [0]));
  });
});

describe('waiting for others', () => {
  function waiting(at: World): TokenGenerator {
    return {
      ...randomTokenGenerator(at.runtime.random),
      waitsForOthers: true,
      checkCanJoin: (ring) => {
        if (!ring.has('before')) throw new CannotJoinError('instance before is not there');
      },
    };
  }

  test('the instance joins as soon as the one before is there', async () => {
    const at = world();
    const lifecycler = await start(at, {}, { tokenGenerator: waiting(at) });
    await at.runtime.runFor(20_000);
    expect(lifecycler.state).toBe('PENDING');
    at.put({ ...known, id: 'before' });
    await at.settle(lifecycler.waitActive());
    expect(at.seconds).toBeLessThan(22);
  });

  test('it gives up waiting after five minutes', async () => {
    const at = world();
    const lifecycler = await start(at, {}, { tokenGenerator: waiting(at) });
    await at.settle(lifecycler.waitActive(), 400_000);
    expect(at.seconds).toBe(300);
  });

  test('closing ends the wait', async () => {
    const at = world();
    const lifecycler = await start(at, {}, { tokenGenerator: waiting(at) });
    await at.runtime.runFor(2500);
    const active = lifecycler.waitActive();
    const rejected = expect(active).rejects.toMatchObject({ code: 'ML_RING_LIFECYCLER_CLOSED' });
    await at.settle(lifecycler.close());
    await rejected;
    expect(at.seconds).toBeLessThan(4);
    expect(at.entry()?.state).toBe('LEFT');
  });
});

describe('closing', () => {
  test('leaves, flushes with heartbeats going on, sleeps, and takes the instance out', async () => {
    const at = world();
    const seen: unknown[] = [];
    const lifecycler = await start(
      at,
      { finalSleepMs: 4000 },
      {
        flush: async () => {
          seen.push(at.entry()?.state);
          await new Promise<void>((resolve) => at.runtime.timers.after(12_000, resolve));
          seen.push(at.entry()?.heartbeatUnixS);
        },
      },
    );
    await at.settle(lifecycler.waitActive());
    await at.settle(lifecycler.close());
    expect(seen).toEqual(['LEAVING', startUnixS + 10]);
    expect(at.seconds).toBe(16);
    expect(at.entry()).toMatchObject({ state: 'LEFT' });
    expect(at.entry()?.tokens.isEmpty).toBe(true);
  });

  test('is quick in the second of the last write', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    await at.settle(lifecycler.close());
    expect(at.seconds).toBeLessThan(1);
    expect(at.kv.waits).toBe(0);
    expect(at.entry()?.state).toBe('LEFT');
  });

  test('keeps the entry, leaving, when it is not to unregister', async () => {
    const at = world();
    const lifecycler = await startActive(at, { unregisterOnShutdown: false });
    await at.settle(lifecycler.close());
    expect(at.entry()?.state).toBe('LEAVING');
    const heartbeat = at.entry()?.heartbeatUnixS;
    await at.runtime.runFor(60_000);
    expect(at.entry()?.heartbeatUnixS).toBe(heartbeat);
  });

  test('a flush that fails does not keep the instance in the ring', async () => {
    const at = world();
    const lifecycler = await start(at, {}, { flush: () => Promise.reject(new TypeError('full')) });
    await at.settle(lifecycler.waitActive());
    await at.settle(lifecycler.close());
    expect(at.entry()?.state).toBe('LEFT');
  });

  test('twice is once, and afterwards nothing is accepted', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    await at.settle(Promise.all([lifecycler.close(), lifecycler.close()]));
    await expect(lifecycler.changeReadOnly(true)).rejects.toMatchObject({
      code: 'ML_RING_LIFECYCLER_CLOSED',
    });
  });

  //
  test('a restart is accepted within seconds though the tombstone of the life before is dated minutes ahead', async () => {
    const at = world();
    const node = at.runtime.node('skewed');
    node.setSkewMs(300_000);
    const first = await start(at, {}, { runtime: node });
    await at.settle(first.waitActive());
    await at.settle(first.close());
    expect(at.entry()?.stateCode).toBe(4);
    await startActive(at);
    expect(at.entry()?.state).toBe('ACTIVE');
    expect(at.entry()?.heartbeatUnixS).toBeGreaterThan(startUnixS + 300);
    expect(at.entry()?.heartbeatUnixS).toBeLessThan(startUnixS + 600);
    expect(at.seconds).toBeLessThan(15);
  });

  test('a restart in the same second is accepted after the clock has moved on', async () => {
    const at = world();
    const first = await startActive(at);
    await at.settle(first.close());
    await startActive(at);
    expect(at.entry()?.state).toBe('ACTIVE');
    expect(at.seconds).toBeLessThan(5);
  });
});

describe('readiness', () => {
  async function reason(lifecycler: Lifecycler): Promise<unknown> {
    try {
      await lifecycler.checkReady();
      return 'ready';
    } catch (error) {
      return error instanceof Error && 'reason' in error ? error.reason : error;
    }
  }

  test('follows the reference through its conditions, and latches', async () => {
    const at = world();
    const lifecycler = await start(at, { joinAfterMs: 1000, minReadyDurationMs: 15_000 });
    expect(await reason(lifecycler)).toBe('no-tokens');
    await at.settle(lifecycler.waitActive());
    expect(await reason(lifecycler)).toBe('waiting');
    at.put({ ...known, id: 'b', heartbeatUnixS: startUnixS + 2, state: 'JOINING' });
    await at.runtime.runFor(14_000);
    expect(await reason(lifecycler)).toBe('wrong-state');
    at.put({ ...known, id: 'b', heartbeatUnixS: startUnixS + 20 });
    expect(await reason(lifecycler)).toBe('waiting');
    await at.runtime.runFor(14_900);
    expect(await reason(lifecycler)).toBe('waiting');
    await at.runtime.runFor(200);
    expect(await reason(lifecycler)).toBe('ready');
    at.kv.wipe(key);
    expect(await reason(lifecycler)).toBe('ready');
  });

  test('a stale instance is named before its state', async () => {
    const at = world();
    at.put({ ...known, id: 'b', state: 'LEAVING' });
    const lifecycler = await startActive(at);
    expect(await reason(lifecycler)).toBe('heartbeat-stale');
  });

  test('asks for the own instance only, if configured so', async () => {
    const at = world();
    at.put({ ...known, id: 'b', state: 'LEAVING' });
    const lifecycler = await startActive(at, { readinessCheckRingHealth: false });
    expect(await reason(lifecycler)).toBe('ready');
  });

  test('says when the store fails or holds nothing', async () => {
    const at = world();
    const lifecycler = await startActive(at);
    at.kv.failure = new TypeError('no store');
    expect(await reason(lifecycler)).toBe('kv-error');
    at.kv.failure = undefined;
    at.kv.wipe(key);
    expect(await reason(lifecycler)).toBe('no-ring');
  });
});

test('the summary counts what the last write saw', async () => {
  const at = world();
  at.put(
    { ...known, id: 'b', zone: 'z2', heartbeatUnixS: startUnixS, readOnly: true },
    { ...known, id: 'c', zone: 'z1', tokens: Tokens.of([9]) },
  );
  const lifecycler = await startActive(at);
  expect(lifecycler.summary()).toEqual({
    instances: 3,
    healthy: 2,
    readOnly: 1,
    instancesInZone: 2,
    healthyInZone: 1,
    readOnlyInZone: 0,
    zones: ['z1', 'z2'],
  });
});

test('two nodes that start at once share the ring without stealing tokens', async () => {
  const at = world();
  const other = world(2);
  at.kv.gossipTo(other.kv);
  const lifecycler = await startActive(at);
  expect(list(other.kv.stored(key)?.get('a')?.tokens)).toEqual(list(lifecycler.tokens));
  expect(other.kv.stored(key)).toBeInstanceOf(RingDesc);
});
