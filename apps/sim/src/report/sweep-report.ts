import { seconds } from '../assertion.ts';
import type { SweepRow } from '../sweep/rows.ts';
import type { Varied } from '../sweep/vary.ts';
import { scatterSvg } from './chart.ts';
import { escapeHtml } from './escape.ts';
import { textTable } from './table.ts';

/** A sweep that is over, or was ended early. */
export interface SweepReport {
  readonly scenario: string;
  readonly description: string;
  readonly commit: string;
  readonly varied: readonly Varied[];
  readonly seeds: readonly number[];
  /** Combinations that there are; fewer rows mean that the sweep was interrupted. */
  readonly wanted: number;
  readonly rows: readonly SweepRow[];
}

/** Whether every combination was run with every seed. */
export function isComplete({ rows, wanted }: SweepReport): boolean {
  return rows.length === wanted;
}

/** The table of a sweep for a terminal, and below it the assertions that did not hold. */
export function sweepText(report: SweepReport): string {
  const { rows, wanted } = report;
  const held = rows.reduce((sum, row) => sum + row.held, 0);
  const runs = rows.reduce((sum, row) => sum + row.runs.length, 0);
  const lines = [
    textTable(cellsOf(report)),
    '',
    ...rows.flatMap(failureLines),
    ...(isComplete(report) ? [] : [`PARTIAL: interrupted after ${rows.length} of ${wanted} rows`]),
    `${held === runs && isComplete(report) ? 'passed' : 'failed'}: every assertion held in ${held} of ${runs} runs`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The sweep as JSON. What was not measured is left out. */
export function sweepJson(report: SweepReport): string {
  const { rows, ...head } = report;
  const text = JSON.stringify(
    {
      ...head,
      complete: isComplete(report),
      rows: rows.map(({ runs, ...row }) => ({
        ...row,
        runs: runs.map(({ cell, outcome }) => ({ seed: cell.seed, ...outcome })),
      })),
    },
    undefined,
    2,
  );
  return `${text}\n`;
}

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:960px;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.4rem}svg{width:100%;height:auto}table{border-collapse:collapse;width:100%}
td,th{text-align:right;padding:.15rem .5rem;border-bottom:1px solid #ddd}.failed{color:#b00020;font-weight:600}`;

/** The sweep as one HTML file that needs nothing else. */
export function sweepHtml(report: SweepReport): string {
  const [head = [], ...body] = cellsOf(report);
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  const title = `${report.scenario}: ${report.varied.map(({ path }) => path).join(', ')}`;
  const points = report.rows.flatMap(({ p99Ms, bytesPerNodeS, settings }) =>
    p99Ms === undefined ? [] : [{ x: bytesPerNodeS / 1000, y: p99Ms, text: settings.join(' ') }],
  );
  const failed = report.rows.flatMap(failureLines);
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${escapeHtml(report.description)} Commit ${escapeHtml(report.commit)}, seeds ${report.seeds.join(', ')}.</p>`,
    isComplete(report)
      ? ''
      : `<p class="failed">Partial: interrupted after ${report.rows.length} of ${report.wanted} rows.</p>`,
    `<table>${row(head, 'th')}${body.map((cells) => row(cells, 'td')).join('')}</table>`,
    ...(failed.length > 0 ? [`<pre class="failed">${escapeHtml(failed.join('\n'))}</pre>`] : []),
    ...(points.length > 0
      ? [
          scatterSvg({
            title: 'Propagation against bandwidth',
            xLabel: 'kB/s per node',
            yLabel: 'p99 in ms',
            points,
          }),
        ]
      : []),
    '</body></html>',
    '',
  ].join('\n');
}

function cellsOf({ varied, rows, seeds }: SweepReport): readonly (readonly string[])[] {
  const head = [
    ...varied.map(({ path }) => path),
    'held',
    'p50',
    'p99',
    'oldest heartbeat',
    'bytes/s per node',
    'deaths',
    'false',
    'converged',
  ];
  const body = rows.map((row) => [
    ...row.settings.map((text) => text.slice(text.indexOf('=') + 1)),
    `${row.held}/${seeds.length}`,
    time(row.p50Ms),
    time(row.p99Ms),
    row.oldestHeartbeatMs === 0 ? '–' : seconds(row.oldestHeartbeatMs),
    row.bytesPerNodeS.toFixed(0),
    String(row.deaths),
    String(row.falseDeaths),
    row.convergedMs === undefined ? 'never' : seconds(row.convergedMs),
  ]);
  return [head, ...body];
}

function failureLines({ settings, failed, held, runs }: SweepRow): readonly string[] {
  return failed.map(
    ({ text, found, seed }) =>
      `FAILED ${settings.join(' ')}: ${text}  (${found}, seed ${seed}; ${runs.length - held} of ${runs.length} runs failed)`,
  );
}

function time(ms: number | undefined): string {
  return ms === undefined ? '–' : seconds(ms);
}
