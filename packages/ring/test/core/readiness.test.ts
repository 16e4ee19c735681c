import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc, type InstanceInit } from '../../src/core/instance.ts';
import { checkReadiness } from '../../src/core/readiness.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { vectors } from '../support/vectors.ts';

const fine: InstanceInit = {
  id: 'a',
  addr: 'addr-a',
  tokens: Tokens.of([1]),
  heartbeatUnixS: 1000,
};

const rings: Readonly<Record<string, readonly InstanceInit[]>> = {
  active: [fine],
  'active no tokens': [{ ...fine, tokens: Tokens.none }],
  'age equal to timeout': [{ ...fine, heartbeatUnixS: 940 }],
  empty: [],
  joining: [{ ...fine, state: 'JOINING' }],
  stale: [{ ...fine, state: 'JOINING', heartbeatUnixS: 939 }],
};

const reasons: Readonly<Record<string, string>> = {
  ok: 'ready',
  'no tokens in ring': 'ring-without-tokens',
  'instance addr-a in state JOINING': 'wrong-state',
  'instance addr-a past heartbeat timeout': 'heartbeat-stale',
};

describe('readiness', () => {
  test.each(Object.entries(vectors.misc.isReady))('%s: %s, as in the reference', (name, text) => {
    const check = (): string => {
      try {
        checkReadiness({
          id: 'a',
          tokens: Tokens.of([1]),
          ring: RingDesc.of((rings[name] ?? []).map((one) => InstanceDesc.of(one))),
          wholeRing: true,
          heartbeatTimeoutMs: 60_000,
          nowUnixMs: 1_000_000,
        });
        return 'ready';
      } catch (error) {
        return error instanceof Error && 'reason' in error ? String(error.reason) : String(error);
      }
    };
    expect(rings).toHaveProperty([name]);
    expect(check()).toBe(reasons[text]);
  });

  test('the own instance must be there when only it counts', () => {
    expect(() =>
      checkReadiness({
        id: 'b',
        tokens: Tokens.of([1]),
        ring: RingDesc.of([InstanceDesc.of(fine)]),
        wholeRing: false,
        heartbeatTimeoutMs: 60_000,
        nowUnixMs: 1_000_000,
      }),
    ).toThrow(expect.objectContaining({ reason: 'instance-missing' }));
  });
});
