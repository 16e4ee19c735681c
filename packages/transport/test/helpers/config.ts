import { type PartialConfig, resolveConfig } from '@ml/runtime/config';
import { type TcpTransportConfig, tcpTransportConfig } from '../../src/tcp/config.ts';

/** The defaults with some settings changed. */
export function tcpConfig(changes: PartialConfig<TcpTransportConfig> = {}): TcpTransportConfig {
  return resolveConfig(tcpTransportConfig, changes);
}

/** Settings for one node on loopback at a free port. */
export function loopbackConfig(
  changes: PartialConfig<TcpTransportConfig> = {},
): TcpTransportConfig {
  return tcpConfig({ bindAddrs: ['127.0.0.1'], bindPort: 0, ...changes });
}

/** Settings of TLS with the fixtures' certificate of that name. */
export function tlsConfig(
  name: string,
  changes: PartialConfig<TcpTransportConfig> = {},
): TcpTransportConfig {
  return loopbackConfig({
    tlsEnabled: true,
    tlsCertPath: tlsFixture(`${name}.pem`),
    tlsKeyPath: tlsFixture(`${name}-key.pem`),
    tlsCaPath: tlsFixture('ca.pem'),
    ...changes,
  });
}

export function tlsFixture(file: string): string {
  return new URL(`../fixtures/tls/${file}`, import.meta.url).pathname;
}
