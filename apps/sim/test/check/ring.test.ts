import type { AnyMergeable, MergeOutcome } from '@ml/kv';
import { describe, expect, test } from 'vitest';
import { lookupsAreDistinct } from '../../src/check/lookups-distinct.ts';
import { mergeLawsHold } from '../../src/check/merge-laws.ts';
import { nothingResurrects } from '../../src/check/nothing-resurrects.ts';
import { acceptedWritesAreKept } from '../../src/check/writes-kept.ts';
import { seenRing, snapshot } from './checks.ts';

const IDS = ['c-0', 'c-1'];
const GOOD = [
  ['c-0', 'z0'],
  ['c-1', 'z1'],
] as const;

describe('look-ups are distinct', () => {
  const check = lookupsAreDistinct();

  test('holds for different instances in different zones', () => {
    const good = snapshot({ ring: seenRing(IDS, GOOD) });
    expect(check.during?.(good)).toBeUndefined();
    expect(check.atEnd?.(good)).toBeUndefined();
  });

  test('catches an instance that comes twice', () => {
    const twice = seenRing(IDS, [...GOOD, ['c-0', 'z2']]);
    expect(check.during?.(snapshot({ ring: twice }))).toMatch(/an instance comes twice/);
  });

  test('catches a zone that comes twice, only where zones count', () => {
    const same = [
      ['c-0', 'z0'],
      ['c-1', 'z0'],
    ] as const;
    expect(check.during?.(snapshot({ ring: seenRing(IDS, same) }))).toMatch(/a zone comes twice/);
    const unaware = seenRing(IDS, same, { zoneAware: false });
    expect(check.during?.(snapshot({ ring: unaware }))).toBeUndefined();
  });

  test('catches a zone that is left out, and a ring without an answer, when all is well', () => {
    const short = snapshot({ ring: seenRing(IDS, GOOD.slice(0, 1)) });
    expect(check.during?.(short)).toBeUndefined();
    expect(check.atEnd?.(short)).toMatch(/1 replicas where there is room for 2/);
    const lookups = [{ key: 7, instances: undefined }];
    const silent = snapshot({ ring: seenRing(IDS, GOOD, { lookups }) });
    expect(check.atEnd?.(silent)).toMatch(/no answer/);
  });
});

describe('nothing resurrects', () => {
  test('catches an instance that is back after it was gone', () => {
    const check = nothingResurrects({ gone: new Set(['c-2']) });
    const without = snapshot({ ring: seenRing(IDS, GOOD) });
    const back = snapshot({ ring: seenRing([...IDS, 'c-2'], GOOD) });
    expect(check.during?.(back)).toBeUndefined();
    expect(check.during?.(without)).toBeUndefined();
    expect(check.during?.(back)).toMatch(/c-2, which has left, is back/);
  });

  test('catches one that never goes', () => {
    const check = nothingResurrects({ gone: new Set(['c-2']) });
    const still = snapshot({ ring: seenRing([...IDS, 'c-2'], GOOD) });
    expect(check.atEnd?.(still)).toMatch(/still in the ring/);
  });
});

describe('accepted writes are kept', () => {
  test('catches one that a node does not hold', () => {
    const held = new Set(['c-0/1', 'c-0/2']);
    const writes = {
      accepted: () => [
        { cluster: 'c', item: 'c-0/1' },
        { cluster: 'other', item: 'other-0/1' },
      ],
      held: () => held,
    };
    const good = snapshot({ ring: seenRing(IDS, GOOD) });
    expect(acceptedWritesAreKept(writes).atEnd?.(good)).toBeUndefined();
    held.delete('c-0/1');
    expect(acceptedWritesAreKept(writes).atEnd?.(good)).toMatch(/does not hold c-0\/1/);
  });
});

/** A value that keeps what it merged last: not commutative. */
class Careless implements AnyMergeable {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  merge(incoming: AnyMergeable): MergeOutcome<AnyMergeable> {
    if (show(incoming) === this.text) return { value: this, change: undefined };
    return { value: incoming, change: incoming };
  }

  mergeContent(): readonly string[] {
    return ['item'];
  }

  removeTombstones(): { value: AnyMergeable; total: number; removed: number } {
    return { value: this, total: 0, removed: 0 };
  }
}

function show(value: AnyMergeable): string {
  return value instanceof Careless ? value.text : '';
}

describe('merge laws hold', () => {
  test('catches values whose merge depends on the order', () => {
    const values = [new Careless('a'), new Careless('b')];
    const check = mergeLawsHold({ current: () => values, show, nowUnixMs: () => 0 });
    expect(check.during?.(snapshot())).toMatch(/order of two values/);
    expect(check.atEnd?.(snapshot())).toMatch(/order of two values/);
    const alone = mergeLawsHold({ current: () => values.slice(0, 1), show, nowUnixMs: () => 0 });
    expect(alone.during?.(snapshot())).toBeUndefined();
  });
});
