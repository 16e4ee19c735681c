import { gossipPresets } from '@ml/gossip';
import { mean } from './mean.ts';
import {
  crashToDeadMs,
  crashToDeadQuantileMs,
  exchangeIntervalMs,
  firstProbeMs,
  firstProbePeriods,
  firstRoundRobinPeriods,
  informedAfterMs,
  informedAfterRounds,
  probeFailure,
  suspicionMs,
  transmissions,
} from './theory.ts';
import {
  crashOnce,
  exchangeIntervalOnce,
  probeFailureShare,
  randomProbePeriods,
  spreadOnce,
  suspicionAfterShrinking,
  synchronousProbePeriods,
  transmissionsOnce,
} from './theory-runs.ts';

/** One number that theory gives and runs measure. */
export interface Finding {
  /** What is measured, and at which settings. */
  readonly what: string;
  readonly unit: 'ms' | 'periods' | 'members' | 'share' | 'packets';
  readonly theory: number;
  readonly measured: number;
  /** How far the two may be apart, as a share of the theory. */
  readonly tolerance: number;
  /** Runs behind the measured number. */
  readonly runs: number;
}

/** How many runs to make: a factor on those that a quick test makes. */
export interface TheoryScale {
  readonly factor: number;
  /** Sizes of the clusters in which a member crashes. */
  readonly sizes: readonly number[];
}

/** What docs/theory.md is made with. */
export const THEORY_SCALE: TheoryScale = { factor: 2, sizes: [5, 10, 32, 100] };

const TEN_PERCENT = 0.1;
const SPREAD_TOLERANCE = 0.15;

/** A crash: when it is first suspected and first declared, on average and at the tail. */
export async function crashFindings(scale: TheoryScale): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const preset of ['lan', 'dskit'] as const) {
    for (const members of scale.sizes) {
      const gossip = gossipPresets[preset];
      const runs = Math.ceil(scale.factor * runsOf(members));
      const times = await repeat(runs, (seed) => crashOnce(gossip, members, seed));
      const suspected = mean(times.map(({ suspectMs }) => suspectMs));
      const deaths = times.map(({ deadMs }) => deadMs).sort((a, b) => a - b);
      const { probeIntervalMs } = gossip;
      const at = `${preset}, n = ${members}`;
      const theory = firstProbeMs(members, probeIntervalMs) + probeIntervalMs;
      findings.push(
        finding(`crash to first suspicion, mean, ${at}`, 'ms', theory, suspected, runs),
        finding(
          `crash to dead, mean, ${at}`,
          'ms',
          crashToDeadMs(gossip, members),
          mean(deaths),
          runs,
        ),
      );
      if (runs < MIN_TAIL_RUNS) continue;
      const p99 = deaths[Math.ceil(0.99 * runs) - 1] ?? Number.NaN;
      const tail = crashToDeadQuantileMs(gossip, members, 0.99);
      findings.push({
        ...finding(`crash to dead, p99, ${at}`, 'ms', tail, p99, runs),
        tolerance: TEN_PERCENT,
      });
    }
  }
  return findings;
}

/** Rounds that coincide: SWIM's e/(e−1), with random targets and with its round robin. */
export async function synchronousFindings(scale: TheoryScale): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const members of [8, 32].filter((size) => size <= Math.max(...scale.sizes))) {
    const runs = 100 * scale.factor;
    const periods = await repeat(runs, (seed) => synchronousProbePeriods(members, seed));
    const what = `crash to first probe, rounds at one moment, n = ${members}`;
    findings.push(finding(what, 'periods', firstRoundRobinPeriods(members), mean(periods), runs));
  }
  for (const members of [4, 8, 32].filter((size) => size <= Math.max(...scale.sizes))) {
    const rounds = 1000 * scale.factor;
    const what = `crash to first probe, rounds at one moment, random targets, n = ${members}`;
    const periods = await randomProbePeriods(members, 1, rounds);
    findings.push(finding(what, 'periods', firstProbePeriods(members), periods, 1));
  }
  return findings;
}

/** Suspicions with 2, 1 and 0 living confirmers, at dskit's settings; the dead still count in the table. */
export async function suspicionFindings(scale: TheoryScale): Promise<readonly Finding[]> {
  const gossip = gossipPresets.dskit;
  const findings: Finding[] = [];
  for (const [leavers, confirmations] of [
    [0, 2],
    [2, 1],
    [3, 0],
  ] as const) {
    const runs = 5 * scale.factor;
    const times = await repeat(runs, (seed) =>
      suspicionAfterShrinking({ gossip, members: 5, leavers, seed }),
    );
    const theory = suspicionMs(gossip, 5, confirmations);
    const after =
      leavers === 0 ? 'five members' : `five members of which ${leavers} have just left`;
    const what = `suspicion of a stopped member, dskit, ${after}`;
    const lengths = times.map((time) => time.suspicionMs);
    findings.push({ ...finding(what, 'ms', theory, mean(lengths), runs), tolerance: 0.001 });
  }
  return findings;
}

/** How news spreads by gossip alone. */
export async function spreadFindings(scale: TheoryScale): Promise<readonly Finding[]> {
  const { gossipNodes: fanout, gossipIntervalMs: intervalMs } = gossipPresets.lan;
  const members = 100;
  const runs = 20 * scale.factor;
  const rolling = await repeat(runs, (seed) => spreadOnce({ members, seed, synchronous: false }));
  const findings = [0.5, 0.9].map((share): Finding => {
    const needed = Math.ceil(share * members) - 1;
    const measured = mean(rolling.map((times) => times[needed - 1] ?? Number.NaN));
    const theory = informedAfterMs({ members, fanout, intervalMs, share });
    const what = `news reaches ${100 * share} %, rounds of random phases, n = ${members}`;
    return { ...finding(what, 'ms', theory, measured, runs), tolerance: SPREAD_TOLERANCE };
  });
  const marching = await repeat(runs, (seed) => spreadOnce({ members, seed, synchronous: true }));
  for (const rounds of [1, 2, 3, 4]) {
    // Rounds begin 5 ms after the news; what they send arrives within a few more.
    const untilMs = (rounds - 1) * intervalMs + intervalMs / 2;
    const informed = marching.map((times) => 1 + times.filter((ms) => ms < untilMs).length);
    const theory = informedAfterRounds(members, fanout, rounds);
    const what = `members that know after ${rounds} rounds at one moment, n = ${members}`;
    findings.push(finding(what, 'members', theory, mean(informed), runs));
  }
  return findings;
}

/** Probes that fail through loss alone. */
export async function lossFindings(scale: TheoryScale): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [loss, helpers] of [
    [0.02, 0],
    [0.1, 1],
    [0.2, 3],
  ] as const) {
    const forMs = 1_000_000 * scale.factor;
    const options = { members: 10, loss, helpers, seed: 1, forMs };
    const measured = await probeFailureShare(options);
    const what = `probes of live members that fail, ${100 * loss} % loss, k = ${helpers}`;
    findings.push(finding(what, 'share', probeFailure(loss, helpers), measured, 1));
  }
  return findings;
}

/** Numbers that are exact. */
export async function scalingFindings(): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const { retransmitMult, pushPullIntervalMs } = gossipPresets.lan;
  for (const members of [9, 10, 99]) {
    const theory = transmissions(retransmitMult, members);
    const measured = await transmissionsOnce(members, 1);
    const what = `packets a member sends for one piece of news, n = ${members}`;
    findings.push({ ...finding(what, 'packets', theory, measured, 1), tolerance: 0.01 });
  }
  for (const members of [10, 33, 65]) {
    const theory = exchangeIntervalMs(pushPullIntervalMs, members);
    const measured = await exchangeIntervalOnce(members, 1);
    const what = `time between full exchanges of a member, n = ${members}`;
    findings.push({ ...finding(what, 'ms', theory, measured, 1), tolerance: 0.03 });
  }
  return findings;
}

/** Whether a finding is within its tolerance. */
export function agrees({ theory, measured, tolerance }: Finding): boolean {
  return Math.abs(measured - theory) <= tolerance * theory;
}

/** The wait for the first probe scatters by as much as its mean, whatever the size; big clusters cost more. */
function runsOf(members: number): number {
  if (members <= 10) return 60;
  return members <= 32 ? 150 : 60;
}

/** Fewer runs say nothing about the slowest in a hundred. */
const MIN_TAIL_RUNS = 100;

function finding(
  what: string,
  unit: Finding['unit'],
  theory: number,
  measured: number,
  runs: number,
): Finding {
  return { what, unit, theory, measured, tolerance: TEN_PERCENT, runs };
}

async function repeat<T>(runs: number, run: (seed: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let seed = 1; seed <= runs; seed++) results.push(await run(seed));
  return results;
}
