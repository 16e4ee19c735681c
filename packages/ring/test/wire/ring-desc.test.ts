import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { decodeRingDesc } from '../../src/wire/decode-ring-desc.ts';
import { encodeRingDesc } from '../../src/wire/encode-ring-desc.ts';
import { instances } from '../support/arbitraries.ts';
import { fromHex, plain, ringOf, toHex, vectors } from '../support/vectors.ts';

/** Kept exactly as they came, which the reference does not do. */
const KEPT_BY_US: ReadonlySet<string> = new Set([
  'unknown fields 13 (varint) and 100 (bytes) dropped',
  'start-group unknown field skipped',
]);

/** Written sorted and each once, in whatever order they came. R-16 */
const SORTED_BY_US = 'unsorted tokens kept in order';

describe('encoding', () => {
  test.each(vectors.encoding.encode)('$name reads and writes as the reference does', (vector) => {
    const read = decodeRingDesc(fromHex(vector.hex));
    expect(plain(read)).toEqual(plain(ringOf(vector.json)));
    const sorted = toHex(encodeRingDesc(ringOf(vector.json)));
    expect(toHex(encodeRingDesc(read))).toBe(vector.name === SORTED_BY_US ? sorted : vector.hex);
  });

  test.each(vectors.encoding.decode.filter(({ error }) => error === undefined))(
    '$name is read as the reference reads it',
    ({ hex, json, name }) => {
      const expected = plain(ringOf(json ?? {}));
      if (name === 'invalid utf-8 in addr accepted') {
        expect(decodeRingDesc(fromHex(hex)).get('a')?.addr).toBe('\udcc3(');
      } else {
        expect(plain(decodeRingDesc(fromHex(hex)))).toEqual(expected);
      }
    },
  );

  test.each(
    vectors.encoding.decode.filter(
      ({ error, name }) => error === undefined && !KEPT_BY_US.has(name),
    ),
  )('$name is written again as the reference writes it', ({ hex, reencodedHex }) => {
    expect(toHex(encodeRingDesc(decodeRingDesc(fromHex(hex))))).toBe(reencodedHex);
  });

  test('an instance of 128 tokens is read and written as the reference does', () => {
    const { hex } = z
      .object({ hex: z.string() })
      .parse(
        JSON.parse(
          readFileSync(new URL('../vectors/ring-128-tokens.json', import.meta.url), 'utf8'),
        ),
      );
    const ring = decodeRingDesc(fromHex(hex));
    expect(ring.get('ingester-0')).toMatchObject({
      state: 'LEAVING',
      addr: '10.0.0.1:9095',
      zone: 'zone-a',
      heartbeatUnixS: 1_700_000_000,
      readOnly: true,
      readOnlyUpdatedUnixS: 1_700_000_001,
    });
    const tokens = Array.from({ length: 128 }, (_, i) => i * 33_554_432);
    expect(Array.from(ring.get('ingester-0')?.tokens ?? [])).toEqual(tokens);
    expect(toHex(encodeRingDesc(ring))).toBe(hex);
  });

  test.each(vectors.encoding.decode.filter(({ error }) => error !== undefined))(
    '$name is refused',
    ({ hex }) => {
      expect(() => decodeRingDesc(fromHex(hex))).toThrow(
        expect.objectContaining({ code: 'ML_RING_WIRE' }),
      );
    },
  );

  test.each(vectors.encoding.decode.filter(({ name }) => KEPT_BY_US.has(name)))(
    'fields of a newer schema survive: $name',
    ({ hex }) => {
      const again = encodeRingDesc(decodeRingDesc(fromHex(hex)));
      expect(again).toHaveLength(fromHex(hex).length);
      expect(encodeRingDesc(decodeRingDesc(again))).toEqual(again);
    },
  );

  test('strings that are no UTF-8 are written again byte for byte', () => {
    const hex = '0a090a016112040a02c328';
    expect(toHex(encodeRingDesc(decodeRingDesc(fromHex(hex))))).toBe(hex);
  });

  test('versions are read, and kept when the instance is written again', () => {
    const ring = decodeRingDesc(fromHex('0a0d0a01611208620408011002' + '1001'));
    expect(ring.get('a')?.versions).toEqual(new Map([[1n, 2n]]));
    const moved = ring.get('a')?.with({ heartbeatUnixS: 9 });
    const again = decodeRingDesc(encodeRingDesc(RingDesc.of(moved === undefined ? [] : [moved])));
    expect(again.get('a')?.versions).toEqual(new Map([[1n, 2n]]));
  });

  test('reading many small pieces takes linear time', () => {
    const pieces = 200_000;
    const body = new Uint8Array(2 * pieces).map((_, i) => (i % 2 === 0 ? 0x30 : i & 0x7f));
    const ring = decodeRingDesc(entry(body));
    expect(ring.get('a')?.tokens.size).toBe(64);
  });

  test('any ring is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(instances()), (list) => {
        const ring = RingDesc.of(list);
        expect(plain(decodeRingDesc(encodeRingDesc(ring)))).toEqual(plain(ring.filter(() => true)));
      }),
    );
  });

  test('a ring that is known already changes nothing of what a merge into it brings', () => {
    const rings = fc.array(instances({ ids: fc.constantFrom('a', 'b', 'é', 'name-1', 'name-2') }));
    const later = fc.array(fc.constantFrom(-1, 0, 0, 1));
    fc.assert(
      fc.property(rings, rings, later, (list, others, seconds) => {
        const known = RingDesc.of(others);
        const repeated = known.instances.map((own, i) =>
          own.with({ heartbeatUnixS: own.heartbeatUnixS + (seconds[i] ?? 0) }),
        );
        const bytes = encodeRingDesc(RingDesc.of([...repeated, ...list]));
        const gossip = { localCas: false, nowUnixMs: 0 };
        const alone = known.merge(decodeRingDesc(bytes), gossip);
        const beside = known.merge(decodeRingDesc(bytes, known), gossip);
        expect(plain(beside.value)).toEqual(plain(alone.value));
        expect(beside.change && plain(beside.change)).toEqual(alone.change && plain(alone.change));
      }),
      { numRuns: 500 },
    );
  });

  test('the key counts that came last, also when the one before it is known', () => {
    const own = InstanceDesc.of({ id: 'a', heartbeatUnixS: 9 });
    const value = [0x12, 0x02, 0x10, 0x05];
    const twoKeys = [0x0a, 0x01, 0x61, ...value, 0x0a, 0x01, 0x62];
    for (const body of [twoKeys, [...value, 0x0a, 0x01, 0x62]]) {
      const bytes = Uint8Array.of(0x0a, body.length, ...body);
      const read = decodeRingDesc(bytes, RingDesc.of([own]));
      expect(read.instances.map(({ id, heartbeatUnixS }) => [id, heartbeatUnixS])).toEqual([
        ['b', 5],
      ]);
    }
  });

  test('entries that a merge would not take are those of the known ring', () => {
    const own = InstanceDesc.of({ id: 'a', heartbeatUnixS: 9, tokens: Tokens.of([5, 7]) });
    const known = RingDesc.of([own]);
    const older = own.with({ heartbeatUnixS: 8, tokens: Tokens.of([6]), zone: 'z' });
    for (const other of [older, older.with({ state: 'LEFT' }), older.with({ heartbeatUnixS: 9 })]) {
      expect(decodeRingDesc(encodeRingDesc(RingDesc.of([other])), known).get('a')).toBe(own);
    }
    for (const other of [own.with({ heartbeatUnixS: 10 }), own.with({ state: 'LEFT' })]) {
      const read = decodeRingDesc(encodeRingDesc(RingDesc.of([other])), known).get('a');
      expect(read?.state).toBe(other.state);
      expect(read?.heartbeatUnixS).toBe(other.heartbeatUnixS);
    }
  });

  test('a message that repeats the known ring, in whatever order, is that ring', () => {
    const named = instances({ ids: fc.string({ minLength: 20, maxLength: 80 }) });
    fc.assert(
      fc.property(fc.array(named, { minLength: 1 }), (list) => {
        const known = RingDesc.of(list.map((one) => one.with({ addr: '10.0.0.1:9095'.repeat(4) })));
        const repeated = RingDesc.of(known.instances.toReversed());
        expect(decodeRingDesc(encodeRingDesc(repeated), known)).toBe(known);
      }),
    );
  });

  test('damage is found in tokens of a known instance as well', () => {
    const known = RingDesc.of([InstanceDesc.of({ id: 'a', tokens: Tokens.of([5, 1 << 30]) })]);
    const bytes = encodeRingDesc(
      RingDesc.of(known.instances.map((one) => new InstanceDesc({ ...one, encodedId: '' }))),
    );
    expect(decodeRingDesc(bytes, known).get('a')?.tokens).toBe(known.get('a')?.tokens);
    bytes[bytes.length - 1] = 0x80;
    expect(() => decodeRingDesc(bytes, known)).toThrow(/cut off/);
  });

  test('any bytes are read or refused, never more than refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          for (const { tokens } of decodeRingDesc(bytes)) expect(tokens.size).toBeLessThan(201);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ML_RING_WIRE' });
        }
      }),
    );
  });

  test('a flipped bit in a good message is read or refused', () => {
    const good = vectors.encoding.encode.map(({ hex }) => fromHex(hex)).filter((b) => b.length > 0);
    fc.assert(
      fc.property(fc.constantFrom(...good), fc.nat(), fc.nat(7), (bytes, at, bit) => {
        const damaged = bytes.slice();
        const position = at % bytes.length;
        damaged[position] = (bytes[position] ?? 0) ^ (1 << bit);
        try {
          expect(decodeRingDesc(damaged)).toBeInstanceOf(RingDesc);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ML_RING_WIRE' });
        }
      }),
    );
  });
});

describe('protobufjs as the oracle', () => {
  const root = protobuf.loadSync(new URL('../../src/wire/ring.proto', import.meta.url).pathname);
  const type = root.lookupType('ring.Desc');

  test('it reads what we write', () => {
    fc.assert(
      fc.property(fc.array(instances()), (list) => {
        const ring = RingDesc.of(list);
        const { ingesters } = type.toObject(type.decode(encodeRingDesc(ring)), {
          longs: Number,
          defaults: true,
        });
        expect(
          Object.fromEntries(Object.entries(ingesters ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))),
        ).toEqual(asProto(ring));
      }),
    );
  });

  test('we read what it writes', () => {
    fc.assert(
      fc.property(fc.array(instances()), (list) => {
        const ring = RingDesc.of(list);
        const written = type.encode(type.fromObject({ ingesters: asProto(ring) })).finish();
        expect(plain(decodeRingDesc(written))).toEqual(plain(ring));
      }),
    );
  });
});

function asProto(ring: RingDesc): Readonly<Record<string, object>> {
  return Object.fromEntries(
    ring.instances.map((instance) => [
      instance.id,
      {
        addr: instance.addr,
        timestamp: instance.heartbeatUnixS,
        state: instance.stateCode,
        tokens: Array.from(instance.tokens),
        zone: instance.zone,
        registeredTimestamp: instance.registeredUnixS,
        id: instance.encodedId,
        readOnlyUpdatedTimestamp: instance.readOnlyUpdatedUnixS,
        readOnly: instance.readOnly,
        versions: Object.fromEntries(
          Array.from(instance.versions, ([key, value]) => [String(key), Number(value)]),
        ),
      },
    ]),
  );
}

function entry(body: Uint8Array): Uint8Array {
  const wrapped = encodeRingDesc(
    RingDesc.of([
      ...decodeRingDesc(fromHex('0a050a01611200')).instances.map((empty) =>
        empty.withTokens(Tokens.none),
      ),
    ]),
  );
  expect(toHex(wrapped)).toBe('0a050a01611200');
  const bodyLength = varint(body.length);
  const inner = [0x0a, 0x01, 0x61, 0x12, ...bodyLength];
  return Uint8Array.from([0x0a, ...varint(inner.length + body.length), ...inner, ...body]);
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
