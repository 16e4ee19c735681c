import { runScenario } from '@ml/sim';

import { HarnessError } from '../harness/errors.ts';
import { Distribution, type Weighted } from './distribution.ts';
import { propagationScenario, type RealScenario } from './scenario.ts';

/**
 * Propagation in the simulator, in milliseconds: a batch a seed, from 1 up. Pairs of write and node that did not meet count as
 * endless. @throws {HarnessError} when an assertion of the scenario does not hold.
 */
export async function simulate(scenario: RealScenario, seeds: number): Promise<Distribution> {
  const { nodes, writes } = scenario;
  const batches: (readonly Weighted[])[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const { propagationCdf, findings, passed, verdicts } = await runScenario(
      await propagationScenario(nodes, seed),
    );
    if (!passed) {
      const failed = verdicts.filter(({ held }) => !held).map(({ text }) => text);
      throw new HarnessError(`${nodes} nodes, seed ${seed}: ${failed.join(', ')} did not hold`);
    }
    const seen = findings.propagation.count;
    const unseen = { value: Number.POSITIVE_INFINITY, count: writes * (nodes - 1) - seen };
    batches.push([...countsOf(propagationCdf, seen), unseen]);
  }
  return new Distribution(batches);
}

function countsOf(
  cumulative: readonly { readonly value: number; readonly share: number }[],
  total: number,
): readonly Weighted[] {
  let passed = 0;
  return cumulative.map(({ value, share }) => {
    const count = Math.round(share * total) - passed;
    passed += count;
    return { value, count };
  });
}
