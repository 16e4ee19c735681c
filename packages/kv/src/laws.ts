import type { Mergeable } from './mergeable.ts';

/** One law that every mergeable type must keep: what it says, and a check that throws a {@link LawBroken} when it does not hold. */
export interface MergeLaw<T> {
  readonly name: string;
  check(a: T, b: T): void;
}

/** Thrown by a {@link MergeLaw}: which law, and both sides as the given `show` prints them. */
export class LawBroken extends TypeError {
  constructor(law: string, left: string, right: string) {
    super(`${law} does not hold:\n  ${left}\nis not\n  ${right}`);
    this.name = 'LawBroken';
  }
}

export interface MergeLawsOptions<T> {
  /** The meaning of a value as text: equal values give equal text, whatever the order of their items. */
  readonly show: (value: T) => string;
  /** Time of the merges. Default 0. */
  readonly nowUnixMs?: number;
  /** Whether a local writer can remove items by leaving them out. Default true. */
  readonly removable?: boolean;
}

/**
 * The laws of {@link Mergeable} for two arbitrary values, to be run with a property-based test:
 * `for (const law of mergeLaws({ show })) test(law.name, () => fc.assert(fc.property(value, value, law.check)))`.
 */
export function mergeLaws<T extends Mergeable<T>>(
  options: MergeLawsOptions<T>,
): readonly MergeLaw<T>[] {
  const { show, nowUnixMs = 0, removable = true } = options;
  const merge = (a: T, b: T, localCas = false) => a.merge(b, { localCas, nowUnixMs });
  const same = (law: string, left: T, right: T): void => {
    const [l, r] = [show(left), show(right)];
    if (l !== r) throw new LawBroken(law, l, r);
  };
  const law = (name: string, check: (a: T, b: T, name: string) => void): MergeLaw<T> => ({
    name,
    check: (a, b) => check(a, b, name),
  });
  return [
    law('merging a value into itself changes nothing', (a, _b, name) => {
      const { value, change } = merge(a, a);
      same(name, value, a);
      if (change !== undefined) throw new LawBroken(name, show(change), 'no change');
    }),
    law('merging the same value again changes nothing', (a, b, name) => {
      const once = merge(a, b).value;
      const again = merge(once, b);
      same(name, again.value, once);
      if (again.change !== undefined) throw new LawBroken(name, show(again.change), 'no change');
    }),
    law('the order of two values does not matter', (a, b, name) => {
      same(name, merge(a, b).value, merge(b, a).value);
    }),
    law('the change alone brings another replica to the merged value', (a, b, name) => {
      const { value, change } = merge(a, b);
      same(name, change === undefined ? a : merge(a, change).value, value);
    }),
    law('the change names no item that the merged value does not hold', (a, b, name) => {
      const { value, change } = merge(a, b);
      const held = new Set(value.mergeContent());
      const foreign = change?.mergeContent().filter((item) => !held.has(item)) ?? [];
      if (foreign.length > 0) throw new LawBroken(name, foreign.join(', '), show(value));
    }),
    law('no change means that the value stays as it was', (a, b, name) => {
      const { value, change } = merge(a, b);
      if (change === undefined) same(name, value, a);
    }),
    law('merging leaves both values as they were', (a, b, name) => {
      const before = [show(a), show(b)].join('\n  ');
      merge(a, b);
      merge(a, b, true);
      a.removeTombstones(undefined);
      a.removeTombstones(nowUnixMs);
      const after = [show(a), show(b)].join('\n  ');
      if (before !== after) throw new LawBroken(name, after, before);
    }),
    law('a local write of the visible value again changes nothing', (a, _b, name) => {
      const visible = a.removeTombstones(undefined).value;
      const { value, change } = merge(a, visible, true);
      same(name, value, a);
      if (change !== undefined) throw new LawBroken(name, show(change), 'no change');
    }),
    law('items that a local writer leaves out are invisible afterwards', (a, b, name) => {
      const next = b.removeTombstones(undefined).value;
      const wanted = new Set(next.mergeContent());
      const visible = merge(a, next, true).value.removeTombstones(undefined).value;
      const left = visible.mergeContent().filter((item) => !wanted.has(item));
      if (removable && left.length > 0) throw new LawBroken(name, left.join(', '), show(next));
    }),
    law(
      'removing all tombstones leaves none and removing them again changes nothing',
      (a, _b, name) => {
        const { value, total } = a.removeTombstones(undefined);
        const again = value.removeTombstones(undefined);
        if (total !== 0 || again.removed !== 0) {
          throw new LawBroken(name, `${total} left, ${again.removed} removed again`, 'none');
        }
        same(name, again.value, value);
      },
    ),
  ];
}
