import type { AnyMergeable } from '@ml/kv';
import { LawBroken, mergeLaws } from '@ml/kv/laws';
import type { Check } from './check.ts';

/** Whole values of nodes, tombstones included, and how they are told apart. */
export interface Values {
  /** Values of one key on different nodes, at this moment. */
  readonly current: () => readonly AnyMergeable[];
  readonly show: (value: AnyMergeable) => string;
  readonly nowUnixMs: () => number;
}

/** Values that the run brought about keep the laws of merging: idempotent, commutative, and a change is enough. */
export function mergeLawsHold({ current, show, nowUnixMs }: Values): Check {
  const check = (): string | undefined => {
    const values = distinct(current(), show);
    const laws = mergeLaws<AnyMergeable>({ show, nowUnixMs: nowUnixMs(), removable: false });
    for (const [index, a] of values.entries()) {
      const b = values[(index + 1) % values.length];
      if (b === undefined) continue;
      try {
        for (const law of laws) law.check(a, b);
      } catch (error) {
        if (error instanceof LawBroken) return error.message;
        throw error;
      }
    }
    return undefined;
  };
  return { name: 'merge laws hold', during: check, atEnd: check };
}

function distinct(
  values: readonly AnyMergeable[],
  show: (value: AnyMergeable) => string,
): readonly AnyMergeable[] {
  return [...new Map(values.map((value) => [show(value), value])).values()];
}
