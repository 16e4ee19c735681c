import { fileURLToPath } from 'node:url';
import { StaticResolver } from '@ml/dns-discovery/testing';
import { type CatalogEntry, catalog, noMetrics } from '@ml/metrics';
import { type PartialConfig, resolveConfig } from '@ml/runtime/config';
import { nodeRuntime } from '@ml/runtime/node';
import { createTcpTransport } from '@ml/transport/node';
import { type ServerConfig, serverConfig } from '../../src/config.ts';
import { startNode } from '../../src/node.ts';

const certificates = new URL('../../../../packages/transport/test/fixtures/tls/', import.meta.url);
const file = (name: string) => fileURLToPath(new URL(name, certificates));

/** Every metric that a node of this build can show, from nodes that really run, on loopback. */
export async function metricCatalog(): Promise<readonly CatalogEntry[]> {
  const registerer = catalog(noMetrics);
  const ring = { minReadyDurationMs: 0 };
  for (const config of [
    configOf({ ring: { ...ring, lifecycler: 'classic' } }),
    configOf({ ring: { ...ring, lifecycler: 'basic' } }),
  ]) {
    const runtime = nodeRuntime();
    const transport = await createTcpTransport({
      config: config.memberlist.transport,
      runtime,
      metrics: registerer,
    });
    const resolver = new StaticResolver({ random: runtime.random });
    await using _node = await startNode({ config, runtime, transport, resolver, registerer });
  }
  return registerer.entries();
}

function configOf(given: PartialConfig<ServerConfig>): ServerConfig {
  return resolveConfig(serverConfig, {
    ...given,
    memberlist: {
      transport: {
        bindAddrs: ['127.0.0.1'],
        bindPort: 0,
        tlsEnabled: true,
        tlsCertPath: file('member.pem'),
        tlsKeyPath: file('member-key.pem'),
      },
    },
  });
}
