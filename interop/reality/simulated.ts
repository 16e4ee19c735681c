import { runScenario } from '@ml/sim';

import { HarnessError } from '../harness/errors.ts';
import { Distribution, type Weighted } from './distribution.ts';
import { propagationScenario } from './scenario.ts';

/** Propagation in the simulator, in milliseconds: a batch a seed, from 1 up. @throws {HarnessError} when a run fails. */
export async function simulate(nodes: number, seeds: number): Promise<Distribution> {
  const batches: (readonly Weighted[])[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const { propagationCdf, findings, passed, verdicts } = await runScenario(
      await propagationScenario(nodes, seed),
    );
    if (!passed) {
      const failed = verdicts.filter(({ held }) => !held).map(({ text }) => text);
      throw new HarnessError(`${nodes} nodes, seed ${seed}: ${failed.join(', ')} did not hold`);
    }
    batches.push(countsOf(propagationCdf, findings.propagation.count));
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
