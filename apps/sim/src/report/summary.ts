import { seconds } from '../assertion.ts';
import type { HistogramSummary } from '../histogram.ts';
import type { RunResult } from '../run-scenario.ts';

/** What a run came to, for a terminal. The last line is `trace sha256` and 64 hexadecimal digits. */
export function summaryText(result: RunResult): string {
  const { findings, verdicts, nodes, samples } = result;
  const { totals } = findings;
  const last = samples.at(-1);
  const lines = [
    `virtual time ${seconds(findings.endMs)}, ${result.executedEvents} events, ${nodes.length} nodes (${last?.live ?? 0} live at the end)`,
    `deaths ${totals.deaths} (${totals.falseDeaths} false, ${totals.unreachableDeaths} of unreachable members), suspicions ${totals.suspicions} (${totals.falseSuspicions} false), refutations ${totals.refutations}, left ${totals.left}, rejoins ${totals.rejoins}`,
    ...distributionLine('propagation to one node', findings.propagation),
    ...distributionLine('propagation to all nodes', findings.fullPropagation),
    ...distributionLine('detection of crashes', findings.detection),
    `members seen at the end ${last?.membersMin ?? 0} to ${last?.membersMax ?? 0}, views ${last?.viewsEqual === true ? 'equal' : 'not equal'}`,
    ...verdicts.map(({ held, text, found }) => `${held ? 'ok    ' : 'FAILED'} ${text}  (${found})`),
    ...(result.interrupted
      ? [
          `interrupted at ${seconds(findings.endMs)}: what stands here is about that part of the run`,
        ]
      : []),
    `${conclusion(result)}: ${verdicts.filter(({ held }) => held).length} of ${verdicts.length} assertions held`,
    `trace sha256 ${result.traceSha256}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** `passed`, `failed`, or `partial` when the run was interrupted. */
export function conclusion({ interrupted, passed }: RunResult): string {
  if (interrupted) return 'partial';
  return passed ? 'passed' : 'failed';
}

function distributionLine(name: string, summary: HistogramSummary): readonly string[] {
  if (summary.count === 0) return [];
  const { p50, p90, p99, max, count } = summary;
  return [
    `${name}: p50 ${seconds(p50)}, p90 ${seconds(p90)}, p99 ${seconds(p99)}, max ${seconds(max)} (${count})`,
  ];
}
