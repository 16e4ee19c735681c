import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Browser, type WatchedPage } from './harness/browser.ts';
import { BUILD_LIMIT_MS, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { ControlClient } from './harness/control-client.ts';
import { DevCluster, type DevNode, ringStates } from './harness/dev-cluster.ts';
import { eventually } from './harness/eventually.ts';

const ALL = ['dev-1', 'dev-2', 'dev-3'];
const PAGES = ['/', '/ring', '/ring?tokens=true', '/memberlist', '/services'];

const cleanup = new Cleanup();
let dev: DevCluster;
let node: DevNode;
let browser: Browser;

beforeAll(async () => {
  await serverMain();
  const started = await Promise.all([DevCluster.start(), Browser.start()]);
  [dev, browser] = started;
  for (const resource of started) cleanup.use(resource);
  node = dev.nodes[0] ?? expect.fail('the cluster has no node');
  await eventually(
    async () => {
      for (const { url } of dev.nodes) {
        expect([...(await ringStates(url))]).toEqual(ALL.map((id) => [id, 'ACTIVE']));
      }
    },
    { what: 'all instances are ACTIVE on every page', withinMs: 20_000 },
  );
}, BUILD_LIMIT_MS);

afterAll(async () => {
  await cleanup[Symbol.asyncDispose]();
});

/** Texts of the cells of one column, head cells included, in the first table. */
async function column(watched: WatchedPage, index: number): Promise<readonly string[]> {
  const cells = watched.page.locator(`table >> nth=0 >> tbody tr > :nth-child(${index})`);
  return (await cells.allTextContents()).map((text) => text.trim());
}

function expectQuiet(watched: WatchedPage): void {
  expect(watched.complaints).toEqual([]);
  expect(watched.requests).not.toEqual([]);
  const elsewhere = watched.requests.filter((url) => new URL(url).origin !== node.url);
  expect(elsewhere).toEqual([]);
}

describe.each([
  ['with scripts', true],
  ['without scripts', false],
])('in a browser %s', (_, javaScriptEnabled) => {
  test('the ring page shows three ACTIVE instances', async () => {
    const watched = await browser.open({ javaScriptEnabled });
    await watched.page.goto(`${node.url}/ring`);
    expect(await column(watched, 1)).toEqual(ALL);
    expect(await column(watched, 2)).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE']);
    const shares = (await column(watched, 8)).map((text) => Number.parseFloat(text));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
    expectQuiet(watched);
  });

  test('the memberlist page lists the members and the ring of the store', async () => {
    const watched = await browser.open({ javaScriptEnabled });
    await watched.page.goto(`${node.url}/memberlist`);
    const names = (await column(watched, 1)).map((text) => text.replace(/\s.*$/s, ''));
    expect(names).toEqual(ALL);
    expect(await column(watched, 2)).toEqual(dev.nodes.map(({ gossipAddress }) => gossipAddress));
    expect(await watched.page.getByText('collectors/ml-ring').count()).toBeGreaterThan(0);
    expectQuiet(watched);
  });

  test('every page opens without a complaint and asks nobody else for anything', async () => {
    const watched = await browser.open({ javaScriptEnabled });
    for (const path of PAGES) {
      const answer = await watched.page.goto(node.url + path);
      expect(answer?.status(), path).toBe(200);
      expect(await watched.page.locator('h1').count(), path).toBe(1);
    }
    expectQuiet(watched);
  });

  test("the page's own button forgets an instance, which a live one undoes with its next heartbeat", async () => {
    const watched = await browser.open({ javaScriptEnabled });
    const ring = `${node.url}/ring`;
    await watched.page.goto(ring);
    const forgotten = watched.page.waitForResponse((r) => r.request().method() === 'POST');
    await watched.page.getByRole('button', { name: 'Forget dev-3' }).click();
    expect((await forgotten).status()).toBe(302);
    await watched.page.waitForLoadState();
    expect(watched.page.url().replace(/#$/, '')).toBe(ring);
    expect(await column(watched, 1)).toEqual(['dev-1', 'dev-2']);
    await eventually(
      async () => {
        expect([...(await ringStates(node.url)).keys()]).toEqual(ALL);
      },
      { what: 'dev-3 has come back' },
    );
    expectQuiet(watched);
  });
});

test('forgetting an unknown instance is answered 404 and names it', async () => {
  const body = new URLSearchParams({ forget: 'nobody' });
  const answer = await new ControlClient(node.url).request('/ring', { method: 'POST', body });
  expect(answer.status).toBe(404);
  expect(await answer.text()).toContain('nobody');
});

test('the ring page refreshes itself', async () => {
  const watched = await browser.open();
  await watched.page.goto(`${node.url}/ring`);
  const shown = async (): Promise<string> =>
    (await watched.page.locator('main').textContent()) ?? '';
  const before = await shown();
  await eventually(async () => expect(await shown()).not.toBe(before), {
    what: 'the page shows another time',
  });
  expect(watched.requests.length).toBeGreaterThan(1);
  expectQuiet(watched);
});

test('the pages are dark on a dark screen and light on a light one', async () => {
  const backgrounds: number[] = [];
  for (const colorScheme of ['dark', 'light'] as const) {
    const watched = await browser.open({ colorScheme });
    await watched.page.goto(`${node.url}/ring`);
    const background = brightness(await bodyStyle(watched, 'backgroundColor'));
    const text = brightness(await bodyStyle(watched, 'color'));
    backgrounds.push(background);
    expect(Math.abs(background - text)).toBeGreaterThan(150);
    expectQuiet(watched);
  }
  const [dark = Number.NaN, light = Number.NaN] = backgrounds;
  expect(dark).toBeLessThan(60);
  expect(light).toBeGreaterThan(200);
});

async function bodyStyle(watched: WatchedPage, property: string): Promise<string> {
  return await watched.page.evaluate<string>(`getComputedStyle(document.body).${property}`);
}

/** Mean of red, green and blue, 0 to 255, of a colour as a browser writes it. */
function brightness(color: string): number {
  const parts = (color.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  return parts.reduce((sum, part) => sum + part, 0) / parts.length;
}
