import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type InstanceVersion,
  type LwwItem,
  LwwMap,
  UsageStatsSeed,
  Versions,
} from '../../src/index.ts';
import { LawBroken, type MergeLaw, mergeLaws } from '../../src/laws.ts';

function sorted(value: object): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return item.toString();
    return item instanceof Map
      ? [...item].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
      : item;
  });
}

function checkAll<T>(laws: readonly MergeLaw<T>[], value: fc.Arbitrary<T>): void {
  test.each(laws)('$name', ({ check }) => {
    fc.assert(fc.property(value, value, check), { numRuns: 500 });
  });
}

const name = fc.constantFrom('a', 'b', 'c');
const time = fc.nat(5);

describe('LwwMap keeps the laws of mergeables', () => {
  const item: fc.Arbitrary<LwwItem<number>> = fc.oneof(
    fc.record({ type: fc.constant('value' as const), value: fc.nat(2), updatedUnixMs: time }),
    fc.record({ type: fc.constant('tombstone' as const), updatedUnixMs: time }),
  );
  const map = fc.array(fc.tuple(name, item)).map((entries) => new LwwMap(new Map(entries)));
  checkAll(mergeLaws({ show: (value: LwwMap<number>) => sorted(value.items), nowUnixMs: 3 }), map);
});

describe('Versions keep the laws of mergeables', () => {
  // What an instance says of one moment is one statement: the type does not order two of the same time.
  const instance: fc.Arbitrary<InstanceVersion> = fc
    .record({ id: name, at: time, left: fc.boolean() })
    .map(({ id, at, left }) => ({
      id,
      addr: `${id}:${at}`,
      timestampUnixNs: BigInt(at) * 1_000_000n,
      querierApi: BigInt(at),
      left,
    }));
  const versions = fc
    .array(instance)
    .map((list) => new Versions(new Map(list.map((entry) => [entry.id, entry]))));
  checkAll(
    mergeLaws({ show: (value: Versions) => sorted(value.instances), nowUnixMs: 9 }),
    versions,
  );
});

describe('UsageStatsSeed keeps the laws of mergeables', () => {
  const seed = fc
    .record({ uid: name, at: fc.constantFrom('', '.1', '.10', '.123456789', '.123456788') })
    .map(
      ({ uid, at }) => new UsageStatsSeed({ UID: uid, created_at: `2024-05-01T10:00:00${at}Z` }),
    );
  const show = (value: UsageStatsSeed) => value.uid + value.createdAt.replace('.10', '.1');
  checkAll(mergeLaws({ show, removable: false }), seed);
});

describe('the checks of laws', () => {
  test('find a type that forgets to merge', () => {
    class Stubborn {
      readonly text: string;
      constructor(text: string) {
        this.text = text;
      }
      merge() {
        return { value: this, change: undefined };
      }
      mergeContent() {
        return [this.text];
      }
      removeTombstones() {
        return { value: this, total: 0, removed: 0 };
      }
    }
    const laws = mergeLaws<Stubborn>({ show: ({ text }) => text });
    const broken = laws.filter(({ check }) => {
      try {
        check(new Stubborn('a'), new Stubborn('b'));
        return false;
      } catch (error) {
        expect(error).toBeInstanceOf(LawBroken);
        return true;
      }
    });
    expect(broken.map((law) => law.name)).toContain('the order of two values does not matter');
  });
});
