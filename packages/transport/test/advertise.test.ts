import { describe, expect, test } from 'vitest';
import { type AdvertiseInput, chooseAdvertised } from '../src/advertise.ts';
import { AdvertiseError } from '../src/errors.ts';
import { parseNetwork } from '../src/ip.ts';

const interfaces = [
  {
    name: 'eth0',
    defaultRoute: true,
    addresses: ['10.1.2.3/16', '2600::7/64'].map(parseNetwork).filter((ip) => ip !== undefined),
  },
];

const base: AdvertiseInput = {
  advertiseAddr: '',
  advertisePort: 7946,
  bindAddr: '127.0.0.1',
  boundPort: 40_000,
  interfaces,
};

function advertisedOf(changes: Partial<AdvertiseInput>): string {
  const { address, ip } = chooseAdvertised({ ...base, ...changes });
  return `${address.host} ${address.port}, ${ip.length} bytes`;
}

// T-11
describe('the advertised address', () => {
  test('set: goes with the advertise port, not the bound one, in 16 bytes', () => {
    expect(advertisedOf({ advertiseAddr: '10.9.9.9' })).toBe('10.9.9.9 7946, 16 bytes');
    expect(advertisedOf({ advertiseAddr: '10.9.9.9', advertisePort: 80 })).toBe(
      '10.9.9.9 80, 16 bytes',
    );
    expect(advertisedOf({ advertiseAddr: '2001:DB8::1' })).toBe('2001:db8::1 7946, 16 bytes');
  });

  test('bound to 0.0.0.0 or to nothing: a private address, in 16 bytes', () => {
    expect(advertisedOf({ bindAddr: '0.0.0.0' })).toBe('10.1.2.3 40000, 16 bytes');
    expect(advertisedOf({ bindAddr: '', advertisePort: 80 })).toBe('10.1.2.3 40000, 16 bytes');
  });

  test('bound to ::: the first usable address, IPv6 preferred', () => {
    expect(advertisedOf({ bindAddr: '::' })).toBe('2600::7 40000, 16 bytes');
  });

  test('bound to one address: that one, IPv4 in 4 bytes', () => {
    expect(advertisedOf({})).toBe('127.0.0.1 40000, 4 bytes');
    expect(advertisedOf({ bindAddr: '::ffff:127.0.0.1' })).toBe('127.0.0.1 40000, 4 bytes');
    expect(advertisedOf({ bindAddr: '::1' })).toBe('::1 40000, 16 bytes');
  });

  test('another spelling of the wildcard advertises the wildcard itself', () => {
    expect(advertisedOf({ bindAddr: '0:0:0:0:0:0:0:0' })).toBe(':: 40000, 16 bytes');
  });

  test('that is no IP is refused by name', () => {
    expect(() => advertisedOf({ advertiseAddr: 'node-1' })).toThrow(AdvertiseError);
    expect(() => advertisedOf({ advertiseAddr: 'node-1' })).toThrow(/"node-1"/);
  });

  test('must be set on a machine without private addresses', () => {
    expect(() => advertisedOf({ bindAddr: '0.0.0.0', interfaces: [] })).toThrow(/advertise-addr/);
  });
});
