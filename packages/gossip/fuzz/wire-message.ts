import { assert } from '@ml/runtime';
import { decodeMessage, encodeMessage } from '../src/wire/codec.ts';
import { WireError } from '../src/wire/errors.ts';

/** A message decodes or is a WireError, and what was decoded is encoded and decoded again without change. */
export function fuzzMessage(bytes: Uint8Array): void {
  try {
    const message = decodeMessage(bytes);
    const again = encodeMessage(message);
    assert(
      Buffer.compare(encodeMessage(decodeMessage(again)), again) === 0,
      'a decoded message has one encoding',
    );
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}
