import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimerTable } from '../../src/core/timer-table.ts';

test('rows run in the order of their deadlines, equal ones in the order they were set', () => {
  const order = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
  fc.assert(
    fc.property(order, (deadlines) => {
      const table = new TimerTable();
      const ran: [number, number][] = [];
      for (const [i, deadline] of deadlines.entries()) {
        table.set('row', deadline, () => ran.push([deadline, i]));
      }
      table.runDue(20);
      const expected = deadlines
        .map((deadline, i): [number, number] => [deadline, i])
        .sort(([a, i], [b, j]) => a - b || i - j);
      expect(ran).toEqual(expected);
      expect(table.size).toBe(0);
    }),
  );
});

test('cancelled rows never run, and the earliest of the others is next', () => {
  const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.boolean()), { maxLength: 60 });
  fc.assert(
    fc.property(rows, (given) => {
      const table = new TimerTable();
      const ran: number[] = [];
      const set = given.map(([deadline, cancel], i) => ({
        row: table.set('row', deadline, () => ran.push(i)),
        cancel,
      }));
      for (const { row, cancel } of set) if (cancel) table.cancel(row);
      const kept = given.filter(([, cancel]) => !cancel).map(([deadline]) => deadline);
      expect(table.next).toBe(kept.length === 0 ? undefined : Math.min(...kept));
      table.runDue(50);
      expect(ran.length).toBe(kept.length);
      expect(ran.every((i) => given[i]?.[1] === false)).toBe(true);
    }),
  );
});

test('what a row sets for the same moment runs in the same call', () => {
  const table = new TimerTable();
  const ran: string[] = [];
  table.set('first', 5, (now) => {
    ran.push('first');
    table.set('second', now, () => ran.push('second'));
    table.set('later', now + 1, () => ran.push('later'));
  });
  table.runDue(5);
  expect(ran).toEqual(['first', 'second']);
  expect(table.next).toBe(6);
});

test('cancelling a row that has run, twice or after clearing does nothing', () => {
  const table = new TimerTable();
  const row = table.set('row', 1, () => {});
  const other = table.set('other', 2, () => {});
  table.runDue(1);
  table.cancel(row);
  table.cancel(undefined);
  expect(table.size).toBe(1);
  table.clear();
  table.cancel(other);
  expect(table.next).toBeUndefined();
});
