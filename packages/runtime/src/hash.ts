export { crc32 } from './crc32.ts';
export { FNV_OFFSET_32, fnv1, fnv1a } from './fnv.ts';
export { md5 } from './md5.ts';
