import { createHash } from 'node:crypto';
import { md5 } from '@ml/runtime/hash';

/** MD5 by node:crypto, or by our own code where the crypto library refuses it (FIPS mode). */
export const nodeMd5: (bytes: Uint8Array) => Uint8Array = available()
  ? (bytes) => createHash('md5').update(bytes).digest()
  : md5;

function available(): boolean {
  try {
    createHash('md5');
    return true;
  } catch {
    return false; // FIPS mode; the digest guards framing, not secrets, so our own code is as good
  }
}
