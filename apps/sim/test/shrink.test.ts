import { expect, test } from 'vitest';
import { SimUsageError } from '../src/errors.ts';
import { formatReplay, readReplay } from '../src/replay.ts';
import { candidates, shrinkPlan } from '../src/shrink.ts';
import { runPlan } from '../src/swarm.ts';
import { drawPlan } from '../src/swarm-plan.ts';

test('a plan that fails shrinks to one without faults and with the fewest nodes, which fails the same way', async () => {
  const plan = { ...drawPlan(6), faultsMs: 20_000 };
  const canary = 'forgottenCut';
  const { failure } = await runPlan(plan, { canary });
  if (failure === undefined) throw new TypeError('the canary was not caught');
  const shrunk = await shrinkPlan(plan, failure, { canary });
  expect(shrunk.plan.faults).toHaveLength(0);
  expect(shrunk.plan.nodes).toHaveLength(2);
  expect(shrunk.failure.check).toBe(failure.check);
  const again = await runPlan(shrunk.plan, { canary });
  expect(again.failure).toEqual(shrunk.failure);
}, 240_000);

test('every candidate is smaller in one thing', () => {
  const plan = drawPlan(0);
  const size = ({ faults, nodes, faultsMs, link, writeEveryMs }: typeof plan): number =>
    faults.length +
    nodes.length +
    faultsMs +
    link.loss +
    link.duplicate +
    link.reorder +
    writeEveryMs;
  const all = [...candidates(plan)];
  expect(all.length).toBeGreaterThan(5);
  for (const candidate of all) expect(size(candidate)).toBeLessThan(size(plan));
});

test('a plan survives being kept in a file', () => {
  for (let seed = 0; seed < 50; seed++) {
    const replay = { canary: 'forgottenCut', plan: drawPlan(seed) } as const;
    expect(readReplay('a.json', formatReplay(replay))).toEqual(replay);
  }
});

test('a file that is no plan is refused with what is wrong where', () => {
  expect(() => readReplay('a.json', '{')).toThrow(SimUsageError);
  expect(() => readReplay('a.json', '{}')).toThrow(/a\.json is no plan: plan/);
  const plan = { ...drawPlan(1), faultsMs: -1 };
  expect(() => readReplay('a.json', JSON.stringify({ plan }))).toThrow(/plan\.faultsMs/);
});
