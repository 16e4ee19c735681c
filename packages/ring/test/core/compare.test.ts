import { describe, expect, test } from 'vitest';
import { compareRings } from '../../src/core/compare.ts';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc, type InstanceFields } from '../../src/core/instance.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { vectors } from '../support/vectors.ts';

const base = new InstanceDesc({
  ...InstanceDesc.of({ id: 'a', addr: 'addr', zone: 'zone', tokens: Tokens.of([1, 2]) }),
  heartbeatUnixS: 10,
});

const changes: Readonly<Record<string, Partial<InstanceFields>>> = {
  same: {},
  addr: { addr: 'other' },
  id: { encodedId: '' },
  readOnly: { readOnly: true },
  readOnlyUpdated: { readOnlyUpdatedUnixS: 5 },
  registered: { registeredUnixS: 5 },
  state: { stateCode: 1 },
  timestamp: { heartbeatUnixS: 11 },
  zone: { zone: 'other' },
};

const names: Readonly<Record<string, string>> = {
  Equal: 'equal',
  EqualButStatesAndTimestamps: 'states-and-heartbeats',
  Different: 'different',
};

describe('comparing', () => {
  // The order of tokens does not count here: they are sets.
  const cases = Object.entries(vectors.misc.ringCompare).filter(
    ([name]) => name !== 'tokens order',
  );

  test.each(cases)('a change of %s is %s, as in the reference', (name, result) => {
    const changed = new InstanceDesc({ ...base, ...changes[name] });
    expect(changes).toHaveProperty(name);
    expect(compareRings(RingDesc.of([base]), RingDesc.of([changed]))).toBe(names[result]);
  });

  test.each([
    { name: 'tokens', change: { tokens: Tokens.of([1, 3]) } },
    { name: 'versions', change: { versions: new Map([[1n, 1n]]) } },
  ])('other $name make another topology', ({ change }) => {
    const changed = new InstanceDesc({ ...base, ...change });
    expect(compareRings(RingDesc.of([base]), RingDesc.of([changed]))).toBe('different');
  });

  test('an instance more or another id is another topology', () => {
    const ring = RingDesc.of([base]);
    expect(compareRings(ring, ring.set(InstanceDesc.of({ id: 'b' })))).toBe('different');
    expect(compareRings(ring, RingDesc.of([new InstanceDesc({ ...base, id: 'b' })]))).toBe(
      'different',
    );
  });
});
