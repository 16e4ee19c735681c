import { seconds } from '../assertion.ts';
import type { ScenarioFile } from '../node-scenarios.ts';
import type { RunResult } from '../run-scenario.ts';
import { type PlotOptions, plotSvg } from './plot.ts';
import { heartbeatPlot, membersPlot, propagationPlot, suspicionsPlot } from './run-plots.ts';
import { story } from './story.ts';

const WRITTEN = '<!-- Written by `ml-sim docs --out docs/scenarios`. Do not edit. -->';

/** A scenario and what its run came to. */
export interface ScenarioRun {
  readonly file: ScenarioFile;
  readonly pain: string;
  readonly result: RunResult;
}

/** The page of a scenario and its pictures, by file name. */
export function scenarioPage({ file, pain, result }: ScenarioRun): ReadonlyMap<string, string> {
  const { name, yaml } = file;
  const [second, plot] = secondPlot(result);
  const pictures: readonly (readonly [string, PlotOptions])[] = [
    [`${name}.svg`, membersPlot(result)],
    [`${name}-${second}.svg`, plot],
  ];
  const verdicts = result.verdicts.map(({ held, text, found }) => [
    `\`${text}\``,
    found,
    held ? 'holds' : '**does not hold**',
  ]);
  const { findings, nodes } = result;
  const lines = [
    WRITTEN,
    `# ${name}`,
    '',
    result.description,
    '',
    `The trouble it is about: ${pain}`,
    '',
    `${verdictOf(result)}: ${seconds(findings.endMs)} of virtual time, ${nodes.length} nodes, seed ${result.seed}.`,
    '',
    markdownTable([['assertion', 'found', 'verdict'], ...verdicts]),
    '',
    ...pictures.map(([path, { title }]) => `![${title}](${path})`),
    '',
    '## What happened',
    '',
    '```text',
    ...story(result.events),
    ...(result.droppedEvents > 0 ? [`           and ${result.droppedEvents} later events`] : []),
    '```',
    '',
    '## The scenario',
    '',
    '```yaml',
    yaml.trimEnd(),
    '```',
    '',
    '## Run it',
    '',
    '```sh',
    `ml-sim run ${name} --html ${name}.html`,
    '```',
    '',
    'The same version of the program ends with the same line:',
    '',
    '```text',
    `trace sha256 ${result.traceSha256}`,
    '```',
    '',
  ];
  return new Map([
    [`${name}.md`, lines.join('\n')],
    ...pictures.map(([path, options]) => [path, plotSvg(options)] as const),
  ]);
}

/** The page that lists all scenarios. */
export function scenarioIndex(runs: readonly ScenarioRun[]): string {
  const rows = runs.map(({ file: { name }, pain, result }) => [
    `[${name}](${name}.md)`,
    pain,
    verdictOf(result),
    seconds(result.findings.endMs),
  ]);
  const lines = [
    WRITTEN,
    '# Scenarios',
    '',
    'What goes wrong in clusters, and what becomes of it here: each scenario runs whole nodes in virtual time, the same',
    'code that `ml-server` runs. `ml-sim run <name>` repeats one; a copy of its file is the start of one of your own.',
    '',
    markdownTable([['scenario', 'the trouble it is about', 'verdict', 'virtual time'], ...rows]),
    '',
  ];
  return lines.join('\n');
}

/** A Markdown table of texts; the first row is the heading. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [head, head.map(() => '---'), ...body].map(line).join('\n');
}

/** What is worth a second picture: accusations if there were any, else writes, else heartbeats. */
function secondPlot(result: RunResult): readonly [name: string, plot: PlotOptions] {
  const { totals } = result.findings;
  if (totals.suspicions + totals.deaths > 0) return ['suspicions', suspicionsPlot(result)];
  if (result.propagationCdf.length > 0) return ['propagation', propagationPlot(result)];
  return ['heartbeats', heartbeatPlot(result)];
}

function verdictOf({ verdicts }: RunResult): string {
  const held = verdicts.filter((verdict) => verdict.held).length;
  return `${held} of ${verdicts.length} assertions hold`;
}
