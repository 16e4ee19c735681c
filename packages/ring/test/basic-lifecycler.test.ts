import { memoryMetrics } from '@ml/metrics';
import { silentLogger } from '@ml/runtime';
import { describe, expect, test } from 'vitest';
import {
  autoForgetDelegate,
  type BasicLifecycler,
  type BasicLifecyclerConfig,
  type BasicLifecyclerDelegate,
  createBasicLifecycler,
  InstanceDesc,
  type InstanceInit,
  instanceRegisterDelegate,
  leaveOnStoppingDelegate,
  memoryTokensStore,
  Tokens,
  tokensPersistencyDelegate,
} from '../src/index.ts';
import { basic, key, list, startUnixS, type World, world } from './support/lifecyclers.ts';

const register = instanceRegisterDelegate('ACTIVE', 4);

const known: InstanceInit = {
  id: 'a',
  addr: 'old:1',
  state: 'LEAVING',
  tokens: Tokens.of([1, 2]),
  heartbeatUnixS: startUnixS - 60,
  registeredUnixS: 1234,
  readOnly: true,
  readOnlyUpdatedUnixS: 77,
};

async function start(
  at: World,
  config: Partial<BasicLifecyclerConfig> = {},
  delegate: BasicLifecyclerDelegate = register,
): Promise<BasicLifecycler> {
  return await at.settle(createBasicLifecycler(basic(at, delegate, config)));
}

describe('registration', () => {
  test('a new instance gets the state and tokens that its delegate says', async () => {
    const at = world();
    const lifecycler = await start(at, {}, instanceRegisterDelegate('JOINING', 4));
    expect(lifecycler.state).toBe('JOINING');
    expect(at.entry()).toMatchObject({ state: 'JOINING', registeredUnixS: startUnixS });
    expect(at.entry()?.tokens.size).toBe(4);
  });

  test('an entry of an earlier life is always rewritten, and keeps what it must', async () => {
    const at = world();
    at.put(known);
    const lifecycler = await start(at);
    expect(at.entry()).toMatchObject({
      addr: '10.0.0.1:80',
      state: 'ACTIVE',
      heartbeatUnixS: startUnixS,
      registeredUnixS: 1234,
      readOnly: true,
      readOnlyUpdatedUnixS: 77,
    });
    expect(list(lifecycler.tokens)).toEqual(expect.arrayContaining([1, 2]));
    expect(lifecycler.tokens.size).toBe(4);
  });

  test('versions are told to all members', async () => {
    const at = world();
    await start(at, { versions: new Map([[1n, 2n]]) });
    expect(at.entry()?.versions).toEqual(new Map([[1n, 2n]]));
  });

  test('tokens taken by others meanwhile are replaced before it settles', async () => {
    const at = world();
    const starting = createBasicLifecycler(
      basic(at, register, { tokensObservePeriodMs: 5000, heartbeatPeriodMs: 1000 }),
    );
    await at.runtime.runFor(1500);
    const [stolen = 0] = list(at.entry()?.tokens);
    at.put({ id: 'A', tokens: Tokens.of([stolen]), heartbeatUnixS: startUnixS });
    expect(at.entry()?.tokens.size).toBe(3);
    const lifecycler = await at.settle(starting);
    expect(at.seconds).toBeGreaterThanOrEqual(10);
    expect(lifecycler.tokens.size).toBe(4);
    expect(list(at.entry()?.tokens)).toEqual(list(lifecycler.tokens));
  });
});

describe('updates', () => {
  test('heartbeats are counted when they are written', async () => {
    const at = world();
    const metrics = memoryMetrics();
    await at.settle(createBasicLifecycler({ ...basic(at, register), metrics }));
    await at.runtime.runFor(31_000);
    expect(at.entry()?.heartbeatUnixS).toBe(startUnixS + 30);
    expect(metrics.value('ring_member_heartbeats_total', { name: 'test' })).toBe(2);
    expect(metrics.value('ring_member_tokens_owned', { name: 'test' })).toBe(4);
    expect(metrics.value('ring_member_tokens_to_own', { name: 'test' })).toBe(4);
  });

  test('a wiped store gets the entry back, read-only and its time included', async () => {
    const at = world();
    const lifecycler = await start(at);
    await at.settle(lifecycler.changeReadOnly(true));
    await at.settle(lifecycler.changeReadOnly(false));
    const { readOnlyUpdatedUnixS } = lifecycler;
    await at.runtime.runFor(3000);
    at.kv.wipe(key);
    await at.runtime.runFor(15_000);
    expect(at.entry()).toMatchObject({
      state: 'ACTIVE',
      registeredUnixS: startUnixS + 15,
      readOnlyUpdatedUnixS,
    });
  });

  test('a missing entry is put back by an update that changes nothing', async () => {
    const at = world();
    const lifecycler = await start(at);
    at.kv.wipe(key);
    await at.settle(lifecycler.changeState('ACTIVE'));
    expect(at.entry()?.state).toBe('ACTIVE');
  });

  test('any state may follow any other; the same one is no write', async () => {
    const at = world();
    const lifecycler = await start(at);
    await at.settle(lifecycler.changeState('JOINING'));
    const stamp = at.entry()?.heartbeatUnixS;
    await at.settle(lifecycler.changeState('JOINING'));
    expect(at.entry()).toMatchObject({ state: 'JOINING', heartbeatUnixS: stamp });
    expect(at.kv.waits).toBe(0);
  });

  test('a state that others wrote is taken over', async () => {
    const at = world();
    const lifecycler = await start(at);
    const entry = at.entry() ?? InstanceDesc.of({ id: 'a' });
    at.put({ ...entry, state: 'LEAVING', heartbeatUnixS: entry.heartbeatUnixS + 5 });
    await at.runtime.runFor(16_000);
    expect(lifecycler.state).toBe('LEAVING');
    expect(at.entry()?.heartbeatUnixS).toBe(startUnixS + 15);
  });

  test('tokens that an active instance lost are replaced and told to the delegate', async () => {
    const at = world();
    const store = memoryTokensStore();
    const lifecycler = await start(
      at,
      {},
      tokensPersistencyDelegate({ store, loadState: 'ACTIVE', log: silentLogger }, register),
    );
    const [stolen = 0] = list(lifecycler.tokens);
    at.put({ id: 'A', tokens: Tokens.of([stolen]), heartbeatUnixS: startUnixS });
    await at.runtime.runFor(16_000);
    expect(at.entry()?.tokens.size).toBe(4);
    expect(store.text).toBe(JSON.stringify({ tokens: list(at.entry()?.tokens) }));
  });
});

describe('delegates', () => {
  test('auto-forget takes out whoever is silent for longer than its period, but not itself', async () => {
    const at = world();
    at.put(
      { id: 'gone', heartbeatUnixS: startUnixS - 586 },
      { id: 'late', heartbeatUnixS: startUnixS - 585 },
      { id: 'ahead', heartbeatUnixS: startUnixS + 99_999 },
    );
    await start(at, {}, autoForgetDelegate({ forgetMs: 600_000 }, register));
    await at.runtime.runFor(15_500);
    expect(at.entry('gone')?.state).toBe('LEFT');
    expect(at.entry('late')?.state).toBe('ACTIVE');
    expect(at.entry('ahead')?.state).toBe('ACTIVE');
    expect(at.entry()?.state).toBe('ACTIVE');
  });

  test('tokens of the file are used when the ring knows none, in the state that was given', async () => {
    const at = world();
    const store = memoryTokensStore('{"tokens":[8,7]}');
    const states: unknown[] = [];
    const spy: BasicLifecyclerDelegate = {
      ...register,
      onRegister: (context) => {
        states.push(context.existing?.state);
        return register.onRegister(context);
      },
    };
    const delegate = tokensPersistencyDelegate(
      { store, loadState: 'LEAVING', log: silentLogger },
      spy,
    );
    await start(at, {}, delegate);
    expect(states).toEqual(['LEAVING']);
    expect(list(at.entry()?.tokens)).toEqual(expect.arrayContaining([7, 8]));
    expect(store.text).toBe(JSON.stringify({ tokens: list(at.entry()?.tokens) }));
  });

  test('tokens of the ring beat those of the file', async () => {
    const at = world();
    at.put(known);
    const store = memoryTokensStore('{"tokens":[8,7]}');
    await start(
      at,
      {},
      tokensPersistencyDelegate({ store, loadState: 'ACTIVE', log: silentLogger }, register),
    );
    expect(list(at.entry()?.tokens)).toEqual(expect.arrayContaining([1, 2]));
    expect(list(at.entry()?.tokens)).not.toContain(8);
  });

  test('the outer one acts before the inner one', async () => {
    const at = world();
    const order: string[] = [];
    const inner: BasicLifecyclerDelegate = {
      ...register,
      onStopping: async () => {
        order.push(`inner saw ${at.entry()?.state}`);
      },
    };
    const lifecycler = await start(at, {}, leaveOnStoppingDelegate(silentLogger, inner));
    await at.settle(lifecycler.close());
    expect(order).toEqual(['inner saw LEAVING']);
  });
});

describe('closing', () => {
  test('heartbeats go on while the delegate stops, then the instance is taken out', async () => {
    const at = world();
    const metrics = memoryMetrics();
    const slow: BasicLifecyclerDelegate = {
      ...register,
      onStopping: () => new Promise((resolve) => at.runtime.timers.after(40_000, resolve)),
    };
    const lifecycler = await at.settle(createBasicLifecycler({ ...basic(at, slow), metrics }));
    const closing = lifecycler.close();
    await at.runtime.runFor(39_000);
    expect(at.entry()?.heartbeatUnixS).toBe(startUnixS + 30);
    await at.settle(closing);
    expect(at.entry()?.state).toBe('LEFT');
    expect(metrics.value('ring_member_tokens_owned', { name: 'test' })).toBe(0);
    expect(metrics.value('ring_member_tokens_to_own', { name: 'test' })).toBe(0);
  });

  test('keeps the entry if configured so', async () => {
    const at = world();
    const lifecycler = await start(at, { keepInstanceInTheRingOnShutdown: true });
    await at.settle(lifecycler.close());
    expect(at.entry()?.state).toBe('ACTIVE');
    await expect(lifecycler.changeState('LEAVING')).rejects.toMatchObject({
      code: 'ML_RING_LIFECYCLER_CLOSED',
    });
  });
});
