import { VirtualRuntime } from '@ml/runtime/virtual';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SrvRecord } from '../src/index.ts';
import { orderSrv } from '../src/srv-order.ts';

const { random } = new VirtualRuntime({ seed: 3n });

const record = fc.record({
  target: fc.constantFrom('a', 'b', 'c'),
  port: fc.integer({ min: 1, max: 65535 }),
  priority: fc.integer({ min: 0, max: 3 }),
  weight: fc.integer({ min: 0, max: 65535 }),
});

test('ordering keeps every record and never puts a higher priority number first', () => {
  fc.assert(
    fc.property(fc.array(record), (records) => {
      const ordered = orderSrv(records, random);
      expect(new Set(ordered)).toEqual(new Set(records));
      expect(ordered).toHaveLength(records.length);
      const priorities = ordered.map(({ priority }) => priority);
      expect(priorities).toEqual([...priorities].sort((x, y) => x - y));
    }),
  );
});

test('a record of three times the weight comes first about three times as often', () => {
  const light: SrvRecord = { target: 'light', port: 1, priority: 0, weight: 10 };
  const heavy: SrvRecord = { target: 'heavy', port: 1, priority: 0, weight: 30 };
  let heavyFirst = 0;
  for (let i = 0; i < 4000; i++) if (orderSrv([light, heavy], random)[0] === heavy) heavyFirst++;
  expect(heavyFirst / 4000).toBeGreaterThan(0.7);
  expect(heavyFirst / 4000).toBeLessThan(0.8);
});

test('records of weight 0 take turns at being first', () => {
  const records = ['a', 'b'].map((target) => ({ target, port: 1, priority: 0, weight: 0 }));
  const first = new Set(Array.from({ length: 64 }, () => orderSrv(records, random)[0]?.target));
  expect(first).toEqual(new Set(['a', 'b']));
});
