import { silentLogger } from '@ml/runtime';
import { type PartialConfig, resolveConfig } from '@ml/runtime/config';
import { describe, expect, test } from 'vitest';
import { type ServerConfig, serverConfig } from '../../src/config.ts';
import { createNode } from '../../src/create-node.ts';
import { openServer, type Server } from '../../src/serve.ts';

const signal = new AbortController().signal;

async function open(given: PartialConfig<ServerConfig> = {}, morePorts = 0): Promise<Server> {
  const config = resolveConfig(serverConfig, {
    ...given,
    server: { httpListenAddress: '127.0.0.1', httpListenPort: 0, ...given.server },
    memberlist: {
      kv: { nodeName: 'a', randomizeNodeName: false, ...given.memberlist?.kv },
      transport: { bindAddrs: ['127.0.0.1'], bindPort: 0, ...given.memberlist?.transport },
    },
    ring: { instanceId: 'a', minReadyDurationMs: 0, ...given.ring },
  });
  return await openServer({ config, log: silentLogger, morePorts });
}

describe('a server', () => {
  test('answers before it is started and shows itself in its ring after', async () => {
    await using server = await open();
    const before = await fetch(`${server.url}/ready`);
    expect([before.status, await before.text()]).toEqual([
      503,
      'not ready, stage start: the node has not been started\n',
    ]);
    await server.start({ signal });
    const shown = await fetch(`${server.url}/ring`, { headers: { accept: 'application/json' } });
    expect(await shown.json()).toMatchObject({
      shards: [{ id: 'a', address: `127.0.0.1:${server.httpPort}` }],
    });
  });

  test('shows its metrics with those of the process, no name twice', async () => {
    await using server = await open();
    await server.start({ signal });
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(new Set(types).size).toBe(types.length);
    expect(types).toEqual(
      expect.arrayContaining([
        'memberlist_client_cluster_members_count',
        'memberlist_tcp_transport_packets_sent_total',
        'pyroscope_ring_members',
        'pyroscope_dns_lookups_total',
        'process_cpu_seconds_total',
      ]),
    );
    expect(text).toContain('memberlist_client_cluster_members_count 1');
  });

  test('says which port is taken, and takes the next one when it may', async () => {
    await using first = await open();
    const server = { httpListenPort: first.httpPort };
    await expect(open({ server })).rejects.toThrow(`127.0.0.1:${first.httpPort}`);
    await using second = await open({ server }, 20);
    expect(second.httpPort).toBeGreaterThan(first.httpPort);
  });

  test('meets a second process by plain address, and leaves it', async () => {
    await using server = await open();
    await server.start({ signal });
    const { host, port } = server.node.gossipAddress;
    const config = {
      ring: { minReadyDurationMs: 0 },
      memberlist: { kv: { randomizeNodeName: false } },
    };
    const node = await createNode({
      name: 'b',
      join: [`${host}:${port}`],
      bindAddress: '127.0.0.1',
      bindPort: 0,
      config,
    });
    await node.ready();
    const names = () => server.node.kv.status().members.map(({ name }) => name);
    expect(names()).toEqual(['a', 'b']);
    await node.leave();
    await node.close();
    expect(names()).toEqual(['a']);
  });
});
