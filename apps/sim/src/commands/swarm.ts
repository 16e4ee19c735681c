import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commit } from '../node-commit.ts';
import { wallMs } from '../node-wall-clock.ts';
import { formatReplay } from '../replay.ts';
import { shrinkPlan } from '../shrink.ts';
import type { SwarmFailure } from '../swarm.ts';
import { drawPlan } from '../swarm-plan.ts';
import { runSeeds, type SeedResult } from '../workers/node-seed-pool.ts';
import type { Command, CommandContext } from './command.ts';
import { type SwarmArguments, swarmArguments } from './swarm-arguments.ts';

/** `ml-sim swarm`: many random clusters with random faults, each from its seed. */
export const swarmCommand: Command = {
  name: 'swarm',
  usage: '[--seeds N] [--first-seed S] [--shard i/n] [--workers W] [--out DIR] [--canary NAME]',
  help: 'Runs clusters whose size, settings and faults all follow from a seed, and checks what must hold.',
  run: async (argv, context) => {
    const options = swarmArguments(argv);
    const { seeds, workers, canary } = options;
    const [first] = seeds;
    context.stdout(
      `commit ${commit(context.env)}, ${seeds.length} seeds from ${first ?? 'none'} on, ${workers} workers` +
        `${canary === undefined ? '' : `, canary ${canary}`}\n`,
    );
    const startedAtMs = wallMs();
    const tally = { runs: 0, failed: 0, virtualMs: 0, events: 0 };
    for await (const result of runSeeds(seeds, { workers, canary })) {
      tally.runs += 1;
      if (result.type === 'ran') {
        tally.virtualMs += result.outcome.virtualMs;
        tally.events += result.outcome.events;
      }
      if (await report(result, options, context)) tally.failed += 1;
      if (context.signal.aborted) break;
    }
    const seconds = (wallMs() - startedAtMs) / 1000;
    context.stdout(
      `${tally.runs} seeds, ${tally.failed} failed; ${hours(tally.virtualMs)} of virtual time, ` +
        `${tally.events} events, in ${seconds.toFixed(1)} s\n`,
    );
    return tally.failed > 0 ? 1 : 0;
  },
};

/** Tells of a seed that failed, shrinks it and says how to run it again. True when it failed. */
async function report(
  result: SeedResult,
  { canary, out }: SwarmArguments,
  { stdout, env, signal }: CommandContext,
): Promise<boolean> {
  const plan = drawPlan(result.seed);
  const flag = canary === undefined ? '' : ` --canary ${canary}`;
  const head = `SEED ${result.seed} failed at commit ${commit(env)}`;
  if (result.type === 'threw') {
    stdout(`${head}\n  ${result.error}\n  options ${JSON.stringify(plan)}\n`);
    stdout(`  ml-sim replay --seed ${result.seed}${flag}\n`);
    return true;
  }
  const { failure } = result.outcome;
  if (failure === undefined) return false;
  stdout(`${head}\n  ${failureText(failure)}\n  options ${JSON.stringify(plan)}\n`);
  const shrunk = await shrinkPlan(plan, failure, { canary, signal });
  const { nodes, faults } = shrunk.plan;
  stdout(
    `  shrunk in ${shrunk.runs} runs to ${nodes.length} nodes and ${faults.length} faults: ${failureText(shrunk.failure)}\n`,
  );
  if (out === undefined) {
    stdout(`  ml-sim replay --seed ${result.seed}${flag}\n`);
  } else {
    mkdirSync(out, { recursive: true });
    const file = join(out, `seed-${result.seed}.json`);
    writeFileSync(file, formatReplay({ canary, plan: shrunk.plan }));
    stdout(`  ml-sim replay ${file}\n`);
  }
  return true;
}

/** A failure in one line. */
export function failureText({ check, atMs, what }: SwarmFailure): string {
  return `${check}: ${what} (at ${(atMs / 1000).toFixed(1)} s)`;
}

function hours(ms: number): string {
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
