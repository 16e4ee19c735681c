import { gossipPresets } from '@ml/gossip';
import { describe, expect, test, vi } from 'vitest';
import {
  crashToDeadMs,
  crashToDeadQuantileMs,
  exchangeIntervalMs,
  falseSuspicion,
  firstProbeMs,
  firstProbePeriods,
  informedAfterMs,
  informedAfterRounds,
  informedShare,
  suspicionMs,
  transmissions,
} from '../src/theory.ts';
import {
  agrees,
  crashFindings,
  type Finding,
  lossFindings,
  scalingFindings,
  spreadFindings,
  suspicionFindings,
  synchronousFindings,
} from '../src/theory-claims.ts';

// Hundreds of runs: seconds of work, more on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

const { lan, dskit } = gossipPresets;
const QUICK = { factor: 1, sizes: [5, 10] };

function expectAgreement(findings: readonly Finding[]): void {
  expect(findings.length).toBeGreaterThan(0);
  expect(findings.filter((finding) => !agrees(finding))).toEqual([]);
}

describe('closed forms', () => {
  test('first probe with random targets: the values of the SWIM paper for finite n, and e/(e−1) in the limit', () => {
    const values = [4, 8, 16, 32, 64, 128].map((n) => Number(firstProbePeriods(n).toFixed(3)));
    expect(values).toEqual([1.421, 1.515, 1.551, 1.567, 1.575, 1.578]);
    expect(firstProbePeriods(1_000_000)).toBeCloseTo(Math.E / (Math.E - 1), 5);
  });

  test('crash to dead, mean and p99, at the LAN and dskit settings', () => {
    const mean = (settings: typeof lan) =>
      [5, 10, 32, 100].map((n) => Number((crashToDeadMs(settings, n) / 1000).toFixed(1)));
    const tail = (settings: typeof lan) =>
      [5, 10, 32, 100].map((n) =>
        Number((crashToDeadQuantileMs(settings, n, 0.99) / 1000).toFixed(1)),
      );
    expect(mean(lan)).toEqual([5.8, 5.9, 8, 10]);
    expect(mean(dskit)).toEqual([29, 29.5, 39.9, 50]);
    expect(tail(lan)).toEqual([7.7, 8.6, 11.3, 13.5]);
    expect(tail(dskit)).toEqual([38.7, 43, 56.5, 67.5]);
    expect(firstProbeMs(5, 5000)).toBe(4000);
  });

  test('suspicions at dskit settings last 120 s, 56.9 s and 20 s with 0, 1 and 2 confirmations', () => {
    const lengths = [0, 1, 2].map((count) =>
      Number((suspicionMs(dskit, 5, count) / 1000).toFixed(1)),
    );
    expect(lengths).toEqual([120, 56.9, 20]);
    expect(suspicionMs(dskit, 3, 0)).toBe(20_000);
  });

  test('false positives per period without suspicion', () => {
    expect(falseSuspicion(0.01, 0)).toBeCloseTo(1.26e-2, 4);
    expect(falseSuspicion(0.01, 1)).toBeCloseTo(4.96e-4, 6);
    expect(falseSuspicion(0.1, 3)).toBeCloseTo(4.9e-3, 3);
    expect(falseSuspicion(0.2, 1)).toBeCloseTo(0.134, 3);
  });

  test('the infection curve and its inverse belong together', () => {
    const options = { members: 1000, fanout: 3, intervalMs: 200 };
    for (const share of [0.1, 0.5, 0.99]) {
      const afterMs = informedAfterMs({ ...options, share });
      expect(informedShare({ ...options, afterMs })).toBeCloseTo(share, 9);
    }
    expect(informedAfterRounds(1_000_000, 3, 3)).toBeCloseTo(64, 1);
  });

  test('transmissions grow with the digits of n, full exchanges become rarer with its doublings', () => {
    expect([9, 10, 99, 100, 999, 1000].map((n) => transmissions(4, n))).toEqual([
      4, 8, 8, 12, 12, 16,
    ]);
    expect([32, 50, 100, 128, 300, 1000, 10_000].map((n) => exchangeIntervalMs(30, n))).toEqual([
      30, 60, 90, 90, 150, 180, 300,
    ]);
  });
});

describe('runs agree with theory', () => {
  test('crash to suspicion and to death within 10 %, LAN and dskit settings', async () => {
    expectAgreement(await crashFindings(QUICK));
  });

  test('first probe when rounds coincide: e/(e−1) with random targets, and less with round robin', async () => {
    expectAgreement(await synchronousFindings({ factor: 2, sizes: [8] }));
  });

  test('suspicions with two, one and no confirmer; members that have just left still count: 56.9 s after five became three', async () => {
    expectAgreement(await suspicionFindings(QUICK));
  });

  test('dissemination within 15 % of the logistic curve, and of the factor 1 + fanout a round', async () => {
    expectAgreement(await spreadFindings({ ...QUICK, factor: 1 }));
  });

  test('probes that fail through loss', async () => {
    expectAgreement(await lossFindings(QUICK));
  });

  test('retransmissions and the interval of full exchanges', async () => {
    expectAgreement(await scalingFindings());
  });
});
