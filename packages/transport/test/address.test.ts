import { describe, expect, test } from 'vitest';
import {
  compareAddresses,
  formatAddress,
  parseAddress,
  sameAddress,
  tryParseAddress,
} from '../src/address.ts';
import { AddressError } from '../src/errors.ts';

describe('an address', () => {
  test.each(['10.0.0.1:7946', '[2001:db8::1]:7946', '[::]:0', '127.0.0.1:65535'])(
    '%s reads and writes alike',
    (text) => {
      expect(formatAddress(parseAddress(text))).toBe(text);
    },
  );

  test.each([
    '',
    ':7946',
    '10.0.0.1',
    '10.0.0.1:',
    '10.0.0.1:65536',
    '10.0.0.1:-1',
    '10.0.0.1:7946x',
    '2001:db8::1:7946',
    '::1',
    '[10.0.0.1]:7946',
    '[::1]7946',
    '[::1:7946',
    'localhost:7946',
    'a\nb:1',
  ])('%j is no address', (text) => {
    expect(tryParseAddress(text)).toBeUndefined();
  });

  test('the error of a wrong setting shows the text and a right example', () => {
    expect(() => parseAddress('localhost:1')).toThrow(AddressError);
    expect(() => parseAddress('localhost:1')).toThrow(/"localhost:1".*10\.0\.0\.1:7946/);
  });

  test('hosts are compared as IPs, then ports', () => {
    const at = (host: string, port: number) => ({ host, port });
    expect(sameAddress(at('::ffff:10.0.0.1', 1), at('10.0.0.1', 1))).toBe(true);
    expect(sameAddress(at('10.0.0.1', 1), at('10.0.0.1', 2))).toBe(false);
    const sorted = [
      at('b', 1),
      at('10.0.0.10', 1),
      at('a', 1),
      at('10.0.0.9', 2),
      at('10.0.0.9', 1),
    ];
    sorted.sort(compareAddresses);
    expect(sorted.map(formatAddress)).toEqual([
      '10.0.0.9:1',
      '10.0.0.9:2',
      '10.0.0.10:1',
      'a:1',
      'b:1',
    ]);
  });
});
