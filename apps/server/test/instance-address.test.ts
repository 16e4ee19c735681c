import { type PartialConfig, resolveConfig } from '@ml/runtime/config';
import { type NetworkInterface, parseIp } from '@ml/transport';
import { describe, expect, test } from 'vitest';
import { type ServerConfig, serverConfig } from '../src/config.ts';
import { instanceAddress } from '../src/instance-address.ts';

function face(name: string, ...ips: readonly string[]): NetworkInterface {
  const addresses = ips.map((ip) => ({ ip: parseIp(ip) ?? new Uint8Array(4), prefixBits: 24 }));
  return { name, addresses, defaultRoute: name === 'eth0' };
}

const lo = face('lo', '127.0.0.1');

function choose(
  interfaces: readonly NetworkInterface[],
  given: PartialConfig<ServerConfig> = {},
): string {
  const config = resolveConfig(serverConfig, given);
  const gossipAddress = { host: '192.0.2.1', port: 7946 };
  const { host, port } = instanceAddress({ config, interfaces, httpPort: 4040, gossipAddress });
  return `${host} ${port}`;
}

describe('a node announces', () => {
  test('a private address of its interfaces', () => {
    expect(choose([lo, face('eth0', '10.1.2.3')])).toBe('10.1.2.3 4040');
  });

  test('the one address that its pages are served at', () => {
    const server = { httpListenAddress: '127.0.0.1' };
    expect(choose([lo, face('eth0', '10.1.2.3')], { server })).toBe('127.0.0.1 4040');
  });

  test.each(['0.0.0.0', '::'])(
    'an interface address when pages are served at %s',
    (httpListenAddress) => {
      const faces = [lo, face('eth0', '10.1.2.3')];
      expect(choose(faces, { server: { httpListenAddress } })).toBe('10.1.2.3 4040');
    },
  );

  test('an address of the interface that it was told', () => {
    const ring = { instanceInterfaceNames: ['eth1'] };
    const faces = [face('eth0', '10.1.2.3'), face('eth1', '198.51.100.7')];
    expect(choose(faces, { ring })).toBe('198.51.100.7 4040');
  });

  test('its gossip host when no interface is of use', () => {
    expect(choose([lo])).toBe('192.0.2.1 4040');
  });

  test('nothing when the interface that it was told has no address', () => {
    const ring = { instanceInterfaceNames: ['eth7'] };
    expect(() => choose([lo, face('eth0', '10.1.2.3')], { ring })).toThrow(/eth7/);
  });
});
