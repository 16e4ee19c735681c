import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readScenario, type Scenario } from '@ml/sim';

import { HarnessError } from '../harness/errors.ts';
import { REPOSITORY_DIR } from '../harness/paths.ts';

const NAME = 'propagation';

/** What both sides run: the built-in scenario with this many nodes. */
export async function propagationScenario(nodes: number, seed: number): Promise<Scenario> {
  const path = join(REPOSITORY_DIR, 'apps/sim/scenarios', `${NAME}.yaml`);
  return readScenario(NAME, await readFile(path, 'utf8'), { nodes, seed });
}

/** The part of a scenario that real processes take part in. */
export interface RealScenario {
  readonly nodes: number;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly everyMs: number;
  readonly writes: number;
  readonly config: Scenario['config'];
}

/** @throws {HarnessError} when the scenario has what the network of the harness cannot do. */
export function realScenario({ text, config }: Scenario): RealScenario {
  const { latency, zones, ...otherFaults } = text.network;
  const { workload, timeline, mode } = text;
  const impossible = [...Object.keys(otherFaults), ...zones, ...timeline];
  if (impossible.length > 0 || mode !== 'full' || latency?.type !== 'uniform') {
    throw new HarnessError('real processes need full nodes, uniform latency and no other faults');
  }
  if (workload?.until === undefined || workload.keys !== 1 || workload.value_bytes !== 0) {
    throw new HarnessError('real processes write small values to one key for a limited time');
  }
  return {
    nodes: text.nodes.reduce((sum, { count }) => sum + count, 0),
    latencyMs: (latency.minMs + latency.maxMs) / 2,
    jitterMs: (latency.maxMs - latency.minMs) / 2,
    everyMs: workload.every,
    writes: Math.floor((workload.until - workload.from) / workload.every),
    config,
  };
}
