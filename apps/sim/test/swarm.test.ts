import { describe, expect, test } from 'vitest';
import { runPlan } from '../src/swarm.ts';
import { drawPlan } from '../src/swarm-plan.ts';
import { runSeeds } from '../src/workers/node-seed-pool.ts';
import { bundled } from './bundle.ts';

describe('a plan', () => {
  test('follows from its seed, and another from another', () => {
    expect(drawPlan(7)).toEqual(drawPlan(7));
    expect(drawPlan(8)).not.toEqual(drawPlan(7));
  });

  test('draws both modes, both networks and every kind of fault in 200 seeds', () => {
    const plans = Array.from({ length: 200 }, (_, seed) => drawPlan(seed));
    const kinds = new Set(plans.flatMap(({ faults }) => faults.map(({ type }) => type)));
    expect(kinds).toEqual(
      new Set(['cut', 'dns', 'flap', 'kill', 'network', 'pause', 'skew', 'slow', 'stop']),
    );
    expect(new Set(plans.map(({ mode }) => mode)).size).toBe(2);
    expect(new Set(plans.map(({ network }) => network)).size).toBe(2);
    expect(plans.some(({ nodes }) => nodes.some(({ cluster }) => cluster === 'other'))).toBe(true);
    const old = plans.flatMap(({ nodes }) => nodes.flatMap((node) => node.old ?? []));
    expect(new Set(old.map(({ protocolVersion }) => protocolVersion))).toEqual(new Set([2, 3, 4]));
    expect(new Set(old.map(({ compression }) => compression))).toEqual(new Set([true, false]));
  });

  test('ends every fault within its time', () => {
    for (let seed = 0; seed < 200; seed++) {
      const { faults, faultsMs } = drawPlan(seed);
      for (const { atMs, forMs } of faults) {
        expect(atMs + forMs).toBeLessThanOrEqual(Math.max(faultsMs, atMs + 500));
      }
    }
  });
});

describe('the swarm', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'keeps every check with seed %i',
    async (seed) => {
      const { failure, recoveredMs } = await runPlan(drawPlan(seed));
      expect(failure).toBeUndefined();
      expect(recoveredMs).toBeGreaterThanOrEqual(0);
    },
    120_000,
  );

  test('does the same for the same seed, on one worker thread, on two, and on none', async () => {
    const seeds = [3, 5, 6];
    await using bundle = await bundled('../src/workers/node-seed-worker.ts');
    const { script } = bundle;
    const hashes = async (workers: number): Promise<ReadonlyMap<number, string>> => {
      const found = new Map<number, string>();
      for await (const result of runSeeds(seeds, { workers, script })) {
        found.set(result.seed, result.type === 'ran' ? result.outcome.traceSha256 : result.error);
      }
      return found;
    };
    const one = await hashes(1);
    const two = await hashes(2);
    for (const seed of seeds) {
      const { traceSha256 } = await runPlan(drawPlan(seed));
      expect(traceSha256).toMatch(/^[0-9a-f]{64}$/);
      expect(one.get(seed)).toBe(traceSha256);
      expect(two.get(seed)).toBe(traceSha256);
    }
  }, 240_000);
});

describe('the canaries', () => {
  const quiet = { ...drawPlan(3), faults: [] };

  test('a member that stays cut off is noticed', async () => {
    const { failure } = await runPlan(quiet, { canary: 'forgottenCut' });
    expect(failure?.what).toMatch(/main-0/);
  }, 120_000);

  test('lost marks of removed instances are noticed', async () => {
    const plan = {
      ...quiet,
      nodes: ['main-0', 'main-1', 'main-2', 'main-3'].map((name) => ({
        name,
        cluster: 'main',
        zone: '',
      })),
      faults: [{ type: 'stop', atMs: 15_000, forMs: 0, node: 'main-1' }] as const,
    };
    expect((await runPlan(plan)).failure).toBeUndefined();
    const { failure } = await runPlan(plan, { canary: 'droppedTombstones' });
    expect(failure?.what).toMatch(/main-1/);
  }, 120_000);
});
