import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SimUsageError } from '../errors.ts';
import { commit } from '../node-commit.ts';
import {
  agrees,
  crashFindings,
  type Finding,
  lossFindings,
  scalingFindings,
  spreadFindings,
  suspicionFindings,
  synchronousFindings,
  THEORY_SCALE,
} from '../theory-claims.ts';
import type { Command } from './command.ts';

/** `ml-sim theory`: the closed forms of the papers beside what runs measure. */
export const theoryCommand: Command = {
  name: 'theory',
  usage: '[--out FILE]',
  help: 'Measures detection, suspicion and dissemination in many runs and compares them with their formulas.',
  run: async (argv, { stdout, env }) => {
    const out = outOf(argv);
    const sections = [
      await sectionOf('Failure detection', crashFindings(THEORY_SCALE)),
      await sectionOf('Rounds that coincide', synchronousFindings(THEORY_SCALE)),
      await sectionOf('Suspicion', suspicionFindings(THEORY_SCALE)),
      await sectionOf('Dissemination', spreadFindings(THEORY_SCALE)),
      await sectionOf('Loss', lossFindings(THEORY_SCALE)),
      await sectionOf('Scaling', scalingFindings()),
    ];
    const text = `${INTRODUCTION}\nMeasured at commit ${commit(env)}.\n\n${sections.map(({ text: part }) => part).join('\n')}`;
    if (out === undefined) stdout(text);
    else writeFileSync(out, text);
    return sections.every(({ good }) => good) ? 0 : 1;
  },
};

const INTRODUCTION = `# Theory and runs

Written by \`ml-sim theory --out docs/theory.md\`; every run is one seed, from 1 up, of members that run the gossip of
production in virtual time. The formulas are in \`apps/sim/src/theory.ts\`, the runs in \`apps/sim/src/theory-runs.ts\`.

A member round-robins through the others in random order, and members' rounds have random phases. So some member probes
a crashed one after T·(n−1)/n on average, not after the e/(e−1) periods of members that pick at random all at one
moment; the second section lets rounds coincide. The first suspicion follows one probe interval after that probe, and
the death the shortest suspicion later, as long as there are confirmers.
`;

async function sectionOf(
  title: string,
  pending: Promise<readonly Finding[]>,
): Promise<{ readonly text: string; readonly good: boolean }> {
  const findings = await pending;
  const rows = findings.map(rowOf).join('\n');
  const head =
    '| what | theory | runs | deviation | allowed | number of runs |\n|---|---:|---:|---:|---:|---:|';
  return { text: `## ${title}\n\n${head}\n${rows}\n`, good: findings.every(agrees) };
}

function rowOf(finding: Finding): string {
  const { what, theory, measured, tolerance, runs, unit } = finding;
  const deviation = ((measured - theory) / theory) * 100;
  const cells = [
    what,
    shown(theory, unit),
    shown(measured, unit),
    `${deviation >= 0 ? '+' : ''}${deviation.toFixed(1)} %${agrees(finding) ? '' : ' **too far**'}`,
    `${Number((tolerance * 100).toFixed(1))} %`,
    String(runs),
  ];
  return `| ${cells.join(' | ')} |`;
}

function shown(value: number, unit: Finding['unit']): string {
  if (unit === 'ms')
    return value < 10_000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(2)} s`;
  if (unit === 'share') return `${(value * 100).toFixed(2)} %`;
  return `${value.toFixed(2)} ${unit}`;
}

function outOf(argv: readonly string[]): string | undefined {
  try {
    return parseArgs({ args: [...argv], options: { out: { type: 'string' } } }).values.out;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SimUsageError(reason, { cause: error });
  }
}
