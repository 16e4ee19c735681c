import { createHash } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32, fnv1, fnv1a, md5 } from '../src/hash.ts';
import { seededRandom } from '../src/index.ts';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const nodeMd5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

describe('md5', () => {
  test.each([
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    [
      '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
      '57edf4a22be3c955ac49da2e2107b67a',
    ],
  ])('of %j is as in RFC 1321', (input, digest) => {
    expect(hex(md5(text(input)))).toBe(digest);
  });

  test('agrees with node:crypto at every length around the block boundaries', () => {
    const bytes = seededRandom(1).bytes(300);
    for (let length = 0; length <= 300; length++) {
      const part = bytes.subarray(0, length);
      expect(hex(md5(part))).toBe(nodeMd5(part));
    }
  });

  test('agrees with node:crypto on any bytes, at any offset of a buffer, and on 1 MB', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(7), (bytes, offset) => {
        const part = bytes.subarray(Math.min(offset, bytes.length));
        expect(hex(md5(part))).toBe(nodeMd5(part));
      }),
    );
    const large = seededRandom(2).bytes(1_000_003);
    expect(hex(md5(large))).toBe(nodeMd5(large));
  });
});

describe('crc32', () => {
  test('has the check value of the catalogue', () => {
    expect(crc32(text('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array())).toBe(0);
  });

  test('agrees with zlib on any bytes and on 1 MB', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(crc32(bytes)).toBe(zlibCrc32(bytes));
      }),
    );
    const large = seededRandom(3).bytes(1_000_003);
    expect(crc32(large)).toBe(zlibCrc32(large));
  });

  test('of two parts in a row is that of the whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes));
      }),
    );
  });
});

describe('fnv', () => {
  test.each([
    ['', 0x811c9dc5, 0x811c9dc5],
    ['a', 0x050c5d7e, 0xe40c292c],
    ['foobar', 0x31f0b262, 0xbf9cf968],
  ])('of %j is as in the authors’ test vectors', (input, expected1, expected1a) => {
    expect(fnv1(text(input))).toBe(expected1);
    expect(fnv1a(text(input))).toBe(expected1a);
  });

  test('of two parts in a row is that of the whole', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        const whole = Uint8Array.from([...a, ...b]);
        expect(fnv1(b, fnv1(a))).toBe(fnv1(whole));
        expect(fnv1a(b, fnv1a(a))).toBe(fnv1a(whole));
      }),
    );
  });
});
