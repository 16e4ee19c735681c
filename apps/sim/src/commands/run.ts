import { writeFileSync } from 'node:fs';
import { SimUsageError } from '../errors.ts';
import { commit } from '../node-commit.ts';
import { scenarioFile } from '../node-scenarios.ts';
import { wallMs } from '../node-wall-clock.ts';
import { htmlText } from '../report/html.ts';
import { jsonText } from '../report/json.ts';
import { progressLine } from '../report/progress.ts';
import { summaryText } from '../report/summary.ts';
import { type Progress, runScenario, timelineLines } from '../run-scenario.ts';
import { readScenario, type Scenario } from '../scenario.ts';
import type { Command, CommandContext } from './command.ts';
import { type RunArguments, runArguments } from './run-arguments.ts';

/** As a shell counts a process that Ctrl-C ended. */
const INTERRUPTED = 130;

/** Real milliseconds between two updates of the progress bar. */
const PROGRESS_EVERY_MS = 200;

/** `ml-sim run`: one scenario to its end, its assertions, its reports. */
export const runCommand: Command = {
  name: 'run',
  usage:
    '<scenario.yaml | built-in> [--seed N] [--nodes N] [--set path=value]… [--json FILE] [--html FILE] [--progress]',
  help: 'Runs a scenario. Exit code 0: every assertion held; 1: one did not; 2: wrong use; 130: Ctrl-C ended it, and the reports tell of the part that was run.',
  run: async (argv, context) => {
    const given = runArguments(argv);
    const file = scenarioFile(given.scenario);
    const scenario = { ...readScenario(file.source, file.yaml, given.overrides), name: file.name };
    context.stdout(headText(scenario, given, commit(context.env)));
    const started = wallMs();
    const showsProgress = context.showsProgress || given.progress;
    const result = await runScenario(scenario, {
      signal: context.signal,
      ...(showsProgress && { onProgress: progressBar(context, started) }),
    });
    if (showsProgress) context.stderr('\r\u001b[K');
    if (given.json !== undefined) write(given.json, jsonText(result));
    if (given.html !== undefined) write(given.html, htmlText(result));
    const seconds = (wallMs() - started) / 1000;
    const ratio = result.findings.endMs / 1000 / Math.max(seconds, 0.001);
    context.stderr(`took ${seconds.toFixed(1)}s, ${ratio.toFixed(0)} times real time\n`);
    context.stdout(summaryText(result));
    if (result.interrupted) return INTERRUPTED;
    return result.passed ? 0 : 1;
  },
};

/** What is needed to repeat a run, and what happens in it. */
function headText(scenario: Scenario, given: RunArguments, revision: string): string {
  const { text, name } = scenario;
  const { set = [] } = given.overrides;
  const count = text.nodes.reduce((sum, group) => sum + group.count, 0);
  const lines = [
    `SEED ${text.seed}`,
    `commit ${revision}`,
    `scenario ${name}: ${text.description}`,
    `options mode=${text.mode} nodes=${count} duration=${text.duration / 1000}s${set.map((each) => ` ${each}`).join('')}`,
    ...timelineLines(scenario).map((line) => `timeline ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

function progressBar(context: CommandContext, started: number): (progress: Progress) => void {
  let shownAt = 0;
  return (progress) => {
    const now = wallMs();
    if (now - shownAt < PROGRESS_EVERY_MS) return;
    shownAt = now;
    context.stderr(`\r\u001b[K${progressLine(progress, now - started)}`);
  };
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(`cannot write ${JSON.stringify(path)}: ${reason}`, { cause: error });
  }
}
