import { MlError } from '@ml/runtime';
import { ConfigError } from '@ml/runtime/config';
import { describe, expect, test } from 'vitest';
import { SimCluster, type SimNode } from './support/cluster.ts';

async function readinessOf({ node }: SimNode): Promise<string> {
  const readiness = await node.readiness();
  return readiness.type === 'ready' ? 'ready' : `${readiness.stage}: ${readiness.reason}`;
}

describe('three nodes with one DNS name', () => {
  test('become one cluster and one ring, each owning tokens', async () => {
    await using cluster = new SimCluster();
    for (const name of ['a', 'b', 'c']) cluster.add(name);
    const nodes = await cluster.start();
    for (const node of nodes) {
      expect(node.kv.status().members.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
      expect(node.ring.desc.instances.map(({ id, state }) => [id, state])).toEqual([
        ['a', 'ACTIVE'],
        ['b', 'ACTIVE'],
        ['c', 'ACTIVE'],
      ]);
      expect(node.ring.desc.get('a')?.tokens.size).toBe(128);
    }
  });

  test('are ready, and say so by themselves', async () => {
    await using cluster = new SimCluster();
    for (const name of ['a', 'b', 'c']) cluster.add(name);
    const nodes = await cluster.start();
    await cluster.during(Promise.all(nodes.map((node) => node.ready())));
    expect(await Promise.all(cluster.nodes.map(readinessOf))).toEqual(['ready', 'ready', 'ready']);
    expect(nodes[0]?.services()).toEqual([
      { name: 'memberlist_kv', state: 'Running' },
      { name: 'ring', state: 'Running' },
      { name: 'lifecycler', state: 'Running' },
    ]);
  });

  test('announce where their pages are', async () => {
    await using cluster = new SimCluster();
    cluster.add('a', { config: { ring: { instanceAddr: '192.0.2.7', instancePort: 99 } } });
    cluster.add('b');
    const [first] = await cluster.start();
    expect(first?.ring.desc.get('a')?.addr).toBe('192.0.2.7:99');
    expect(first?.ring.desc.get('b')?.addr).toBe('10.0.0.2:4040');
  });

  test('see a node that leaves go out of ring and cluster', async () => {
    await using cluster = new SimCluster();
    for (const name of ['a', 'b', 'c']) cluster.add(name);
    const [a, b] = await cluster.start();
    expect(b).toBeDefined();
    if (b !== undefined) await cluster.during(b.leave());
    await cluster.runtime.runFor(2000);
    expect(a?.ring.desc.has('b')).toBe(false);
    expect(a?.kv.status().members.map(({ name }) => name)).toEqual(['a', 'c']);
    expect(cluster.nodes[1] && (await readinessOf(cluster.nodes[1]))).toMatch(/^stopping: /);
  });

  test('come together again after a partition longer than dead members are remembered', async () => {
    await using cluster = new SimCluster();
    for (const name of ['a', 'b', 'c']) cluster.add(name);
    const nodes = await cluster.start();
    const cut = cluster.network.partition(['10.0.0.1'], ['10.0.0.2', '10.0.0.3']);
    await cluster.runtime.runFor(180_000);
    expect(nodes[0]?.kv.status().members).toHaveLength(1);
    expect(cluster.nodes[0]?.metrics.value('ml_cluster_isolated')).toBe(1);
    cut[Symbol.dispose]();
    await cluster.runtime.runFor(150_000);
    for (const node of nodes) expect(node.kv.status().members).toHaveLength(3);
    expect(cluster.nodes[0]?.metrics.value('ml_cluster_isolated')).toBe(0);
  });
});

describe('an observer', () => {
  test('sees the ring without being in it', async () => {
    await using cluster = new SimCluster();
    cluster.add('a');
    cluster.add('watcher', { config: { ring: { mode: 'observer' } } });
    const [, watcher] = await cluster.start();
    expect(watcher?.lifecycler).toBeUndefined();
    expect(watcher?.ring.desc.instances.map(({ id }) => id)).toEqual(['a']);
    expect(cluster.nodes[1] && (await readinessOf(cluster.nodes[1]))).toBe('ready');
  });

  test('is not ready while the ring is empty', async () => {
    await using cluster = new SimCluster();
    const config = { ring: { mode: 'observer' as const }, memberlist: { kv: { joinMembers: [] } } };
    const lone = cluster.add('watcher', { config });
    await cluster.start();
    expect(await readinessOf(lone)).toBe('ring: the ring "ml" is empty');
  });

  test('is about the first ring that it was told to observe', async () => {
    await using cluster = new SimCluster();
    cluster.add('a', { config: { ring: { key: 'ring' } } });
    const lone = cluster.add('watcher', {
      config: { ring: { mode: 'observer', observe: ['collectors/ring', 'collectors/ml-ring'] } },
    });
    const [, watcher] = await cluster.start();
    expect(watcher?.ownRing).toMatchObject({ name: 'ring', key: 'collectors/ring' });
    expect(watcher?.ring.desc.instances.map(({ id }) => id)).toEqual(['a']);
    expect(watcher?.observedRings).toHaveLength(1);
    expect(watcher?.rings().map(({ key }) => key)).toEqual(['collectors/ring']);
    expect(await readinessOf(lone)).toBe('ready');
  });

  test('follows further rings', async () => {
    await using cluster = new SimCluster();
    cluster.add('a');
    cluster.add('b', { config: { ring: { key: 'other', observe: ['collectors/ml-ring'] } } });
    const [, b] = await cluster.start();
    expect(b?.observedRings.map(({ desc }) => desc.instances.map(({ id }) => id))).toEqual([['a']]);
    expect(b?.rings().map(({ name }) => name)).toEqual(['ml', 'ml-ring']);
  });
});

describe('a basic lifecycler', () => {
  test('is ACTIVE at once and ready', async () => {
    await using cluster = new SimCluster();
    const lone = cluster.add('a', {
      config: {
        ring: { lifecycler: 'basic', numTokens: 4 },
        memberlist: { kv: { joinMembers: [] } },
      },
    });
    const [node] = await cluster.start();
    expect(node?.lifecycler?.state).toBe('ACTIVE');
    expect(node?.lifecycler?.tokens.size).toBe(4);
    expect(await readinessOf(lone)).toBe('ready');
  });
});

describe('a node that is not ready', () => {
  test('says so before it is started', async () => {
    await using cluster = new SimCluster();
    expect(await readinessOf(cluster.add('a'))).toBe('start: the node has not been started');
  });

  test('names DNS when nothing is found', async () => {
    await using cluster = new SimCluster();
    const lone = cluster.add('a', { listed: false });
    await cluster.start();
    expect(await readinessOf(lone)).toBe('dns: nothing found for "dnssrv+members.test"');
  });

  test('names DNS when look-ups fail', async () => {
    await using cluster = new SimCluster();
    const lone = cluster.add('a');
    cluster.zone.fail('*', 'servfail');
    await cluster.start(60_000);
    expect(await readinessOf(lone)).toMatch(
      /^dns: cannot look up "dnssrv\+members\.test".*SERVFAIL/,
    );
  });

  test('names the addresses that do not answer', async () => {
    await using cluster = new SimCluster();
    const lone = cluster.add('a', { listed: false });
    cluster.list('10.9.9.9');
    await cluster.start(60_000);
    expect(await readinessOf(lone)).toMatch(
      /^join: no member has answered yet at 10\.9\.9\.9:7946/,
    );
  });

  test('waits for others when it finds only itself, but not for ever', async () => {
    await using cluster = new SimCluster();
    const lone = cluster.add('a');
    await cluster.start(5000);
    expect(await readinessOf(lone)).toMatch(/^join: the join entries lead to this node only/);
    await cluster.runtime.runFor(20_000);
    expect(await readinessOf(lone)).toBe('ready');
  });

  test('recovers when DNS does', async () => {
    await using cluster = new SimCluster();
    cluster.add('a', { config: { memberlist: { kv: { joinMembers: [] } } } });
    const late = cluster.add('b');
    cluster.zone.fail('*', 'servfail');
    await cluster.start(30_000);
    expect(await readinessOf(late)).toMatch(/^dns/);
    cluster.zone.heal('*');
    await cluster.runtime.runFor(120_000);
    expect(await readinessOf(late)).toBe('ready');
  });
});

describe('starting', () => {
  test('fails when fast joining must work and does not', async () => {
    await using cluster = new SimCluster();
    const lone = cluster.add('a', {
      listed: false,
      config: { memberlist: { kv: { abortIfFastJoinFails: true } } },
    });
    const start = cluster.during(lone.node.start());
    await expect(start).rejects.toSatisfy((error) => MlError.is(error));
    expect(await readinessOf(lone)).toMatch(/^failed: /);
  });

  test('can be given up', async () => {
    await using cluster = new SimCluster();
    const lone = cluster.add('a');
    cluster.zone.fail('*', 'hang');
    const abort = new AbortController();
    const start = lone.node.start({ signal: abort.signal });
    const outcome = expect(cluster.during(start)).rejects.toThrow();
    abort.abort();
    await outcome;
  });

  test('refuses badly written join entries before anything else', async () => {
    await using cluster = new SimCluster();
    expect(() =>
      cluster.add('a', { config: { memberlist: { kv: { joinMembers: ['dns+a'] } } } }),
    ).toThrow(ConfigError);
  });
});

describe('metrics', () => {
  test('carry the namespace except those of memberlist and our own', async () => {
    await using cluster = new SimCluster();
    const { metrics } = cluster.add('a');
    await cluster.start();
    const own = metrics.names().filter((name) => !name.startsWith('pyroscope_'));
    expect(own.filter((name) => !/^(memberlist|ml)_/.test(name))).toEqual([]);
    expect(metrics.names().filter((name) => name.startsWith('pyroscope_ml_'))).toEqual([]);
    expect(own).toContain('ml_ring_heartbeats_ahead');
    expect(metrics.value('pyroscope_dns_lookups_total', { name: 'memberlist' })).toBeGreaterThan(0);
    expect(metrics.value('pyroscope_ring_members', { name: 'ml', state: 'ACTIVE' })).toBe(1);
  });

  test('carry no prefix when the namespace is empty', async () => {
    await using cluster = new SimCluster();
    const { metrics } = cluster.add('a', { config: { metrics: { namespace: '' } } });
    await cluster.start();
    expect(metrics.value('ring_members', { name: 'ml', state: 'ACTIVE' })).toBe(1);
  });
});
