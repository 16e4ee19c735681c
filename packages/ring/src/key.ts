import { fnv1a } from '@ml/runtime/hash';
import { encodeUtf8 } from './core/utf8.ts';

/** The ring key of a text: FNV-1a, 32 bits, over its UTF-8 bytes. As most dskit rings hash tenants and jobs. */
export function hashKey(text: string): number {
  return fnv1a(encodeUtf8(text));
}
