import { expect, test } from 'vitest';

import { MetricsPage } from '../metrics-text.ts';

const PAGE = `# HELP up whether it runs
# TYPE up gauge
up 1
requests_total{code="200",path="/a\\"b\\\\c\\n"} 3
requests_total{code="500",path="/"} 4.5e+01 1700000000000
latency_bucket{le="+Inf"} +Inf
odd NaN
`;

test('a page is taken apart into names, labels and values', () => {
  const page = MetricsPage.parse(PAGE);
  expect(page.value('up')).toBe(1);
  expect(page.select('requests_total')[0]?.labels).toEqual({ code: '200', path: '/a"b\\c\n' });
  expect(page.value('latency_bucket')).toBe(Number.POSITIVE_INFINITY);
  expect(page.value('odd')).toBeNaN();
  expect(page.names()).toEqual(new Set(['up', 'requests_total', 'latency_bucket', 'odd']));
});

test('a value is the sum of the samples that carry all labels asked for', () => {
  const page = MetricsPage.parse(PAGE);
  expect(page.value('requests_total')).toBe(48);
  expect(page.value('requests_total', { code: '500' })).toBe(45);
  expect(() => page.value('requests_total', { code: '404' })).toThrow('no requests_total');
});

test.each(['no value here', 'x{a=1} 2', 'x{a="1"', 'x abc'])('%j is refused', (line) => {
  expect(() => MetricsPage.parse(line)).toThrow(line);
});
