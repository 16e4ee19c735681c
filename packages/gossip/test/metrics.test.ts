import { catalog, memoryMetrics, noMetrics } from '@ml/metrics';
import { expect, test } from 'vitest';
import { createGossipMetrics } from '../src/index.ts';
import { Cluster } from './cluster.ts';

test('every metric has our prefix, a unit where it has one, and a sentence that says what it is', () => {
  const listed = catalog(noMetrics);
  createGossipMetrics(listed, () => undefined);
  expect(listed.entries().length).toBeGreaterThan(20);
  for (const { name, type, help } of listed.entries()) {
    expect(name).toMatch(/^ml_(memberlist|gossip)_[a-z_]+$/);
    expect(help).toMatch(/\.$/);
    if (type === 'counter') expect(name).toMatch(/_total$/);
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
  }
});

test('a life in a cluster shows in the metrics', async () => {
  const metrics = memoryMetrics();
  await using cluster = new Cluster();
  const a = await cluster.add('a', { options: { metrics } });
  const b = await cluster.add('b');
  await cluster.join(a, b);
  await cluster.join(b, a);
  await cluster.runFor(60_000);
  expect(metrics.series('ml_memberlist_node_instances')).toContainEqual({
    labels: { node_state: 'alive' },
    value: 2,
  });
  cluster.crash(b);
  await cluster.runFor(20_000);
  expect(metrics.sum('ml_memberlist_tcp_accept_total')).toBeGreaterThanOrEqual(1);
  expect(metrics.sum('ml_memberlist_tcp_connect_total')).toBeGreaterThanOrEqual(1);
  expect(metrics.sum('ml_memberlist_msg_alive_total')).toBe(2);
  expect(metrics.sum('ml_memberlist_msg_suspect_total')).toBe(1);
  expect(metrics.sum('ml_memberlist_msg_dead_total')).toBe(1);
  expect(metrics.sum('ml_memberlist_udp_sent_bytes_total')).toBeGreaterThan(1000);
  expect(metrics.sum('ml_memberlist_health_score')).toBeGreaterThan(0);
  expect(metrics.observations('ml_memberlist_probe_node_seconds')?.count).toBeGreaterThan(20);
  expect(metrics.observations('ml_memberlist_gossip_seconds')?.count).toBeGreaterThan(0);
  expect(metrics.observations('ml_memberlist_push_pull_node_seconds')?.count).toBeGreaterThan(0);
});

test('a closed memberlist no longer answers scrapes', async () => {
  const metrics = memoryMetrics();
  await using cluster = new Cluster();
  const a = await cluster.add('a', { options: { metrics } });
  expect(metrics.value('ml_memberlist_node_instances', { node_state: 'alive' })).toBe(1);
  await a.memberlist.close();
  expect(metrics.value('ml_memberlist_node_instances', { node_state: 'alive' })).toBe(1);
});
