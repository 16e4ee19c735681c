import { encodeStreamMessage } from '@ml/gossip/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzMessage } from '../../fuzz/wire-message.ts';
import { fuzzPacket } from '../../fuzz/wire-packet.ts';
import { fuzzStream } from '../../fuzz/wire-stream.ts';
import { fromHex, inputOf, vectors } from '../vectors/load.ts';
import { noise } from './noise.ts';

const seeds: readonly Uint8Array[] = [
  ...vectors('encode/'),
  ...vectors('decode/'),
  ...vectors('hostile/'),
  ...vectors('flow/'),
  ...vectors('live/'),
]
  .flatMap((row) => [row.hex, String(inputOf(row, 'streamIn') ?? '')])
  .map((hex) => fromHex(hex).subarray(0, 3000))
  .concat(
    encodeStreamMessage(
      { type: 'user', payload: noise(2000) },
      { compress: true, alwaysCompress: true },
    ),
  );

/** A vector with some bytes changed, cut out or doubled. */
const mutated = fc
  .tuple(
    fc.nat(seeds.length - 1),
    fc.array(fc.tuple(fc.nat(4000), fc.nat(255), fc.nat(3)), { minLength: 1, maxLength: 6 }),
  )
  .map(([index, changes]) => {
    let bytes = [...(seeds[index] ?? [])];
    for (const [where, value, kind] of changes) {
      const at = bytes.length === 0 ? 0 : where % bytes.length;
      if (kind === 0) bytes[at] = value;
      else if (kind === 1) bytes.splice(at, 1 + (value & 7));
      else if (kind === 2) bytes.splice(at, 0, value);
      else bytes = [...bytes.slice(0, at), ...bytes.slice(at >> 1)].slice(0, 6000);
    }
    return Uint8Array.from(bytes);
  });

describe.each([
  ['decodeMessage', fuzzMessage],
  ['decodePacket', fuzzPacket],
  ['StreamDecoder', fuzzStream],
])('%s', (_, target) => {
  it('holds its promises on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), target), { numRuns: 1500 });
  });

  it('holds its promises on damaged messages', () => {
    fc.assert(fc.property(mutated, target), { numRuns: 3000 });
  });

  it('holds its promises on every vector with every byte flipped', () => {
    const flipEach = (seed: Uint8Array): void => {
      const bytes = seed.slice(0, 200);
      for (let at = 0; at < bytes.length; at += 1) {
        const kept = bytes[at] ?? 0;
        bytes[at] = kept ^ 0xff;
        target(bytes);
        bytes[at] = kept;
      }
    };
    for (const seed of seeds) expect(() => flipEach(seed)).not.toThrow();
  });
});
