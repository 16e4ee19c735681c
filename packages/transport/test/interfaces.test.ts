import { describe, expect, test } from 'vitest';
import { AdvertiseError } from '../src/errors.ts';
import {
  type NetworkInterface,
  privateInterfaceNames,
  selectFirstAddress,
  selectPrivateAddress,
} from '../src/interfaces.ts';
import { formatIp, parseNetwork } from '../src/ip.ts';
import { defaultRouteOf, nodeInterfaces } from '../src/node-interfaces.ts';

function nic(name: string, blocks: readonly string[], defaultRoute = false): NetworkInterface {
  const addresses = blocks.map(parseNetwork).filter((block) => block !== undefined);
  return { name, addresses, defaultRoute };
}

function privateOf(...interfaces: readonly NetworkInterface[]): string | undefined {
  const ip = selectPrivateAddress(interfaces);
  return ip && formatIp(ip);
}

describe('the private address of a machine', () => {
  test('is on the interface of the default route if that has one', () => {
    const other = nic('eth1', ['10.0.0.1/8']);
    expect(privateOf(other, nic('eth0', ['192.168.1.2/24'], true))).toBe('192.168.1.2');
    expect(privateOf(other, nic('eth0', ['8.8.8.8/24'], true))).toBe('10.0.0.1');
  });

  test('is rather IPv4 than IPv6, and of the larger network', () => {
    expect(privateOf(nic('a', ['fd00::1/8', '192.168.1.2/24', '172.16.0.5/16']))).toBe(
      '172.16.0.5',
    );
    expect(privateOf(nic('a', ['fd00::1/64']))).toBe('fd00::1');
  });

  test.each([
    ['127.0.0.1/8', undefined],
    ['169.254.1.1/16', undefined],
    ['8.8.8.8/24', undefined],
    ['203.0.113.5/24', undefined],
    ['::1/128', undefined],
    ['fe80::1/64', undefined],
    ['2001:db8::1/64', undefined],
    ['2001:10::1/64', undefined],
    ['2600::1/64', undefined],
    ['100.64.0.1/10', '100.64.0.1'],
    ['192.88.99.1/24', '192.88.99.1'],
    ['198.18.0.1/15', '198.18.0.1'],
    ['2002::1/16', '2002::1'],
    ['2001::5/32', '2001::5'],
    ['64:ff9b::1/96', '64:ff9b::1'],
    ['100::1/64', '100::1'],
  ])('counts %s as %s', (block, expected) => {
    expect(privateOf(nic('a', [block]))).toBe(expected);
  });
});

describe('the first address of interfaces', () => {
  const both = { names: [], enableIpv6: true };
  const only4 = { names: [], enableIpv6: false };
  const firstOf = (
    interfaces: readonly NetworkInterface[],
    options: { readonly names: readonly string[]; readonly enableIpv6: boolean },
  ) => {
    const { ip, linkLocal } = selectFirstAddress(interfaces, options);
    return `${formatIp(ip)}${linkLocal ? ' (link-local)' : ''}`;
  };

  test('skips loopback, and IPv6 unless enabled', () => {
    const interfaces = [
      nic('lo', ['127.0.0.1/8', '::1/128']),
      nic('a', ['2600::1/64', '8.8.8.8/24']),
    ];
    expect(firstOf(interfaces, only4)).toBe('8.8.8.8');
    expect(firstOf(interfaces, both)).toBe('2600::1');
  });

  test('looks further for IPv6 when that is enabled, and else takes what it has', () => {
    expect(firstOf([nic('a', ['8.8.8.8/24']), nic('b', ['2600::1/64'])], both)).toBe('2600::1');
    expect(firstOf([nic('a', ['8.8.8.8/24']), nic('b', ['9.9.9.9/24'])], both)).toBe('8.8.8.8');
  });

  test('takes a link-local address only when there is no other', () => {
    const linkLocal = nic('a', ['169.254.1.1/16']);
    expect(firstOf([linkLocal, nic('b', ['10.0.0.1/8'])], only4)).toBe('10.0.0.1');
    expect(firstOf([linkLocal], only4)).toBe('169.254.1.1 (link-local)');
    expect(firstOf([nic('a', ['fe80::1/64', '10.0.0.1/8'])], both)).toBe('10.0.0.1');
  });

  test('follows the order of the names', () => {
    const interfaces = [nic('a', ['10.0.0.1/8']), nic('b', ['10.0.0.2/8'])];
    expect(firstOf(interfaces, { names: ['b', 'a'], enableIpv6: false })).toBe('10.0.0.2');
    expect(firstOf(interfaces, { names: ['c', 'a'], enableIpv6: false })).toBe('10.0.0.1');
  });

  test('fails with the names that were searched when there is none', () => {
    const search = () =>
      selectFirstAddress([nic('lo', ['127.0.0.1/8'])], { names: ['x', 'y'], enableIpv6: true });
    expect(search).toThrow(AdvertiseError);
    expect(search).toThrow(/\[x, y\].*lo/);
  });
});

test('private interfaces are those with a site-local address, else the usual names', () => {
  const interfaces = [nic('a', ['8.8.8.8/24']), nic('b', ['fd00::1/64']), nic('c', ['10.0.0.1/8'])];
  expect(privateInterfaceNames(interfaces)).toEqual(['b', 'c']);
  expect(privateInterfaceNames([nic('a', ['100.64.0.1/10'])])).toEqual(['eth0', 'en0']);
});

test('the default route is the one with the smallest metric that is up', () => {
  const head = 'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT';
  const table = [
    head,
    'eth0\t0000FEA9\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
    'wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0',
    'eth1\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0',
    'eth2\t00000000\t0100A8C0\t0002\t0\t0\t1\t00000000\t0\t0\t0',
  ].join('\n');
  expect(defaultRouteOf(table)).toBe('eth1');
  expect(defaultRouteOf(head)).toBeUndefined();
});

test('the loopback interface of this machine is found with its network', () => {
  const addresses = nodeInterfaces().flatMap((owner) => owner.addresses);
  const loopback = addresses.find(({ ip }) => formatIp(ip) === '127.0.0.1');
  expect(loopback?.prefixBits).toBe(8);
});
