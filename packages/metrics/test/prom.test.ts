import { Counter as PromCounter, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { MetricError, withPrefix } from '../src/index.ts';
import { exposition, promRegisterer } from '../src/prom.ts';

async function linesOf(registry: Registry): Promise<readonly string[]> {
  const { body } = await exposition(registry);
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('promRegisterer', () => {
  test('writes counters, gauges and histograms in the text format', async () => {
    const registry = new Registry();
    const metrics = promRegisterer(registry);
    metrics
      .counter({ name: 'sent_total', help: 'Sent.', labels: ['to'] })
      .labels({ to: 'a' })
      .inc(2);
    metrics.gauge({ name: 'members', help: 'Members.' }).set(3);
    metrics.histogram({ name: 'took_seconds', help: 'Took.', buckets: [1, 2] }).observe(1.5);
    const page = await exposition(registry);
    expect(page.contentType).toContain('text/plain');
    expect(page.body).toContain('# HELP sent_total Sent.\n# TYPE sent_total counter\n');
    expect(await linesOf(registry)).toEqual([
      'sent_total{to="a"} 2',
      'members 3',
      'took_seconds_bucket{le="1"} 0',
      'took_seconds_bucket{le="2"} 1',
      'took_seconds_bucket{le="+Inf"} 1',
      'took_seconds_sum 1.5',
      'took_seconds_count 1',
    ]);
  });

  test('two registerers over one registry share metrics whose specs agree', async () => {
    const registry = new Registry();
    for (const name of ['a', 'b']) {
      const metrics = withPrefix(promRegisterer(registry), 'ring_', { name });
      metrics.counter({ name: 'changes_total', help: 'h' }).inc();
      metrics.gauge({
        name: 'members',
        help: 'h',
        labels: ['state'],
        collect: (gauge) => gauge.labels({ state: 'ACTIVE' }).set(name === 'a' ? 3 : 4),
      });
    }
    expect(await linesOf(registry)).toEqual([
      'ring_changes_total{name="a"} 1',
      'ring_changes_total{name="b"} 1',
      'ring_members{name="a",state="ACTIVE"} 3',
      'ring_members{name="b",state="ACTIVE"} 4',
    ]);
  });

  test('reset through a prefix with constant labels spares the series of others', async () => {
    const registry = new Registry();
    const [a, b] = ['a', 'b'].map((name) =>
      withPrefix(promRegisterer(registry), '', { name }).gauge({ name: 'members', help: 'h' }),
    );
    a?.set(1);
    b?.set(2);
    a?.reset();
    expect(await linesOf(registry)).toEqual(['members{name="b"} 2']);
  });

  test('collect is not asked any more once its signal has fired', async () => {
    const registry = new Registry();
    const closing = new AbortController();
    let asked = 0;
    const gauge = promRegisterer(registry).gauge({
      name: 'members',
      help: 'h',
      collect: () => asked++,
      signal: closing.signal,
    });
    await exposition(registry);
    closing.abort();
    await exposition(registry);
    expect(asked).toBe(1);
    gauge.inc(2);
    gauge.inc();
    expect(await linesOf(registry)).toEqual(['members 3']);
  });

  test('a gauge forgets a removed series', async () => {
    const registry = new Registry();
    const gauge = promRegisterer(registry).gauge({ name: 'queue', help: 'h', labels: ['kind'] });
    gauge.labels({ kind: 'x' }).set(1);
    gauge.labels({ kind: 'y' }).set(1);
    gauge.remove({ kind: 'x' });
    expect(await linesOf(registry)).toEqual(['queue{kind="y"} 1']);
  });

  test('refuses another type, other labels, other buckets and names put in by other means', () => {
    const registry = new Registry();
    const metrics = promRegisterer(registry);
    metrics.counter({ name: 'x_total', help: 'h', labels: ['a'] });
    metrics.histogram({ name: 'y_seconds', help: 'h', buckets: [1] });
    const foreign = new PromCounter({ name: 'z_total', help: 'h', registers: [registry] });
    expect(foreign).toBeDefined();
    expect(() => metrics.gauge({ name: 'x_total', help: 'h', labels: ['a'] })).toThrow(MetricError);
    expect(() => metrics.counter({ name: 'x_total', help: 'h' })).toThrow(MetricError);
    expect(() => metrics.histogram({ name: 'y_seconds', help: 'h', buckets: [2] })).toThrow(
      /buckets/,
    );
    expect(() => metrics.counter({ name: 'z_total', help: 'h' })).toThrow(/other means/);
    expect(() => metrics.counter({ name: 'bad name', help: 'h' })).toThrow(MetricError);
    expect(() => metrics.counter({ name: 'w_total', help: 'h', labels: ['__x'] })).toThrow(
      MetricError,
    );
  });

  test('refuses wrong label values and falling counters', () => {
    const counter = promRegisterer(new Registry()).counter({ name: 'x', help: 'h', labels: ['a'] });
    const wrong: { readonly a: string } = JSON.parse('{"b": "1"}');
    expect(() => counter.labels(wrong)).toThrow(/takes the labels \(a\) and was used with \(b\)/);
    expect(() => counter.labels({ a: '1' }).inc(-1)).toThrow(MetricError);
    expect(() => counter.labels({ a: '1' }).inc(Number.NaN)).toThrow(MetricError);
  });
});
