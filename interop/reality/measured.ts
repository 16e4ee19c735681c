import { seededRandom } from '@ml/runtime';

import { RealTime } from '../harness/real-time.ts';
import { Distribution, type Weighted } from './distribution.ts';
import { type NodeRecording, RealCluster } from './real-cluster.ts';
import type { RealScenario } from './scenario.ts';

/** What was measured, in milliseconds. */
export interface Measured {
  /** Whether the processes were scheduled before all other work of the machine. */
  readonly realTime: boolean;
  /** From the return of a CAS to the moment another node saw it: a batch a write. */
  readonly propagation: Distribution;
  /** The same, round by round. */
  readonly rounds: readonly Distribution[];
  /** Pairs of write and node that did not meet until the end of their round. */
  readonly unseen: number;
  /** How late the processes began their writes: tells of a machine with too much to do. */
  readonly lateness: Distribution;
}

type Samples = readonly Weighted[];

/**
 * Runs the scenario with a process and a network namespace for each node, `rounds` times with a cluster of its own: its
 * rounds of gossip have other phases, as with another seed of the simulator.
 *
 * @throws {HarnessError} when processes or network fail.
 */
export async function measure(scenario: RealScenario, rounds: number): Promise<Measured> {
  await using realTime = await RealTime.enter();
  await using cluster = await RealCluster.start(scenario);
  const found: RoundSamples[] = [];
  for (let round = 1; round <= rounds; round++) {
    found.push(samplesOf(await cluster.round(seededRandom(round))));
  }
  return {
    realTime: realTime.granted,
    propagation: new Distribution(found.flatMap(({ propagation }) => propagation)),
    rounds: found.map(({ propagation }) => new Distribution(propagation)),
    unseen: found.reduce((sum, { unseen }) => sum + unseen, 0),
    lateness: new Distribution(found.map(({ lateness }) => lateness)),
  };
}

/** What one round has brought. */
export interface RoundSamples {
  /** A batch a write. */
  readonly propagation: readonly Samples[];
  readonly unseen: number;
  readonly lateness: Samples;
}

/** Pairs up what nodes wrote and what the others saw: a value stands for all that its writer wrote before. */
export function samplesOf(recordings: readonly NodeRecording[]): RoundSamples {
  let unseen = 0;
  const propagation: Samples[] = [];
  const lateness: Weighted[] = [];
  for (const { name, planned, writes } of recordings) {
    const dueAtMs = new Map(planned.map(({ sequence, atMs }) => [sequence, atMs]));
    for (const { sequence, calledAtMs, returnedAtMs } of writes) {
      const batch: Weighted[] = [];
      for (const reader of recordings) {
        if (reader.name === name) continue;
        const seen = reader.seen.find((at) => at.writer === name && at.sequence >= sequence);
        if (seen === undefined) unseen += 1;
        const ms = seen === undefined ? Number.POSITIVE_INFINITY : seen.atMs - returnedAtMs;
        batch.push({ value: ms, count: 1 });
      }
      propagation.push(batch);
      lateness.push({ value: calledAtMs - (dueAtMs.get(sequence) ?? calledAtMs), count: 1 });
    }
  }
  return { propagation, unseen, lateness };
}
