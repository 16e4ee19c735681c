import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { type PairResult, row, tableHead } from './pair.ts';

export interface Report {
  readonly title: string;
  readonly command: string;
  /** What the peers were built with. */
  readonly peers: string;
  readonly results: readonly PairResult[];
  /** Further lines, as Markdown. */
  readonly notes: readonly string[];
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
}

/** Writes `bench/results/<name>.md`. */
export function writeReport(name: string, report: Report): void {
  const [processor] = cpus();
  const memoryGiB = (totalmem() / 2 ** 30).toFixed(0);
  const load = loadavg().map((value) => value.toFixed(1));
  const lines = [
    `# ${report.title}`,
    '',
    `- ${new Date().toISOString()}, commit ${commit()}, Node ${process.version}, ${report.peers}`,
    `- ${cpus().length} × ${processor?.model ?? 'unknown processor'}, ${memoryGiB} GiB, load ${load.join(' / ')}`,
    `- \`${report.command}\``,
    '',
    'Both sides run in turns, in processes of their own with one thread for the work; all rows are gone through several',
    'times, in fresh processes. Times are processor time of an operation, the garbage collector included, so that other',
    'work on the machine counts little; only ratios mean something, and only within one row.',
    '',
    tableHead,
    ...report.results.map(row),
    '',
    ...report.notes,
  ];
  mkdirSync(new URL('../results', import.meta.url), { recursive: true });
  writeFileSync(
    new URL(`../results/${name}.md`, import.meta.url),
    `${lines.join('\n').trimEnd()}\n`,
  );
}
