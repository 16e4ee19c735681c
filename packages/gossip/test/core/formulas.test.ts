import { describe, expect, test } from 'vitest';
import {
  pushPullIntervalMs,
  retransmitLimit,
  suspicionPlan,
  suspicionTimeoutMs,
} from '../../src/core/formulas.ts';

const LAN = { suspicionMult: 4, suspicionMaxTimeoutMult: 6, probeIntervalMs: 1000, dynamic: true };

describe('the shortest suspicion grows with the logarithm of the cluster', () => {
  test.each([
    [1, 4000, 6000],
    [10, 4000, 6000],
    [11, 4164, 6246],
    [20, 5204, 7806],
    [50, 6792, 10_188],
    [100, 8000, 12_000],
    [1000, 12_000, 18_000],
  ])('%i members: %i ms with multiplier 4, %i ms with 6', (n, four, six) => {
    expect(suspicionPlan(LAN, n, n).minMs).toBe(four);
    expect(suspicionPlan({ ...LAN, suspicionMult: 6 }, n, n).minMs).toBe(six);
    expect(suspicionPlan(LAN, n, n).maxMs).toBe(6 * four);
  });
});

describe('confirmations shorten a suspicion logarithmically', () => {
  test.each([
    [0, 30_000],
    [1, 16_000],
    [2, 7810],
    [3, 2000],
    [4, 2000],
  ])('between 2 s and 30 s, 3 wanted, %i there: %i ms', (count, ms) => {
    const plan = { confirmations: 3, minMs: 2000, maxMs: 30_000 };
    expect(Math.floor(suspicionTimeoutMs(plan, count) / 10) * 10).toBe(ms);
  });

  test.each([
    [0, 120_000],
    [1, 56_907],
    [2, 20_000],
  ])('with dskit probes in a small cluster, %i confirmations: %i ms', (count, ms) => {
    const plan = suspicionPlan({ ...LAN, probeIntervalMs: 5000 }, 5, 5);
    expect(suspicionTimeoutMs(plan, count)).toBe(ms);
  });
});

describe('a cluster too small for confirmations does not wait for them', () => {
  test.each([
    [1, 0],
    [2, 0],
    [3, 0],
    [4, 2],
    [5, 2],
    [6, 2],
  ])('%i members: %i confirmations wanted', (n, confirmations) => {
    const plan = suspicionPlan(LAN, n, n);
    expect(plan.confirmations).toBe(confirmations);
    if (confirmations === 0) expect(suspicionTimeoutMs(plan, 0)).toBe(plan.minMs);
  });

  test('nor does one without the dynamic timeout', () => {
    expect(suspicionPlan({ ...LAN, dynamic: false }, 100, 100).confirmations).toBe(0);
  });

  test('nor does one of multiplier 2 or less', () => {
    expect(suspicionPlan({ ...LAN, suspicionMult: 2 }, 100, 100).confirmations).toBe(0);
    expect(suspicionPlan({ ...LAN, suspicionMult: 1 }, 100, 100).confirmations).toBe(0);
  });
});

test.each([
  [0, 0],
  [1, 4],
  [9, 4],
  [10, 8],
  [99, 8],
  [100, 12],
  [999, 12],
  [1000, 16],
])('a broadcast among %i members is sent %i times', (members, times) => {
  expect(retransmitLimit(4, members)).toBe(times);
});

test.each([
  [1, 1],
  [32, 1],
  [33, 2],
  [64, 2],
  [65, 3],
  [128, 3],
  [129, 4],
  [300, 5],
  [1000, 6],
  [10_000, 10],
])('the push/pull interval among %i members is %i times the configured one', (members, factor) => {
  expect(pushPullIntervalMs(30_000, members)).toBe(factor * 30_000);
});
