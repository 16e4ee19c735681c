import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalIp,
  compareIp,
  formatIp,
  networkContains,
  parseIp,
  parseNetwork,
  sameIp,
  toIpv4,
  toIpv6,
} from '../src/ip.ts';

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

describe('IP text', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalIp(text)).toBe(canonical);
  });

  test.each([
    '',
    'localhost',
    '10.0.0',
    '10.0.0.0.1',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.1 ',
    '+1.0.0.1',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    '12345::',
    'fe80::1%eth0',
    '[::1]',
    '1.2.3.4::',
    '::1.2.3',
    ':1:2:3:4:5:6:7',
    'g::',
  ])('%j is no IP address', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  test('every address survives being written and read', () => {
    fc.assert(
      fc.property(fc.oneof(bytesOf(4), bytesOf(16)), (ip) => {
        const text = formatIp(ip);
        const back = text === undefined ? undefined : parseIp(text);
        return back !== undefined && sameIp(back, ip);
      }),
    );
  });

  test('any text is either refused or read as 4 or 16 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789abcdef:.%[]') }), (text) => {
        const ip = parseIp(text);
        return ip === undefined || ip.length === 4 || ip.length === 16;
      }),
    );
  });
});

describe('IP bytes', () => {
  test('the two forms of an IPv4 address are the same address', () => {
    const four = Uint8Array.of(10, 0, 0, 1);
    const sixteen = toIpv6(four) ?? new Uint8Array(0);
    expect(sixteen).toHaveLength(16);
    expect(toIpv4(sixteen)).toEqual(four);
    expect(sameIp(four, sixteen)).toBe(true);
    expect(formatIp(sixteen)).toBe('10.0.0.1');
  });

  test('bytes of another length are no address and equal nothing', () => {
    const odd = Uint8Array.of(1, 2, 3);
    expect(formatIp(odd)).toBeUndefined();
    expect(toIpv4(odd)).toBeUndefined();
    expect(toIpv6(odd)).toBeUndefined();
    expect(sameIp(odd, odd)).toBe(false);
  });

  test('addresses are ordered by number', () => {
    const ip = (text: string) => parseIp(text) ?? new Uint8Array(0);
    expect(compareIp(ip('10.0.0.2'), ip('10.0.0.10'))).toBeLessThan(0);
    expect(compareIp(ip('::2'), ip('::1'))).toBeGreaterThan(0);
  });
});

describe('a block of addresses', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['172.16.0.0/12', '172.31.255.255', true],
    ['172.16.0.0/12', '172.32.0.0', false],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['fc00::/7', 'fd00::1', true],
    ['fc00::/7', 'fe00::1', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '::1', false],
  ])('%s and %s: %s', (block, text, inside) => {
    const network = parseNetwork(block);
    const ip = parseIp(text);
    expect(network !== undefined && ip !== undefined && networkContains(network, ip)).toBe(inside);
  });

  test.each(['10.0.0.0', '10.0.0.0/33', '::/129', 'x/8', '10.0.0.0/', '/8', '10.0.0.0/-1'])(
    '%j is no block',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined();
    },
  );
});
