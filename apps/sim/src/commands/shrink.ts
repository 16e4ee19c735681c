import { writeFileSync } from 'node:fs';
import { formatReplay } from '../replay.ts';
import { shrinkPlan } from '../shrink.ts';
import { runPlan } from '../swarm.ts';
import type { Command } from './command.ts';
import { replayArguments } from './replay-arguments.ts';
import { failureText } from './swarm.ts';

/** `ml-sim shrink`: the smallest plan found that fails in the same way. */
export const shrinkCommand: Command = {
  name: 'shrink',
  usage: '<file> | --seed S [--canary NAME] [--out FILE]',
  help: 'Leaves out faults, nodes and time from a plan that fails, while it goes on failing by the same check.',
  run: async (argv, { stdout, signal }) => {
    const { replay, out } = replayArguments('shrink', argv);
    const { canary, plan } = replay;
    const { failure } = await runPlan(plan, { canary });
    if (failure === undefined) {
      stdout('the plan does not fail: there is nothing to shrink\n');
      return 1;
    }
    const shrunk = await shrinkPlan(plan, failure, { canary, signal });
    const text = formatReplay({ canary, plan: shrunk.plan });
    stdout(`${failureText(shrunk.failure)}\nfound in ${shrunk.runs} runs\n`);
    if (out === undefined) {
      stdout(text);
    } else {
      writeFileSync(out, text);
      stdout(`ml-sim replay ${out}\n`);
    }
    return 0;
  },
};
