import { describe, expect, test } from 'vitest';
import { MetricError, memoryMetrics, noMetrics, withPrefix } from '../src/index.ts';

describe('memoryMetrics', () => {
  test('counts by label values', () => {
    const metrics = memoryMetrics();
    const counter = metrics.counter({ name: 'sent_total', help: 'h', labels: ['to'] });
    counter.labels({ to: 'a' }).inc();
    counter.labels({ to: 'a' }).inc(2);
    counter.labels({ to: 'b' }).inc();
    expect(metrics.value('sent_total', { to: 'a' })).toBe(3);
    expect(metrics.sum('sent_total')).toBe(4);
    expect(metrics.value('sent_total', { to: 'c' })).toBeUndefined();
    expect(metrics.value('unknown')).toBeUndefined();
  });

  test('a metric without labels reads 0 from the start', () => {
    const metrics = memoryMetrics();
    metrics.counter({ name: 'x_total', help: 'h' });
    expect(metrics.value('x_total')).toBe(0);
  });

  test('refuses another type, other labels, bad names and falling counters', () => {
    const metrics = memoryMetrics();
    metrics.counter({ name: 'x_total', help: 'h' });
    expect(() => metrics.gauge({ name: 'x_total', help: 'h' })).toThrow(MetricError);
    expect(() => metrics.counter({ name: 'x_total', help: 'h', labels: ['a'] })).toThrow(
      MetricError,
    );
    expect(() => metrics.counter({ name: 'x-total', help: 'h' })).toThrow(/not a metric name/);
    expect(() => metrics.counter({ name: 'y_total', help: 'h' }).inc(-1)).toThrow(MetricError);
  });

  test('collect runs whenever values are read, until its signal fires', () => {
    const metrics = memoryMetrics();
    const closing = new AbortController();
    let members = 1;
    metrics.gauge({
      name: 'members',
      help: 'h',
      collect: (gauge) => gauge.set(members),
      signal: closing.signal,
    });
    members = 5;
    expect(metrics.value('members')).toBe(5);
    closing.abort();
    members = 7;
    expect(metrics.value('members')).toBe(5);
  });

  test('a histogram keeps count, sum and values', () => {
    const metrics = memoryMetrics();
    const histogram = metrics.histogram({ name: 'took_seconds', help: 'h' });
    histogram.observe(1);
    histogram.observe(2.5);
    expect(metrics.observations('took_seconds')).toEqual({ count: 2, sum: 3.5, values: [1, 2.5] });
  });
});

describe('withPrefix', () => {
  test('rings that differ in a constant label share a metric', () => {
    const metrics = memoryMetrics();
    for (const name of ['a', 'b']) {
      const registerer = withPrefix(metrics, 'ring_', { name });
      const gauge = registerer.gauge({ name: 'members', help: 'h', labels: ['state'] });
      gauge.labels({ state: 'ACTIVE' }).set(name === 'a' ? 3 : 4);
    }
    expect(metrics.series('ring_members')).toEqual([
      { labels: { name: 'a', state: 'ACTIVE' }, value: 3 },
      { labels: { name: 'b', state: 'ACTIVE' }, value: 4 },
    ]);
  });

  test('reset forgets only the series of its own constant labels', () => {
    const metrics = memoryMetrics();
    const [a, b] = ['a', 'b'].map((name) =>
      withPrefix(metrics, '', { name }).gauge({ name: 'members', help: 'h' }),
    );
    a?.set(1);
    b?.set(2);
    a?.reset();
    expect(metrics.series('members')).toEqual([{ labels: { name: 'b' }, value: 2 }]);
  });

  test('collect of both runs at each read', () => {
    const metrics = memoryMetrics();
    for (const name of ['a', 'b']) {
      withPrefix(metrics, 'x_', { name }).gauge({
        name: 'size',
        help: 'h',
        collect: (gauge) => gauge.set(name === 'a' ? 1 : 2),
      });
    }
    expect(metrics.sum('x_size')).toBe(3);
  });

  test('prefixes and constant labels add up from the outside in', () => {
    const metrics = memoryMetrics();
    const inner = withPrefix(withPrefix(metrics, 'app_', { zone: 'z' }), 'kv_', { kv: 'k' });
    inner
      .counter({ name: 'cas_total', help: 'h', labels: ['op'] })
      .labels({ op: 'x' })
      .inc();
    inner.histogram({ name: 'took_seconds', help: 'h' }).observe(1);
    expect(metrics.value('app_kv_cas_total', { zone: 'z', kv: 'k', op: 'x' })).toBe(1);
    expect(metrics.observations('app_kv_took_seconds', { zone: 'z', kv: 'k' })?.count).toBe(1);
  });
});

test('noMetrics takes everything and keeps nothing', () => {
  const counter = noMetrics.counter({ name: 'x', help: 'h', labels: ['a'] });
  expect(() => counter.labels({ a: '1' }).inc()).not.toThrow();
  expect(() => noMetrics.gauge({ name: 'g', help: 'h' }).reset()).not.toThrow();
  expect(() => noMetrics.histogram({ name: 'h', help: 'h' }).observe(1)).not.toThrow();
});
