import { describe, expect, test } from 'vitest';
import { type Findings, parseAssertion, type Sample } from '../src/index.ts';

const SAMPLE: Sample = {
  atMs: 0,
  live: 5,
  ready: 5,
  membersMin: 5,
  membersMax: 5,
  viewsEqual: true,
  isolated: 0,
  suspicions: 0,
  oldestHeartbeatMs: 3000,
  instancesMin: 5,
  instancesMax: 5,
  lookupsAgree: true,
  lookupsSucceed: true,
  queued: 0,
  bytesPerNodeS: 1000,
};
const NONE = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 };

function findings(samples: readonly Partial<Sample>[], more: Partial<Findings> = {}): Findings {
  return {
    samples: samples.map((sample, index) => ({ ...SAMPLE, atMs: index * 1000, ...sample })),
    totals: {
      suspicions: 3,
      falseSuspicions: 1,
      refutations: 1,
      deaths: 2,
      falseDeaths: 0,
      unreachableDeaths: 0,
      left: 0,
      rejoins: 0,
      startFailures: 0,
      errorsLogged: 0,
    },
    propagation: { count: 9, mean: 500, p50: 400, p90: 900, p99: 1500, max: 2500 },
    fullPropagation: NONE,
    detection: NONE,
    timeToReady: NONE,
    writes: 9,
    casFailures: 0,
    lostWrites: 0,
    unseenWrites: 0,
    healedAtMs: 1000,
    endMs: samples.length * 1000,
    ...more,
  };
}

function held(text: string, given: Findings): boolean {
  return parseAssertion(text).check(given).held;
}

describe('an assertion', () => {
  test.each([
    ['false deaths == 0', true],
    ['deaths < 2', false],
    ['propagation p99 < 2s', true],
    ['propagation max <= 2.5s', true],
    ['propagation p50 > 1s', false],
    ['bytes per node < 15kB/s', true],
    ['all views equal', true],
    ['lookups agree at end', true],
    ['members == 5 on all nodes at 1s', true],
    ['oldest heartbeat age < 2s', false],
  ])('%s: %s', (text, expected) => {
    expect(held(text, findings([{}, {}, {}]))).toBe(expected);
  });

  test('about members holds only when the fewest and the most seen satisfy it', () => {
    expect(held('members == 5 on all nodes', findings([{ membersMin: 4 }]))).toBe(false);
    expect(held('members == 5 on all nodes', findings([{ membersMax: 6 }]))).toBe(false);
  });

  test('about a stretch of time looks at that stretch alone', () => {
    const given = findings([{ oldestHeartbeatMs: 60_000 }, {}, {}]);
    expect(held('oldest heartbeat age < 20s', given)).toBe(false);
    expect(held('oldest heartbeat age < 20s after 1s', given)).toBe(true);
    expect(held('oldest heartbeat age < 20s before 1s', given)).toBe(false);
  });

  test('within some time after the healing holds when it comes true once in that time', () => {
    const given = findings([{}, { viewsEqual: false }, { viewsEqual: false }, {}]);
    expect(held('all views equal within 2s after heal', given)).toBe(true);
    expect(held('all views equal within 1s after heal', given)).toBe(false);
  });

  test('about what only a close look tells asks for one, and does not hold without it', () => {
    const closeUp = { unhealthy: 0, strangers: 2, remembered: 7, queuedChanges: 40 };
    const given = findings([{ closeUp }]);
    expect(parseAssertion('strangers == 0').closeUp).toBe(true);
    expect(parseAssertion('members == 5').closeUp).toBe(false);
    expect(held('strangers == 0', given)).toBe(false);
    expect(held('unhealthy instances == 0', given)).toBe(true);
    expect(held('remembered members <= 7', given)).toBe(true);
    expect(held('queued changes < 40', given)).toBe(false);
    expect(held('unhealthy instances == 0', findings([{}]))).toBe(false);
  });

  test('about something that was never measured does not hold', () => {
    expect(parseAssertion('detection p99 < 10s').check(findings([{}]))).toMatchObject({
      held: false,
      found: 'nothing was measured',
    });
    expect(held('all views equal', findings([]))).toBe(false);
  });

  test.each([
    ['nonsense', /nothing that can be asserted; write one of: all views equal/],
    ['deaths = 0', /write == to compare/],
    ['deaths == few', /"few" is not a number/],
    ['deaths == 5kB', /is not a number/],
    ['propagation p99 < fast', /no duration; write 500ms/],
    ['all views equal soon', /"soon" is no moment; write at 30s/],
    ['deaths == 0 at 5s', /nothing may follow the value/],
  ])('that says %j is refused', (text, message) => {
    expect(() => parseAssertion(text)).toThrow(message);
  });
});
