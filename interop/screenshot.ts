// Writes docs/images/ring.png, the ring page of a fresh local cluster. Needs the Debian package chromium:
//   npx tsx --conditions=@ml/source interop/screenshot.ts
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { Browser } from './harness/browser.ts';
import { DevCluster, ringStates } from './harness/dev-cluster.ts';
import { HarnessError } from './harness/errors.ts';
import { eventually } from './harness/eventually.ts';
import { REPOSITORY_DIR } from './harness/paths.ts';

const TARGET = join(REPOSITORY_DIR, 'docs/images/ring.png');
/** What the README calls the first port. */
const HTTP_PORT = 4040;

await using dev = await DevCluster.start({ httpPort: HTTP_PORT });
await using browser = await Browser.start();
const url = dev.nodes[0]?.url;
if (url === undefined) throw new HarnessError('the local cluster has no node');
await eventually(
  async () => {
    const states = [...(await ringStates(url)).values()];
    if (states.length < dev.nodes.length || states.some((state) => state !== 'ACTIVE')) {
      throw new HarnessError(`the states are ${states.join(', ')}`);
    }
  },
  { what: 'all instances are ACTIVE', withinMs: 20_000 },
);
const { page } = await browser.open({
  viewport: { width: 1280, height: 640 },
  deviceScaleFactor: 2,
  colorScheme: 'light',
});
await page.goto(`${url}/ring`);
await mkdir(dirname(TARGET), { recursive: true });
await page.screenshot({ path: TARGET, fullPage: true });
process.stdout.write(`${TARGET}\n`);
