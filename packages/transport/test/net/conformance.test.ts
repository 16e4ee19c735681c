import { nodeRuntime } from '@ml/runtime/node';
import { describe, test } from 'vitest';
import { transportConformance } from '../../src/conformance.ts';
import { createTcpTransport } from '../../src/node.ts';
import type { TcpTransportConfig } from '../../src/tcp/config.ts';
import type { Transport } from '../../src/transport.ts';
import { loopbackConfig, tlsConfig } from '../helpers/config.ts';
import { freePort, rest } from '../helpers/real.ts';

const many = { maxConcurrentWrites: 16, acquireWriterTimeoutMs: 10_000 };

describe.each([
  ['plain', loopbackConfig(many)],
  ['TLS', tlsConfig('member', many)],
])('the TCP transport over %s sockets', (_name, config) => {
  test.each(transportConformance)('$name', async ({ run }) => {
    await using a = await open(config);
    await using b = await open(config);
    await run(a, b, {
      settle: async (promise) => await promise,
      rest,
      refused: await freePort(),
      pair: async () => [await open(config), await open(config)],
    });
  });
});

async function open(config: TcpTransportConfig): Promise<Transport> {
  return await createTcpTransport({ config, runtime: nodeRuntime() });
}
