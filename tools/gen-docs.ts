/**
 * Writes docs/configuration.md and docs/metrics.md from the declarations in the code; with --check it writes nothing
 * and fails when a page is stale. Needs a Node that reads TypeScript (22.18 or newer):
 *
 *   node --conditions=@ml/source tools/gen-docs.ts [--check]
 *
 * With Node 20 the test beside it does the same: `vitest run tools/test/net/gen-docs.test.ts`, with `-u` to write.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { rootReference } from '../apps/server/src/reference.ts';
import { metricCatalog } from '../apps/server/test/support/metric-catalog.ts';

const NOTE = '<!-- Written by tools/gen-docs.ts from the code. Do not edit. -->';

/** The pages by their path below the root of the repository. */
export async function renderDocs(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/configuration.md', configurationPage()],
    ['docs/metrics.md', await metricsPage()],
  ]);
}

function configurationPage(): string {
  return `${NOTE}
# Configuration

Every option of \`ml-server\` is a flag and, unless the table says otherwise, a key in the YAML file that
\`-config.file\` names. Flags win over the file, the file over defaults. A repeated flag of a list adds to the list
of the file. Durations are written as in Go: \`200ms\`, \`1m30s\`. Unknown flags and keys are errors. With
\`-config.expand-env\` variables in the file (\`\${VAR}\`, \`\${VAR:-fallback}\`) are replaced from the environment first.

\`-help\` shows the basic options, \`-help-all\` every one. \`/config\` on a running node shows what it runs with,
\`/config?mode=diff\` only what differs from the defaults.

${rootReference().trimEnd()}
`;
}

async function metricsPage(): Promise<string> {
  const rows = (await metricCatalog()).map(({ name, type, labels, help }) => {
    const shownLabels = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${shownLabels} | ${help.replaceAll('|', '\\|')} |`;
  });
  return `${NOTE}
# Metrics

What \`/metrics\` of a node shows. Names, types and labels without \`ml_\` are those of dskit. The prefix
\`pyroscope_\` is \`-metrics.namespace\`; metrics that start with \`memberlist_\` or \`ml_\` never carry it. Beside
these there are \`process_*\` and \`nodejs_*\`, the default metrics of prom-client.

| name | type | labels | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}

async function main(check: boolean): Promise<number> {
  let stale = 0;
  for (const [path, text] of await renderDocs()) {
    const file = new URL(`../${path}`, import.meta.url);
    if (!check) writeFileSync(file, text);
    else if (readFileSync(file, 'utf8') !== text) {
      console.error(`${path} is stale: run tools/gen-docs.ts`);
      stale++;
    }
  }
  return stale === 0 ? 0 : 1;
}

if (argv[1] === fileURLToPath(import.meta.url)) exit(await main(argv.includes('--check')));
