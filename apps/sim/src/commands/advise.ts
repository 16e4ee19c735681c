import { adviceText } from '../advise/advice-text.ts';
import { choose, failures, type Limits, recommendedOf } from '../advise/choose.ts';
import { areDefault, flagsOf, yamlOf } from '../advise/knobs.ts';
import { measureSettings, type SeriesResult } from '../advise/measure-settings.ts';
import { type Plan, planFor } from '../advise/plan.ts';
import { seconds } from '../assertion.ts';
import { commit } from '../node-commit.ts';
import { type AdviseArguments, adviseArguments } from './advise-arguments.ts';
import type { Command } from './command.ts';
import { writeOutput } from './output.ts';

/** `ml-sim advise`: which values of the four propagation knobs suit a cluster, and what they cost. */
export const adviseCommand: Command = {
  name: 'advise',
  usage:
    '--nodes N [--zones N] [--rtt 1ms] [--zone-rtt 2ms] [--loss 0.1%] [--bandwidth 50kB/s] [--heartbeat-period 15s] [--tokens N] [--seeds N] [--workers N] [--json FILE]',
  help: 'Measures propagation, heartbeat age, bytes and CPU for values of the four gossip knobs and says which to take, as flags and YAML. Exit code 0: there is an advice; 1: nothing satisfies the limits, or it was interrupted; 2: wrong use.',
  run: async (argv, context) => {
    const given = adviseArguments(argv);
    const plan = planFor(given.conditions.nodes, given.seeds);
    const revision = commit(context.env);
    context.stdout(headText(given, plan, revision));
    const result = await measureSettings(
      { conditions: given.conditions, ...plan },
      {
        workers: given.workers,
        signal: context.signal,
        progress: context.showsProgress ? context.stderr : undefined,
      },
    );
    const limits: Limits = {
      bytesS: given.budgetS,
      heartbeatPeriodMs: given.conditions.heartbeatPeriodMs,
    };
    if (given.json !== undefined) {
      writeOutput('json', given.json, jsonText({ given, result, limits, revision }));
    }
    if (!result.complete) context.stdout(partialText(result, plan));
    context.stdout(adviceText(result.rows, limits));
    const advice = choose(result.rows, limits);
    return result.complete && advice !== undefined && advice.type !== 'none' ? 0 : 1;
  },
};

function headText({ conditions, budgetS }: AdviseArguments, plan: Plan, revision: string): string {
  const { nodes, zones, rttMs, zoneRttMs, loss, heartbeatPeriodMs, tokens } = conditions;
  const between = zones > 1 ? ` in ${zones} zones, ${seconds1(zoneRttMs)} between them` : '';
  const budget = budgetS === undefined ? 'none' : `${budgetS / 1000} kB/s per node`;
  const lines = [
    `commit ${revision}`,
    `cluster: ${nodes} nodes${between}, round trip ${seconds1(rttMs)}, loss ${Number((loss * 100).toFixed(4))} %, a heartbeat each ${seconds(heartbeatPeriodMs)}, ${tokens} tokens`,
    `budget: ${budget}`,
    `runs: ${plan.settings.length} settings, ${plan.seeds} seed${plan.seeds === 1 ? '' : 's'} each, ${plan.periods} heartbeat periods measured`,
    ...(plan.reduced === '' ? [] : [`reduced: ${plan.reduced}`]),
    '',
  ];
  return `${lines.join('\n')}\n`;
}

/** Milliseconds with their fractions: round trips are short. */
function seconds1(ms: number): string {
  return `${Number(ms.toFixed(3))}ms`;
}

function partialText({ rows }: SeriesResult, plan: Plan): string {
  return `PARTIAL: interrupted after ${rows.length} of ${plan.settings.length} settings\n`;
}

function jsonText(found: {
  readonly given: AdviseArguments;
  readonly result: SeriesResult;
  readonly limits: Limits;
  readonly revision: string;
}): string {
  const { given, result, limits, revision } = found;
  const advice = choose(result.rows, limits);
  const recommended = advice === undefined ? undefined : recommendedOf(advice);
  const text = JSON.stringify(
    {
      commit: revision,
      complete: result.complete,
      conditions: given.conditions,
      budgetBytesS: given.budgetS,
      rows: result.rows.map((row) => ({
        ...row,
        defaults: areDefault(row.settings),
        fails: failures(row, limits),
      })),
      advice:
        recommended === undefined
          ? undefined
          : {
              type: advice?.type,
              settings: recommended.settings,
              flags: flagsOf(recommended.settings),
              yaml: yamlOf(recommended.settings),
            },
    },
    undefined,
    2,
  );
  return `${text}\n`;
}
