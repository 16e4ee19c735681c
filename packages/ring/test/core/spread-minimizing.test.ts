import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { spreadMinimizingTokenGenerator } from '../../src/core/spread-minimizing.ts';
import { MAX_SPREAD_NUMBER, spreadTokens } from '../../src/core/spread-tokens.ts';
import { TOKEN_SPACE, Tokens } from '../../src/core/tokens.ts';
import { hashOf, requestVectors } from '../support/request-vectors.ts';

const vectors = requestVectors.spreadMinimizing;
const none = { has: () => false };
const abc = ['zone-a', 'zone-b', 'zone-c'];

function generatorOf(instanceId: string, joinInOrder?: boolean) {
  const options = { instanceId, zone: 'zone-a', zones: abc };
  return spreadMinimizingTokenGenerator(
    joinInOrder === undefined ? options : { ...options, joinInOrder },
  );
}

describe('tokens', () => {
  test.each(vectors.cases.filter(({ zoneId }) => zoneId === undefined))(
    'of $instance in $zone are those of dskit',
    ({ instance, zone = '', zones = [], first20, last3, sha256 }) => {
      const generator = spreadMinimizingTokenGenerator({ instanceId: instance, zone, zones });
      const tokens = Array.from(generator.generate(512, none));
      expect(tokens.slice(0, 20)).toEqual(first20);
      expect(tokens.slice(-3)).toEqual(last3);
      expect(hashOf(tokens)).toBe(sha256);
    },
  );

  test.each(vectors.cases.filter(({ zoneId }) => zoneId !== undefined))(
    'of number 200 in zone id $zoneId are those of dskit',
    ({ zoneId = 0, sha256 }) => {
      expect(hashOf(spreadTokens(zoneId, 200))).toBe(sha256);
    },
  );

  test.each(vectors.partial)('$count of them leave out what is taken', (vector) => {
    const taken = new Set(vector.taken);
    const tokens = Array.from(generatorOf('ingester-zone-a-1').generate(vector.count, taken));
    if (vector.tokens !== undefined) expect(tokens).toEqual(vector.tokens);
    expect(tokens).toHaveLength(vector.returned ?? vector.count);
  });

  test('spread ownership by less than 0.2 % over 300 instances in each of 3 zones', () => {
    for (const zoneId of [0, 1, 2]) {
      const owners = Array.from({ length: 300 }, (_, number) =>
        Array.from(spreadTokens(zoneId, number), (token) => ({ token, number })),
      )
        .flat()
        .sort((a, b) => a.token - b.token);
      expect(new Set(owners.map(({ token }) => token)).size).toBe(300 * 512);
      expect(owners.every(({ token }) => token % 8 === zoneId)).toBe(true);
      const owned = new Float64Array(300);
      let previous = (owners.at(-1)?.token ?? 0) - TOKEN_SPACE;
      for (const { token, number } of owners) {
        owned[number] = (owned[number] ?? 0) + token - previous;
        previous = token;
      }
      const least = Math.min(...owned);
      const most = Math.max(...owned);
      expect(1 - least / most).toBeLessThan(0.002);
    }
  });
});

describe('an instance', () => {
  test.each(vectors.constructor)(
    '"$instance" in zone $zone is taken or refused as in dskit',
    (vector) => {
      const make = () =>
        spreadMinimizingTokenGenerator({
          instanceId: vector.instance,
          zone: vector.zone,
          zones: vector.zones,
        });
      if (vector.error === undefined) {
        expect(make().generate(1, none).size).toBe(1);
      } else {
        expect(make).toThrow(expect.objectContaining({ code: 'ML_RING_OPTIONS' }));
      }
    },
  );

  test('with a number beyond the limit is refused by name', () => {
    expect(() => generatorOf(`i-${MAX_SPREAD_NUMBER + 1}`)).toThrow(/instance number 10000 of/);
  });
});

describe('joining in order', () => {
  const ringOf = (init: { state?: 'LEAVING'; tokens?: Tokens }): RingDesc =>
    RingDesc.of([InstanceDesc.of({ id: 'i-0', ...init })]);

  test('number 0 never waits', () => {
    expect(() => generatorOf('i-0', true).checkCanJoin(RingDesc.empty)).not.toThrow();
  });

  test('others wait until the one before them holds tokens, in whatever state', () => {
    const generator = generatorOf('i-1', true);
    expect(generator.waitsForOthers).toBe(true);
    const blocked = expect.objectContaining({ code: 'ML_RING_CANNOT_JOIN' });
    expect(() => generator.checkCanJoin(RingDesc.empty)).toThrow(blocked);
    expect(() => generator.checkCanJoin(ringOf({}))).toThrow(blocked);
    const tokens = Tokens.of([1]);
    expect(() => generator.checkCanJoin(ringOf({ state: 'LEAVING', tokens }))).not.toThrow();
  });

  test('is off unless asked for', () => {
    const generator = generatorOf('i-1');
    expect(generator.waitsForOthers).toBe(false);
    expect(() => generator.checkCanJoin(RingDesc.empty)).not.toThrow();
  });
});
