import { createHash } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { bench, describe } from 'vitest';
import { crc32, fnv1a, md5 } from '../src/hash.ts';
import { seededRandom } from '../src/index.ts';

const bytes = seededRandom(1).bytes(1 << 20);

describe('1 MiB', () => {
  bench('md5', () => {
    md5(bytes);
  });
  bench('md5 of node:crypto', () => {
    createHash('md5').update(bytes).digest();
  });
  bench('crc32', () => {
    crc32(bytes);
  });
  bench('crc32 of node:zlib', () => {
    zlibCrc32(bytes);
  });
  bench('fnv1a', () => {
    fnv1a(bytes);
  });
});
