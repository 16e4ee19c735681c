import { seconds } from '../assertion.ts';
import type { RunResult } from '../run-scenario.ts';
import { escapeHtml } from './escape.ts';
import { eventText } from './event-text.ts';
import { plotHtml } from './plot.ts';
import { runPlots } from './run-plots.ts';
import { conclusion } from './summary.ts';

/** Nodes that are shown one by one. */
const MAX_NODE_ROWS = 500;

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:820px;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.4rem}h2{font-size:1rem;margin:1.6rem 0 .3rem}svg{width:100%;height:auto}
.grid{stroke:#ddd}.mark{stroke:#c33;stroke-dasharray:3 3}.tick,.label{font-size:11px;fill:#555}
.legend span{margin-right:1rem}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.3em}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.15rem .5rem;border-bottom:1px solid #eee}
.ok{color:#276b27}.failed{color:#b00020;font-weight:600}pre{overflow:auto;max-height:32rem;background:#f6f6f6;padding:.8rem;font-size:12px}
@media (prefers-color-scheme:dark){body{color:#ddd;background:#151515}.grid{stroke:#333}.tick,.label{fill:#aaa}td,th{border-color:#333}pre{background:#222}.ok{color:#7fce7f}.failed{color:#ff8a8a}}`;

/** A run as one HTML file that needs nothing else. Everything that comes from the run is escaped. */
export function htmlText(result: RunResult): string {
  const title = `${result.scenario}, seed ${result.seed}`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${STYLE}</style></head><body>`,
    `<h1>${escapeHtml(title)}: <span class="${result.passed ? 'ok' : 'failed'}">${conclusion(result)}</span></h1>`,
    `<p>${escapeHtml(result.description)}</p>`,
    `<p>${seconds(result.findings.endMs)} of virtual time, ${result.executedEvents} events${result.interrupted ? ', then interrupted: this is a part of the run' : ''}. trace sha256 <code>${result.traceSha256}</code></p>`,
    verdictTable(result),
    ...runPlots(result).map(plotHtml),
    nodeTable(result),
    '<h2>What happened</h2>',
    `<pre>${result.events.map((event) => escapeHtml(eventText(event))).join('\n')}</pre>`,
    result.droppedEvents > 0 ? `<p>and ${result.droppedEvents} events that were not kept</p>` : '',
    '</body></html>',
    '',
  ].join('\n');
}

function verdictTable({ verdicts }: RunResult): string {
  const rows = verdicts.map(({ text, held, found }) => {
    const state = held ? 'ok' : 'failed';
    return `<tr><td class="${state}">${state}</td><td>${escapeHtml(text)}</td><td>${escapeHtml(found)}</td></tr>`;
  });
  return `<table><tr><th></th><th>assertion</th><th>found</th></tr>${rows.join('')}</table>`;
}

function nodeTable({ nodes }: RunResult): string {
  const rows = nodes.slice(0, MAX_NODE_ROWS).map((node) => {
    const { traffic } = node;
    const cells = [
      node.name,
      node.cluster,
      node.zone,
      node.state,
      String(node.lives),
      String(node.members),
      String(traffic.sentPacketBytes + traffic.sentStreamBytes),
      String(traffic.receivedPacketBytes + traffic.receivedStreamBytes),
    ];
    return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
  });
  const more =
    nodes.length > MAX_NODE_ROWS ? `<p>and ${nodes.length - MAX_NODE_ROWS} more nodes</p>` : '';
  return `<h2>Nodes</h2><table><tr><th>node</th><th>cluster</th><th>zone</th><th>state</th><th>starts</th><th>members seen</th><th>bytes sent</th><th>bytes received</th></tr>${rows.join('')}</table>${more}`;
}
