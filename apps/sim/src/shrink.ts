import { runPlan, type SwarmFailure, type SwarmOptions } from './swarm.ts';
import type { PlannedFault, SwarmPlan } from './swarm-plan.ts';

/** What a plan that fails was brought down to. */
export interface Shrunk {
  readonly plan: SwarmPlan;
  readonly failure: SwarmFailure;
  /** Plans that were tried. */
  readonly runs: number;
}

/** How far to go. */
export interface ShrinkOptions extends SwarmOptions {
  /** Plans to try at most. Default 60. */
  readonly maxRuns?: number;
  readonly signal?: AbortSignal;
}

/**
 * A smaller plan whose run fails by the same check: without some faults, then without some nodes, then shorter, then on a
 * network without faults, again and again until nothing more can be left out. The same plan always shrinks to the same.
 */
export async function shrinkPlan(
  plan: SwarmPlan,
  failure: SwarmFailure,
  options: ShrinkOptions = {},
): Promise<Shrunk> {
  const { maxRuns = 60, signal, canary } = options;
  let best: Shrunk = { plan, failure, runs: 0 };
  let runs = 0;
  const smaller = async (): Promise<boolean> => {
    for (const candidate of candidates(best.plan)) {
      if (runs >= maxRuns || signal?.aborted === true) return false;
      runs += 1;
      const outcome = await runPlan(candidate, { canary });
      if (outcome.failure?.check !== failure.check) continue;
      best = { plan: candidate, failure: outcome.failure, runs };
      return true;
    }
    return false;
  };
  while (await smaller());
  return { ...best, runs };
}

/** Plans that are a step smaller, the boldest steps first. */
export function* candidates(plan: SwarmPlan): Generator<SwarmPlan> {
  const { faults, nodes, faultsMs, link } = plan;
  for (const size of [Math.ceil(faults.length / 2), 1]) {
    for (let at = 0; size > 0 && at < faults.length; at += size) {
      yield { ...plan, faults: faults.toSpliced(at, size) };
    }
  }
  for (const node of nodes.toReversed()) {
    const rest = nodes.filter((other) => other !== node);
    if (rest.length >= 2) yield without(plan, node.name);
  }
  if (faultsMs > 2000) yield shorter(plan);
  if (link.loss + link.duplicate + link.reorder > 0) {
    yield { ...plan, link: { ...link, loss: 0, duplicate: 0, reorder: 0 } };
  }
  if (plan.writeEveryMs > 0) yield { ...plan, writeEveryMs: 0 };
}

function without(plan: SwarmPlan, name: string): SwarmPlan {
  return {
    ...plan,
    nodes: plan.nodes.filter((node) => node.name !== name),
    faults: plan.faults.flatMap((fault): readonly PlannedFault[] => {
      if (!('side' in fault)) return 'node' in fault && fault.node === name ? [] : [fault];
      const side = fault.side.filter((other) => other !== name);
      return side.length > 0 ? [{ ...fault, side }] : [];
    }),
  };
}

function shorter(plan: SwarmPlan): SwarmPlan {
  return {
    ...plan,
    faultsMs: Math.round(plan.faultsMs / 2),
    faults: plan.faults.map((fault) => ({
      ...fault,
      atMs: Math.round(fault.atMs / 2),
      forMs: Math.round(fault.forMs / 2),
    })),
  };
}
