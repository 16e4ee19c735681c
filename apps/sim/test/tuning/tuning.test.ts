import { expect, test } from 'vitest';
import type { Conditions } from '../../src/advise/conditions.ts';
import { DEFAULT_SETTINGS, KNOBS, nameOf, settingsWith } from '../../src/advise/knobs.ts';
import { measureSettings } from '../../src/advise/measure-settings.ts';
import { directionOf, measureLadders } from '../../src/tuning/ladders.ts';
import { tuningPage } from '../../src/tuning/tuning-report.ts';

const CONDITIONS: Conditions = {
  nodes: 12,
  zones: 1,
  rttMs: 1,
  zoneRttMs: 1,
  loss: 0,
  heartbeatPeriodMs: 15_000,
  tokens: 1,
};
const { signal } = new AbortController();

test('each of the four knobs, moved alone towards sooner, leaves p99 propagation no longer, and costs bytes at most in proportion', async () => {
  const moved = KNOBS.map((knob) => settingsWith({ [nameOf(knob.yamlPath)]: knob.sooner }));
  const few = settingsWith({ retransmit_factor: '2' });
  const { rows, complete } = await measureSettings(
    { conditions: CONDITIONS, settings: [DEFAULT_SETTINGS, ...moved, few], seeds: 8, periods: 4 },
    { workers: 1, signal },
  );
  expect(complete).toBe(true);
  const [defaults, interval, nodes, pullPush, retransmit, fewer] = rows;
  if (!defaults || !interval || !nodes || !pullPush || !retransmit || !fewer) {
    throw new TypeError('a setting was not measured');
  }
  for (const row of [interval, nodes, pullPush, retransmit]) {
    const { ratio, error } = directionOf(row, defaults);
    // What two standard errors allow, but no more than a twentieth.
    expect(ratio).toBeLessThanOrEqual(1 + Math.min(error, 0.05));
    // A heartbeat that was missed now and then makes the oldest one older by a period, with any setting.
    expect(row.oldestMs).toBeLessThan(2 * 15_000 + 2000);
  }
  // Rounds are what propagation is made of, so these two shorten it in every single run.
  for (const row of [interval, nodes]) {
    for (const [index, p99] of row.p99BySeed.entries()) {
      expect(p99).toBeLessThan(defaults.p99BySeed[index] ?? 0);
    }
  }
  // The retransmit factor decides whether everybody hears at all.
  expect(defaults.p99Ms).toBeLessThan(fewer.p99Ms);
  expect(defaults.missed).toBeLessThan(fewer.missed / 10);
  expect(retransmit.missed).toBeLessThanOrEqual(defaults.missed);
  expect(retransmit.bytesS / defaults.bytesS).toBeGreaterThan(1.2);
  expect(retransmit.bytesS / defaults.bytesS).toBeLessThan(1.6);
}, 240_000);

test('the page has the figures of the runs, a picture for each knob, and where it comes from', async () => {
  const found = await measureLadders({
    conditions: { ...CONDITIONS, nodes: 3 },
    seeds: 1,
    periods: 1,
    workers: 1,
    signal,
  });
  if (found === undefined) throw new TypeError('the ladders were not measured');
  expect(found.ladders.map(({ knob, rows }) => [knob.flag, rows.length])).toEqual([
    ['memberlist.gossip-interval', 5],
    ['memberlist.gossip-nodes', 5],
    ['memberlist.pullpush-interval', 5],
    ['memberlist.retransmit-factor', 5],
  ]);
  const provenance = { command: 'ml-sim tuning --out x.md', commit: 'abc', date: '2026-01-31' };
  const { markdown, images } = tuningPage(found, provenance);
  expect(markdown).toContain('Written by `ml-sim tuning --out x.md` at commit abc on 2026-01-31');
  expect(markdown).not.toMatch(/NaN|undefined|Infinity/);
  for (const [name, svg] of images) {
    expect(markdown).toContain(`](images/${name})`);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).not.toContain('NaN');
  }
  expect(images.size).toBe(5);
}, 120_000);

test('nothing comes of ladders that were interrupted', async () => {
  const options = { conditions: CONDITIONS, seeds: 1, periods: 1, workers: 1 };
  expect(await measureLadders({ ...options, signal: AbortSignal.abort() })).toBeUndefined();
});
