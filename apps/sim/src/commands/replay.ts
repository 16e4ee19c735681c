import { runPlan } from '../swarm.ts';
import type { Command } from './command.ts';
import { replayArguments } from './replay-arguments.ts';
import { failureText } from './swarm.ts';

/** `ml-sim replay`: one run of the swarm again, from its seed or from a file. */
export const replayCommand: Command = {
  name: 'replay',
  usage: '<file> | --seed S [--canary NAME]',
  help: 'Runs one plan of the swarm again and says what it came to and the hash of its trace.',
  run: async (argv, { stdout }) => {
    const { replay } = replayArguments('replay', argv);
    stdout(`options ${JSON.stringify(replay.plan)}\n`);
    const outcome = await runPlan(replay.plan, { canary: replay.canary });
    const { failure, recoveredMs, virtualMs, events, traceSha256 } = outcome;
    stdout(
      failure === undefined
        ? `every check held ${(recoveredMs / 1000).toFixed(1)} s after the last fault\n`
        : `${failureText(failure)}\n`,
    );
    stdout(`${(virtualMs / 1000).toFixed(1)} s, ${events} events, trace ${traceSha256}\n`);
    return failure === undefined ? 0 : 1;
  },
};
