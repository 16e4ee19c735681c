import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { Tokens } from '../../src/index.ts';
import { createPartitionRingCodec, partitionRingCodec } from '../../src/partition/codec.ts';
import { PartitionRingDesc } from '../../src/partition/desc.ts';
import { OwnerDesc, PartitionDesc, partitionTokens } from '../../src/partition/partition.ts';
import { decodePartitionRing, encodePartitionRing } from '../../src/wire/partition-ring-desc.ts';
import { partitionRingOf, plainPartitionRing } from '../support/partitions.ts';
import { requestVectors } from '../support/request-vectors.ts';
import { fromHex, toHex } from '../support/vectors.ts';

const none = { derivedTokenSchemes: new Set<string>() };
const read = (hex: string): PartitionRingDesc => decodePartitionRing(fromHex(hex), none);
const schema = await protobuf.load(
  new URL('../../src/wire/partition-ring.proto', import.meta.url).pathname,
);
const oracle = schema.lookupType('ring.PartitionRingDesc');

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const unixS = fc.oneof(fc.constant(0), fc.integer({ min: -5, max: 4_000_000_000 }));
/** Ids as maps of the oracle keep them: `__proto__` is special there. */
const text = fc.string({ unit: 'grapheme', maxLength: 9 }).filter((id) => id !== '__proto__');

const partitions = fc
  .record({
    id: int32,
    tokens: fc.array(fc.integer({ min: 0, max: 0xffffffff })).map((values) => Tokens.of(values)),
    stateCode: fc.integer({ min: 0, max: 9 }),
    stateUnixS: unixS,
    encodedId: int32,
    locked: fc.boolean(),
    lockedUnixS: unixS,
    tokenScheme: fc.constant(''),
    unknownFields: fc.constantFrom(new Uint8Array(0), Uint8Array.of(0x40, 5)),
  })
  .map((fields) => new PartitionDesc(fields));
const owners = fc
  .record({
    id: text,
    partitionId: int32,
    stateCode: fc.integer({ min: 0, max: 5 }),
    updatedUnixS: unixS,
    unknownFields: fc.constant(new Uint8Array(0)),
  })
  .map((fields) => new OwnerDesc(fields));
const rings = fc
  .tuple(fc.array(partitions, { maxLength: 4 }), fc.array(owners, { maxLength: 4 }))
  .map(([some, others]) => PartitionRingDesc.of(some, others));

describe('encoding', () => {
  test.each(requestVectors.encoding)('$name reads and writes as the reference does', (vector) => {
    const expected = plainPartitionRing(partitionRingOf(vector.json));
    expect(plainPartitionRing(read(vector.hex))).toEqual(expected);
    expect(plainPartitionRing(partitionRingCodec.decode(fromHex(vector.codecHex)))).toEqual(
      expected,
    );
    expect(toHex(encodePartitionRing(read(vector.hex)))).toBe(vector.hex);
  });

  test('any ring survives, unknown fields included', () => {
    fc.assert(
      fc.property(rings, (ring) => {
        const again = partitionRingCodec.decode(partitionRingCodec.encode(ring));
        expect(plainPartitionRing(again)).toEqual(plainPartitionRing(ring));
      }),
    );
  });

  test('agrees with the schema', () => {
    fc.assert(
      fc.property(rings, (ring) => {
        const { partitions: theirPartitions, owners: theirOwners } = oracle.toObject(
          oracle.decode(encodePartitionRing(ring)),
          {
            longs: Number,
            defaults: true,
          },
        );
        expect(
          Object.keys(theirPartitions)
            .map(Number)
            .sort((a, b) => a - b),
        ).toEqual(ring.partitions.map(({ id }) => id));
        for (const partition of ring.partitions) {
          expect(theirPartitions[String(partition.id)]).toMatchObject({
            tokens: Array.from(partition.tokens),
            state: partition.stateCode,
            stateTimestamp: partition.stateUnixS,
            id: partition.encodedId,
            stateChangeLocked: partition.locked,
            stateChangeLockedTimestamp: partition.lockedUnixS,
          });
        }
        for (const owner of ring.owners) {
          expect(theirOwners[owner.id]).toMatchObject({
            ownedPartition: owner.partitionId,
            state: owner.stateCode,
            updatedTimestamp: owner.updatedUnixS,
          });
        }
      }),
    );
  });
});

describe('reading', () => {
  test('accepts the value before the key, single tokens, and the last of several entries', () => {
    const ring = read('0a0a' + '1206' + '0803' + '0a020501' + '0801');
    expect(Array.from(ring.partition(1)?.tokens ?? [])).toEqual([1, 3, 5]);
    expect(read('0a0608011202' + '1001' + '0a0608011202' + '1002').partition(1)?.state).toBe(
      'Active',
    );
  });

  test('keeps state numbers without a name', () => {
    expect(read('0a0608011202' + '1009').partition(1)).toMatchObject({
      stateCode: 9,
      state: 'Unknown',
    });
  });

  test.each([
    ['a length beyond the end', '0a05'],
    ['a wrong wire type of a partition', '0a0608011202' + '1201'],
    ['a wrong wire type of the ring', '0801'],
    ['a wrong wire type of an entry', '0a020a00'],
    ['a wrong wire type of an owner', '12060a001202' + '0a00'],
    ['a token cut off', '0a0708011203' + '0a0180'],
  ])('refuses %s', (_name, hex) => {
    expect(() => read(hex)).toThrow(expect.objectContaining({ code: 'ML_RING_WIRE' }));
  });

  test('of any bytes ends in a ring or in an error that says so', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodePartitionRing(bytes, none);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ML_RING_WIRE' });
        }
      }),
    );
  });

  test('of what is no partition ring fails as a codec error', () => {
    expect(() => partitionRingCodec.decode(Uint8Array.of(2, 4, 8, 1))).toThrow(
      expect.objectContaining({ code: 'ML_KV_CODEC' }),
    );
  });
});

describe('a partition without tokens under a token scheme', () => {
  const bytes = (id: number, scheme: string): Uint8Array =>
    partitionRingCodec.encode(
      PartitionRingDesc.of([PartitionDesc.of({ id }).with({ tokenScheme: scheme })]),
    );

  test('gets the tokens of its number when the scheme is known', () => {
    const codec = createPartitionRingCodec({ derivedTokenSchemes: ['spread'] });
    const ring = codec.decode(bytes(3, 'spread'));
    expect(ring.partition(3)?.tokens.equals(partitionTokens(3))).toBe(true);
    expect(partitionRingCodec.decode(codec.encode(ring)).partition(3)?.tokens.size).toBe(512);
  });

  test('is refused when the scheme is not known', () => {
    expect(() => partitionRingCodec.decode(bytes(3, 'other'))).toThrow(/token scheme.*"other"/);
  });

  test('is refused when deriving would cost too much', () => {
    const codec = createPartitionRingCodec({ derivedTokenSchemes: ['spread'] });
    for (const id of [-1, 2048]) expect(() => codec.decode(bytes(id, 'spread'))).toThrow(/derived/);
  });
});
