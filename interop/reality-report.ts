// Writes docs/reality.md and its pictures. Takes about ten minutes, which the machine should have for itself.
//   npx tsx --conditions=@ml/source interop/reality-report.ts [--rounds 8] [--seeds 16]
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { REPOSITORY_DIR } from './harness/paths.ts';
import { type Comparison, compare, comparisonTable, conditionsText } from './reality/comparison.ts';
import { realityReport } from './reality/report.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '8' }, seeds: { type: 'string', default: '16' } },
});
const { rounds, seeds } = values;
const [load = 0] = loadavg();
const comparisons = [await over(5), await over(20)] as const;
const revisionOf = ['rev-parse', '--short=12', 'HEAD'];
const files = realityReport(comparisons, {
  command: `npx tsx --conditions=@ml/source interop/reality-report.ts --rounds ${rounds} --seeds ${seeds}`,
  commit: execFileSync('git', revisionOf, { cwd: REPOSITORY_DIR }).toString().trim(),
  date: new Date().toISOString().slice(0, 10),
  load,
});
for (const { path, text } of files) {
  const file = join(REPOSITORY_DIR, 'docs', path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function over(nodes: number): Promise<Comparison> {
  const comparison = await compare({ nodes, seeds: Number(seeds), rounds: Number(rounds) });
  console.log(`${comparisonTable([comparison])}\n${conditionsText(comparison)}`);
  return comparison;
}
