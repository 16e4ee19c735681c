import { describe, expect, test } from 'vitest';
import { type RunResult, readScenario, runScenario } from '../src/index.ts';
import { htmlText } from '../src/report/html.ts';
import { jsonText } from '../src/report/json.ts';
import { summaryText } from '../src/report/summary.ts';

async function run(yaml: string, seed = 1): Promise<RunResult> {
  return await runScenario(readScenario('test', yaml, { seed }));
}

const HEAD = 'description: a test\nmode: membership\ngossip: {preset: lan}\n';

describe('a run', () => {
  const yaml = `${HEAD}nodes: 6\nduration: 30s\ntimeline:\n  - {at: 5s, kill: random 1, for: 15s}\n`;

  test('is the same for the same seed and another for another', async () => {
    const [a, b, c] = [await run(yaml), await run(yaml), await run(yaml, 2)];
    expect(b).toEqual(a);
    expect(c.traceSha256).not.toBe(a.traceSha256);
  });

  test('ends its summary with the hash of its trace', async () => {
    const result = await run(yaml);
    expect(summaryText(result)).toMatch(/\ntrace sha256 [0-9a-f]{64}\n$/);
    expect(JSON.parse(jsonText(result))).toMatchObject({ traceSha256: result.traceSha256 });
  });

  test('fails when an assertion does not hold, and says what was found', async () => {
    const result = await run(`${yaml}assert:\n  - members == 9\n  - deaths >= 0\n`);
    expect(result.passed).toBe(false);
    expect(result.verdicts).toMatchObject([{ held: false, found: '6 at 30s' }, { held: true }]);
  });

  test('that is interrupted has a result all the same, and has not passed', async () => {
    const controller = new AbortController();
    const result = await runScenario(readScenario('test', yaml), {
      signal: controller.signal,
      onProgress: ({ nowMs }) => {
        if (nowMs >= 10_000) controller.abort();
      },
    });
    expect(result).toMatchObject({ interrupted: true, passed: false });
    expect(result.samples.length).toBeGreaterThan(5);
  });

  test('is refused when its timeline names a node that is not there yet', async () => {
    const bad = `${HEAD}nodes: 2\nduration: 9s\ntimeline:\n  - {at: 1s, kill: node-2}\n  - {at: 2s, scale: {add: 1}}\n`;
    await expect(run(bad)).rejects.toThrow(/no node is called "node-2"/);
  });
});

describe('deaths are judged by what was true', () => {
  test('a crash is a true death, found in time', async () => {
    const result = await run(
      `${HEAD}nodes: 8\nduration: 60s\ntimeline:\n  - {at: 10s, kill: node-3}\nassert: ["false deaths == 0", "deaths == 7", "detection max < 40s"]\n`,
    );
    expect(result.verdicts.filter(({ held }) => !held)).toEqual([]);
  });

  test('a paused member is unreachable, not falsely dead', async () => {
    const result = await run(
      `${HEAD}nodes: 8\nduration: 90s\ntimeline:\n  - {at: 10s, pause: node-3, for: 30s}\n`,
    );
    expect(result.findings.totals.unreachableDeaths).toBeGreaterThan(0);
    expect(result.findings.totals.falseDeaths).toBe(0);
  });

  test('a slow member is falsely suspected', async () => {
    const result = await run(
      `${HEAD}nodes: 8\nduration: 90s\ntimeline:\n  - {at: 10s, slow_cpu: {nodes: node-3, turn: 600ms}, for: 60s}\n`,
    );
    expect(result.findings.totals.falseSuspicions).toBeGreaterThan(0);
  });
});

describe('the timeline', () => {
  test('can do everything that it knows to full nodes', { timeout: 60_000 }, async () => {
    const result = await run(`
description: everything
nodes: [{count: 3, name: a, zone: z1}, {count: 3, name: b, zone: z2}]
duration: 4m
config: {ring: {num_tokens: 8, min_ready_duration: 1s}}
workload: {every: 5s}
timeline:
  - {at: 10s, restart: {nodes: a-1, address: new, disk: lost}}
  - {at: 20s, stop: a-2, for: 10s}
  - {at: 35s, clock_skew: {nodes: b-0, by: 30s}, for: 10s}
  - {at: 40s, block: {from: a-0, to: b-0}, for: 2s}
  - {at: 45s, link: {loss: 10%, latency: 20ms}, for: 5s}
  - {at: 46s, link: {zones: [z1, z2], latency: 30ms}, for: 5s, every: 10s, times: 2}
  - {at: 47s, link: {nodes: b-1, loss: 5%}, for: 5s}
  - {at: 50s, dns: {fault: selfOnly, nodes: zone z1}, for: 5s}
  - {at: 60s, ip_reuse: {of: b-2, name: c, config: {memberlist: {cluster_label: other}}}}
  - {at: 70s, scale: {add: 2, remove: 1, zone: z2}}
  - {at: 80s, config: {nodes: a-0, set: {memberlist: {gossip_nodes: 2}}}}
  - {at: 90s, rolling_update: {nodes: [b-0, b-1], pause: 5s}}
  - {at: 110s, pause: a-1, for: 3s}
  - {at: 120s, note: done}
assert:
  - cas failures == 0
  - start failures == 0
`);
    expect(result.verdicts.filter(({ held }) => !held)).toEqual([]);
    const notes = result.events.filter(({ event }) => event.type === 'note');
    expect(notes.length).toBeGreaterThanOrEqual(22);
    expect(result.findings.propagation.count).toBeGreaterThan(50);
  });
});

describe('full nodes', () => {
  const yaml = `
description: readiness, forgetting and competing writes
nodes: 3
duration: 60s
config: {ring: {num_tokens: 4, heartbeat_timeout: 10s}}
workload: {every: 2s, writers: 2, burst: 4, until: 25s}
timeline:
  - {at: 30s, kill: node-2}
  - {at: 50s, forget: {instances: node-2, by: node-1}}
  - {at: 51s, forget: {instances: node-2}}
assert:
  - ready nodes == 0 at 1s
  - ready nodes == 3 at 25s
  - time to ready max < 25s
  - unhealthy instances == 1 at 49s
  - unhealthy instances == 0
  - instances == 2
  - strangers == 0
  - writes >= 80
  - lost writes == 0
  - unseen writes == 0
  - queued changes < 100
  - remembered members <= 3
  - errors logged == 0
`;

  test('tell when they are ready, are forgotten by hand, and lose no write that competes', async () => {
    const result = await run(yaml);
    expect(result.verdicts.filter(({ held }) => !held)).toEqual([]);
    const notes = result.events.flatMap(({ event }) => (event.type === 'note' ? [event.text] : []));
    expect(notes).toContainEqual(expect.stringMatching(/^node-0 could not forget node-2: /));
  });
});

describe('the HTML report', () => {
  test('stands alone and escapes what comes from the run', async () => {
    const result = await run(
      `${HEAD}nodes: 3\nduration: 5s\ntimeline:\n  - {at: 1s, note: "<script>alert(1)</script>"}\n`,
    );
    const html = htmlText({ ...result, scenario: '<b>name</b>' });
    expect(html).not.toMatch(/<script|<b>name|https?:\/\/(?!www\.w3\.org)/);
    expect(html).toContain('&lt;script&gt;');
    expect(html.match(/<svg /g)?.length).toBeGreaterThanOrEqual(3);
  });
});
