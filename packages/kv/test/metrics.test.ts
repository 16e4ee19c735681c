import { readFileSync } from 'node:fs';
import { catalog, noMetrics } from '@ml/metrics';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { inMemoryKv, meteredKv, stringCodec } from '../src/index.ts';
import { kvMetrics } from '../src/metrics.ts';

const reference = z
  .object({
    metrics: z.array(z.object({ name: z.string(), type: z.string(), labels: z.array(z.string()) })),
  })
  .parse(
    JSON.parse(readFileSync(new URL('./vectors/metrics.json', import.meta.url), 'utf8')),
  ).metrics;

/** What we show in addition. */
const OURS = ['ml_kv_rejected_pairs_total', 'ml_cluster_isolated'];

describe('the metrics of a store', () => {
  test('have the names, types and labels of the reference', () => {
    const list = catalog(noMetrics);
    const zero = () => 0;
    kvMetrics({
      registerer: list,
      figures: {
        queued: zero,
        queuedBytes: zero,
        keys: zero,
        members: zero,
        healthScore: zero,
        isolated: zero,
      },
      signal: new AbortController().signal,
    });
    meteredKv(inMemoryKv(stringCodec), {
      metrics: list,
      clock: { now: zero, unixMs: zero },
      type: 'inmemory',
      role: 'primary',
    });
    const seen = list
      .entries()
      .filter(({ name }) => !OURS.includes(name))
      .map(({ name, type, labels }) => ({ name, type, labels: [...labels].sort(order) }));
    const wanted = reference.map((metric) => ({
      ...metric,
      // The label kv_name is added by who makes the client.
      labels: metric.labels.filter((label) => label !== 'kv_name'),
    }));
    expect(seen).toEqual(wanted);
  });
});

function order(a: string, b: string): number {
  return a < b ? -1 : 1;
}
