import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { metricCatalog } from '../support/metric-catalog.ts';

const facts = z
  .object({
    metrics: z.array(
      z.object({ name: z.string(), type: z.string(), labels: z.record(z.string(), z.unknown()) }),
    ),
  })
  .parse(
    JSON.parse(
      readFileSync(new URL('../facts/pyroscope-v1.18.0-metrics.json', import.meta.url), 'utf8'),
    ),
  );

/** What a node of this build does not have, and why. */
// S-41
const ABSENT = new Map([
  ['kv_request_duration_seconds', 'of the versions key, which nodes here only pass on'],
  ['pyroscope_shutdown_duration_seconds', 'of flushing, which a node without data does not do'],
]);

let ours: ReadonlyMap<string, { readonly type: string; readonly labels: readonly string[] }>;

beforeAll(async () => {
  ours = new Map((await metricCatalog()).map((entry) => [entry.name, entry]));
});

describe('a metric of the reference', () => {
  test.each(facts.metrics.filter(({ name }) => !ABSENT.has(name)))(
    '$name has its type and labels',
    ({ name, type, labels }) => {
      const entry = ours.get(name);
      expect({ type: entry?.type, labels: entry && new Set(entry.labels) }).toEqual({
        type,
        labels: new Set(Object.keys(labels)),
      });
    },
  );
});

describe('a metric of our own', () => {
  test('starts with ml_, extends a family of the reference, or is in newer versions of it', () => {
    const known = new Set(facts.metrics.map(({ name }) => name));
    const own = [...ours.keys()].filter((name) => !known.has(name) && !name.startsWith('ml_'));
    expect(own).toEqual([
      'memberlist_tcp_transport_received_bytes_total',
      'memberlist_tcp_transport_sent_bytes_total',
      'pyroscope_ring_zone_members',
    ]);
  });
});
