import { describe, expect, test } from 'vitest';
import { type JoinRingOptions, joinRing, Write } from '../src/index.ts';
import { key, type World, world } from './support/lifecyclers.ts';

function optionsOf({ kv, runtime }: World, id: string): JoinRingOptions {
  return {
    kv: { client: () => kv },
    key,
    runtime,
    identity: { id, addr: `${id}:80`, zone: '' },
    config: { numTokens: 4, replicationFactor: 1 },
  };
}

describe('joining a ring', () => {
  test('gives an active instance and the ring with it', async () => {
    const at = world();
    const membership = await at.settle(joinRing(optionsOf(at, 'a')));
    expect(membership.lifecycler.state).toBe('ACTIVE');
    await at.runtime.runFor(1);
    expect(membership.ring.get(1, Write).instances).toMatchObject([{ id: 'a', addr: 'a:80' }]);
    await at.settle(membership.close());
    expect(at.entry()?.state).toBe('LEFT');
  });

  test('that is given up leaves nothing running', async () => {
    const at = world();
    const stop = new AbortController();
    const config = { numTokens: 4, joinAfterMs: 10_000 };
    const joining = joinRing({ ...optionsOf(at, 'a'), config, signal: stop.signal });
    const outcome = joining.catch((error: unknown) => error);
    await at.runtime.runFor(1000);
    stop.abort(new TypeError('changed my mind'));
    expect(await at.settle(outcome)).toBeInstanceOf(Error);
    expect(at.entry()?.state).toBe('LEFT');
    expect(at.runtime.pendingEvents).toBe(0);
  });

  test('needs an address', async () => {
    const at = world();
    const identity = { id: 'a', addr: '', zone: '' };
    await expect(at.settle(joinRing({ ...optionsOf(at, 'a'), identity }))).rejects.toMatchObject({
      code: 'ML_RING_OPTIONS',
    });
    expect(at.runtime.pendingEvents).toBe(0);
  });
});
