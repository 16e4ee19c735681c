import { afterEach, describe, expect, test } from 'vitest';
import { put, seen, TestCluster } from './support/cluster.ts';

let cluster = new TestCluster();
const fresh = (seed?: number): TestCluster => {
  cluster = new TestCluster(seed);
  return cluster;
};
afterEach(() => cluster.close());

describe('a cluster of stores', () => {
  test('shows a write of one node on all ten within five seconds', async () => {
    const c = fresh();
    const nodes = await c.startMany(10);
    await put(c, nodes[3] ?? expect.fail(), 'key', 'a', 1);
    await c.runtime.runUntil(() => nodes.every((node) => seen(node, 'key', 'a') === 1), {
      limitMs: 5000,
    });
    expect(nodes.map((node) => node.kv.status().members.length)).toEqual(nodes.map(() => 10));
  });
});
