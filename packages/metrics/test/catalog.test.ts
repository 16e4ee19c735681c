import { expect, test } from 'vitest';
import { catalog, noMetrics, withPrefix } from '../src/index.ts';

test('a catalog lists every metric once, sorted, with its full name and labels', () => {
  const all = catalog(noMetrics);
  for (const name of ['a', 'b']) {
    const metrics = withPrefix(all, 'ring_', { name });
    metrics.gauge({ name: 'members', help: 'Members by state.', labels: ['state'] });
    metrics.counter({ name: 'changes_total', help: 'Changes.' });
    metrics.histogram({ name: 'wait_seconds', help: 'Waits.' });
  }
  expect(all.entries()).toEqual([
    { name: 'ring_changes_total', type: 'counter', labels: ['name'], help: 'Changes.' },
    {
      name: 'ring_members',
      type: 'gauge',
      labels: ['name', 'state'],
      help: 'Members by state.',
    },
    { name: 'ring_wait_seconds', type: 'histogram', labels: ['name'], help: 'Waits.' },
  ]);
});
