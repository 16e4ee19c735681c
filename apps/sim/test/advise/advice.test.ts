import { loadConfig } from '@ml/runtime/config';
import { serverConfig } from '@ml/server/config';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adviceText } from '../../src/advise/advice-text.ts';
import { choose, type Limits, shownRows } from '../../src/advise/choose.ts';
import { cpuShare, wireBytesS } from '../../src/advise/cpu-model.ts';
import {
  DEFAULT_SETTINGS,
  flagsOf,
  KNOBS,
  type Settings,
  settingsWith,
  yamlOf,
} from '../../src/advise/knobs.ts';
import type { Measured } from '../../src/advise/measure.ts';
import { planFor } from '../../src/advise/plan.ts';

const FAST = settingsWith({ gossip_interval: '100ms' });
const CHEAP = settingsWith({ retransmit_factor: '2' });
const LIMITS: Limits = { bytesS: 10_000, heartbeatPeriodMs: 15_000 };

function row(settings: Settings, change: Partial<Measured> = {}): Measured {
  return {
    settings,
    seeds: 1,
    heartbeats: 60,
    p50Ms: 100,
    p99Ms: 500,
    oldestMs: 15_700,
    missed: 0,
    bytesS: 8000,
    cpu: 0.003,
    falseDeaths: 0,
    p99BySeed: [500],
    ...change,
  };
}

describe('the advice', () => {
  test('keeps the defaults when nothing within the budget is better by more than a fifth', () => {
    const rows = [row(DEFAULT_SETTINGS), row(FAST, { p99Ms: 405 })];
    expect(choose(rows, LIMITS)).toMatchObject({ type: 'keep' });
    const text = adviceText(rows, LIMITS);
    expect(text).toContain(
      'the defaults are right: nothing within the budget has a p99 that is better by more than 20 %',
    );
    expect(text).toContain('-memberlist.gossip-interval=200ms -memberlist.gossip-nodes=3');
  });

  test('recommends what is better by more than a fifth, and says what it costs', () => {
    const rows = [row(DEFAULT_SETTINGS), row(FAST, { p99Ms: 250, bytesS: 9000, cpu: 0.004 })];
    expect(choose(rows, LIMITS)).toMatchObject({ type: 'change', to: { settings: FAST } });
    expect(adviceText(rows, LIMITS)).toContain(
      'take this: p99 250ms instead of 500ms, 9.0 kB/s per node instead of 8.0 kB/s, 0.40 % of a core instead of 0.30 %',
    );
  });

  test('does not recommend what is over the budget, however fast it is', () => {
    const rows = [row(DEFAULT_SETTINGS), row(FAST, { p99Ms: 50, bytesS: 10_001 })];
    expect(choose(rows, LIMITS)).toMatchObject({ type: 'keep' });
    expect(choose(rows, { ...LIMITS, bytesS: undefined })).toMatchObject({ type: 'change' });
  });

  test('of settings that runs do not tell apart takes the cheapest', () => {
    const rows = [
      row(DEFAULT_SETTINGS),
      row(settingsWith({ gossip_interval: '50ms' }), { p99Ms: 200, bytesS: 9500 }),
      row(FAST, { p99Ms: 215, bytesS: 8100 }),
    ];
    expect(choose(rows, LIMITS)).toMatchObject({ type: 'change', to: { settings: FAST } });
  });

  test('leaves the defaults when they break a limit that others keep', () => {
    const rows = [row(DEFAULT_SETTINGS, { bytesS: 12_000 }), row(CHEAP, { p99Ms: 900 })];
    expect(choose(rows, LIMITS)).toMatchObject({ type: 'change', to: { settings: CHEAP } });
    expect(adviceText(rows, LIMITS)).toContain(
      'the defaults fail on bandwidth: 12.0 kB/s per node is 20 % over the 10.0 kB/s of the budget',
    );
  });

  test('says which limit fails and what the least costs when nothing keeps them all', () => {
    const rows = [row(DEFAULT_SETTINGS, { bytesS: 30_000 }), row(CHEAP, { bytesS: 15_000 })];
    expect(choose(rows, LIMITS)).toMatchObject({ type: 'none', least: { settings: CHEAP } });
    const text = adviceText(rows, LIMITS);
    expect(text).toContain('bandwidth: 15.0 kB/s per node is 50 % over the 10.0 kB/s');
    expect(text).toContain('the least that it costs is 15.0 kB/s per node');
    expect(text).toContain(flagsOf(CHEAP).join(' '));
  });

  test('takes two missed heartbeats in a row and false deaths for failures, one missed heartbeat not', () => {
    const oldest = (oldestMs: number) => [row(DEFAULT_SETTINGS, { oldestMs })];
    expect(choose(oldest(30_700), LIMITS)).toMatchObject({ type: 'keep' });
    expect(choose(oldest(45_000), LIMITS)).toMatchObject({ type: 'none' });
    expect(adviceText(oldest(45_000), LIMITS)).toContain('heartbeat age: 45s is more than 35s');
    expect(choose([row(DEFAULT_SETTINGS, { falseDeaths: 1 })], LIMITS)).toMatchObject({
      type: 'none',
    });
  });

  test('cannot be given before the defaults were measured', () => {
    expect(choose([row(FAST)], LIMITS)).toBeUndefined();
    expect(adviceText([row(FAST)], LIMITS)).toContain('no advice');
  });

  test('shows the defaults even where another setting beats them', () => {
    const better = row(FAST, { p99Ms: 1, bytesS: 1, cpu: 0, oldestMs: 1 });
    const beaten = row(CHEAP);
    const defaults = row(DEFAULT_SETTINGS);
    expect(shownRows([defaults, beaten, better])).toEqual([defaults, better]);
  });
});

describe('what is pasted', () => {
  const settings = fc.tuple(
    ...KNOBS.map(({ ladder, sooner, cheaper }) => fc.constantFrom(...ladder, sooner, cheaper)),
  );

  test('is understood by ml-server, as flags and as YAML, and says the same', () => {
    fc.assert(
      fc.property(settings, (values) => {
        const fromYaml = loadConfig(serverConfig, { yaml: yamlOf(values) });
        expect(loadConfig(serverConfig, { argv: flagsOf(values) })).toEqual(fromYaml);
      }),
      { numRuns: 40 },
    );
  });

  test('changes what it names', () => {
    const yaml = yamlOf(['100ms', '5', '10s', '6']);
    expect(loadConfig(serverConfig, { yaml }).memberlist.kv).toMatchObject({
      gossipIntervalMs: 100,
      gossipNodes: 5,
      pushPullIntervalMs: 10_000,
      retransmitFactor: 6,
    });
    expect(flagsOf(DEFAULT_SETTINGS)).toEqual([
      '-memberlist.gossip-interval=200ms',
      '-memberlist.gossip-nodes=3',
      '-memberlist.pullpush-interval=30s',
      '-memberlist.retransmit-factor=4',
    ]);
    const defaults = loadConfig(serverConfig, { yaml: yamlOf(DEFAULT_SETTINGS) });
    expect(defaults).toEqual(loadConfig(serverConfig, {}));
  });
});

describe('the plan', () => {
  test('always tries the defaults first, and nothing twice', () => {
    for (const nodes of [2, 20, 50, 100, 400]) {
      const { settings } = planFor(nodes);
      expect(settings[0]).toEqual(DEFAULT_SETTINGS);
      expect(new Set(settings.map((each) => each.join(' '))).size).toBe(settings.length);
    }
  });

  test('does less for bigger clusters, and says so', () => {
    const runs = [10, 20, 50, 100, 400].map((nodes) => {
      const { settings, seeds, periods } = planFor(nodes);
      return settings.length * seeds * periods;
    });
    expect(runs).toEqual(runs.toSorted((a, b) => b - a));
    expect(planFor(20).reduced).toBe('');
    expect(planFor(50).reduced).toMatch(/^more than 25 nodes: 13 settings are tried, not 17$/);
    expect(planFor(100).reduced).toMatch(/^more than 60 nodes/);
    expect(planFor(400).reduced).toMatch(/^more than 150 nodes/);
    expect(planFor(400, 7).seeds).toBe(7);
  });
});

test('the cost model gives back the processes that it was fitted to, within a fifth', () => {
  const rates = (packets: number, bytes: number) => ({
    sentBytesS: bytes - packets * 450,
    receivedBytesS: bytes - packets * 450,
    sentPacketsS: packets,
    receivedPacketsS: packets,
    dialsS: 0,
  });
  // bench/results/cluster.md: seconds of processor time per node and minute, bytes per second on the wire.
  for (const [packets, bytes, seconds] of [
    [10.9, 14_025, 0.27],
    [13.2, 27_199, 0.318],
    [0.4, 1398, 0.0371],
  ] as const) {
    const modelled = cpuShare(rates(packets, bytes)) * 60;
    expect(Math.abs(modelled / seconds - 1)).toBeLessThan(0.2);
    expect(wireBytesS(rates(packets, bytes))).toBeCloseTo(bytes, 6);
  }
});
