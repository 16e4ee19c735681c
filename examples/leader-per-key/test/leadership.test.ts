import { type ClusterNode, createNode } from '@ml/server/create-node';
import { afterEach, expect, test, vi } from 'vitest';
import { leaderOf } from '../src/leadership.ts';

const jobs = ['backup', 'billing', 'cleanup', 'digest', 'export', 'reports'];
const nodes: ClusterNode[] = [];

async function start(name: string): Promise<ClusterNode> {
  const first = nodes[0]?.gossipAddress;
  const node = await createNode({
    name,
    join: first === undefined ? [] : [`${first.host}:${first.port}`],
    bindAddress: '127.0.0.1',
    bindPort: 0,
    config: { ring: { replicationFactor: 3, heartbeatPeriodMs: 1000, heartbeatTimeoutMs: 5000 } },
  });
  nodes.push(node);
  return node;
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.close()));
});

/** Who leads each job, when all of `viewers` agree. */
function agreed(viewers: readonly ClusterNode[]): readonly (string | undefined)[] {
  const [first, ...others] = viewers.map(({ ring }) => jobs.map((job) => leaderOf(ring, job)));
  for (const other of others) expect(other).toEqual(first);
  return first ?? [];
}

test('all processes agree on one leader for each key, and the keys of one that leaves get others', async () => {
  const first = await start('worker-1');
  expect(jobs.map((job) => leaderOf(first.ring, job))).toEqual(jobs.map(() => undefined));
  const second = await start('worker-2');
  const third = await start('worker-3');
  await vi.waitFor(() => expect(agreed([first, second, third])).not.toContain(undefined), 15_000);

  const before = agreed([first, second, third]);
  await third.leave();
  await vi.waitFor(() => {
    const after = agreed([first, second]);
    expect(after).not.toContain(undefined);
    expect(after).not.toContain('worker-3');
    for (const [i, leader] of before.entries())
      if (leader !== 'worker-3') expect(after[i]).toBe(leader);
  }, 15_000);
}, 40_000);
