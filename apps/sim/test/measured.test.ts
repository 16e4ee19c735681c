import { describe, expect, test } from 'vitest';
import { type RunResult, readScenario, runScenario } from '../src/index.ts';

// What five real processes with the defaults of Pyroscope were measured to do, beside what whole nodes do here.

const SEEDS = Array.from({ length: 16 }, (_, i) => i + 1);
const HEAD = 'description: measured\nnodes: 5\nconfig: {ring: {num_tokens: 8}}\n';

/** When a member was first suspected and when each survivor held it for dead, in seconds since `sinceS`. */
function timesOf(result: RunResult, member: string, sinceS: number) {
  const about = result.events.flatMap(({ event }) => {
    return 'member' in event && event.member.startsWith(`${member}-`) ? [event] : [];
  });
  const of = (type: string): readonly number[] =>
    about.filter((event) => event.type === type).map(({ atMs }) => atMs / 1000 - sinceS);
  return { suspectS: Math.min(...of('suspect')), deadS: of('dead') };
}

describe('five nodes', () => {
  test('of which one is killed: suspected within rounds of probes, dead 20.0 s later, for all four at once; 27.6 s were measured', async () => {
    const deaths: number[] = [];
    for (const seed of SEEDS) {
      const yaml = `${HEAD}duration: 2m\ntimeline:\n  - {at: 60s, kill: node-3}\n`;
      const { suspectS, deadS } = timesOf(
        await runScenario(readScenario('kill', yaml, { seed })),
        'node-3',
        60,
      );
      expect(deadS.length).toBe(4);
      // The reference: +7.6 s, then 20.0 s; all four survivors between 27.6 s and 27.7 s.
      expect(Math.min(...deadS) - suspectS).toBeCloseTo(20, 1);
      expect(Math.max(...deadS) - Math.min(...deadS)).toBeLessThan(1);
      deaths.push(Math.min(...deadS));
    }
    expect(Math.min(...deaths)).toBeLessThan(27.6);
    expect(Math.max(...deaths)).toBeGreaterThan(27.6);
    expect(Math.max(...deaths)).toBeLessThan(20 + 5 + 20);
  });

  test('of which two leave and one freezes within 30 s: the two still count, so it is dead 56.9 s after the suspicion; 63.8 s were measured', async () => {
    const deaths: number[] = [];
    for (const seed of SEEDS) {
      const yaml = `${HEAD}duration: 4m\ntimeline:\n  - {at: 60s, stop: [node-3, node-4]}\n  - {at: 75s, pause: node-2}\n`;
      const { suspectS, deadS } = timesOf(
        await runScenario(readScenario('freeze', yaml, { seed })),
        'node-2',
        75,
      );
      expect(deadS.length).toBe(2);
      expect(Math.min(...deadS) - suspectS).toBeCloseTo(56.9, 0);
      deaths.push(Math.min(...deadS));
    }
    // The reference: 63.8 s, of which 6.9 s until the suspicion.
    expect(Math.min(...deaths)).toBeLessThan(63.8);
    expect(Math.max(...deaths)).toBeGreaterThan(63.8);
  });

  test('of which two leave and one freezes, when only the living count: dead 20 s after the suspicion', async () => {
    const yaml = `${HEAD}duration: 4m\ngossip: {suspicion_counts_only_alive: true}\ntimeline:\n  - {at: 60s, stop: [node-3, node-4]}\n  - {at: 75s, pause: node-2}\n`;
    const { suspectS, deadS } = timesOf(
      await runScenario(readScenario('freeze', yaml)),
      'node-2',
      75,
    );
    expect(Math.min(...deadS) - suspectS).toBeCloseTo(20, 1);
  });
});
