import { seconds } from '../assertion.ts';
import { textTable } from '../report/table.ts';
import {
  type Advice,
  choose,
  failures,
  kilobytes,
  type Limits,
  recommendedOf,
  shownRows,
  WORTH_A_CHANGE,
} from './choose.ts';
import { CPU_MODEL } from './cpu-model.ts';
import { areDefault, flagsOf, KNOBS, nameOf, yamlOf } from './knobs.ts';
import { type Measured, missedText } from './measure.ts';

/** The whole advice as text: the table, what to do, and what to paste. */
export function adviceText(rows: readonly Measured[], limits: Limits): string {
  const advice = choose(rows, limits);
  const table = tableOf(rows, limits, advice);
  const lines = [
    table,
    `shown: settings that no other beats in p99, oldest heartbeat, bytes and CPU, and the defaults; ${rows.length} were measured`,
    `bytes are sent by a node, headers included; CPU is modelled: ${CPU_MODEL}`,
    '',
    ...(advice === undefined
      ? ['no advice: the defaults were not measured']
      : adviceLines(advice, limits)),
  ];
  return `${lines.join('\n')}\n`;
}

function tableOf(rows: readonly Measured[], limits: Limits, advice: Advice | undefined): string {
  const recommended = advice === undefined ? undefined : recommendedOf(advice);
  const shown = [...shownRows(rows)];
  if (recommended !== undefined && !shown.includes(recommended)) shown.push(recommended);
  const head = [
    '',
    ...KNOBS.map(({ yamlPath }) => nameOf(yamlPath)),
    'p50',
    'p99',
    'oldest heartbeat',
    'bytes/node',
    'CPU/node',
    'notes',
  ];
  const body = shown
    .toSorted((a, b) => a.bytesS - b.bytesS || a.p99Ms - b.p99Ms)
    .map((row) => [
      row === recommended ? '>' : '',
      ...row.settings,
      seconds(row.p50Ms),
      seconds(row.p99Ms),
      seconds(row.oldestMs),
      kilobytes(row.bytesS),
      `${(row.cpu * 100).toFixed(2)} %`,
      notesOf(row, limits).join(', '),
    ]);
  return textTable([head, ...body]);
}

function notesOf(row: Measured, limits: Limits): readonly string[] {
  const broken = failures(row, limits).map((text) => text.split(':', 1)[0] ?? text);
  return [
    ...(areDefault(row.settings) ? ['defaults'] : []),
    ...broken.map((what) => `not: ${what}`),
  ];
}

function adviceLines(advice: Advice, limits: Limits): readonly string[] {
  const within = limits.bytesS === undefined ? '' : ' within the budget';
  switch (advice.type) {
    case 'keep':
      return [
        `the defaults are right: nothing${within} has a p99 that is better by more than ${WORTH_A_CHANGE * 100} %${bestText(advice)}`,
        ...pasteLines(advice.defaults),
      ];
    case 'change': {
      const { to, defaults } = advice;
      const broken = failures(defaults, limits);
      return [
        ...broken.map((text) => `the defaults fail on ${text}`),
        `take this: p99 ${seconds(to.p99Ms)} instead of ${seconds(defaults.p99Ms)}, ${kilobytes(to.bytesS)} per node instead of ${kilobytes(defaults.bytesS)}, ${(to.cpu * 100).toFixed(2)} % of a core instead of ${(defaults.cpu * 100).toFixed(2)} %`,
        `the oldest heartbeat was ${seconds(to.oldestMs)} instead of ${seconds(defaults.oldestMs)}; gossip missed ${missedText(to)} of all deliveries instead of ${missedText(defaults)}`,
        ...pasteLines(to),
      ];
    }
    default:
      return [
        'nothing that was tried satisfies the limits; what comes closest fails on:',
        ...advice.failing.map((text) => `  ${text}`),
        `the least that it costs is ${kilobytes(advice.least.bytesS)} per node, with`,
        ...pasteLines(advice.least),
        'a longer heartbeat period or fewer tokens cost less than any of these settings',
      ];
  }
}

function bestText({ defaults, best }: Extract<Advice, { type: 'keep' }>): string {
  if (best === defaults) return '';
  return ` (the best: ${seconds(best.p99Ms)}, the defaults: ${seconds(defaults.p99Ms)})`;
}

function pasteLines({ settings }: Measured): readonly string[] {
  return [
    '',
    'flags:',
    `  ${flagsOf(settings).join(' ')}`,
    '',
    'YAML:',
    yamlOf(settings).trimEnd(),
  ];
}
