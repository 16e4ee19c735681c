import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { instanceStatuses, ringStatus } from '../../src/core/ring-page.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { vectors } from '../support/vectors.ts';

/** What the reference was showing when the bodies were recorded. */
const shown = RingDesc.of([
  InstanceDesc.of({
    id: 'c',
    addr: '10.0.0.3:9095',
    tokens: Tokens.of([5]),
  }),
  InstanceDesc.of({
    id: 'b',
    addr: '10.0.0.2:9095',
    zone: 'zone-b',
    heartbeatUnixS: Date.UTC(2025, 6, 23, 14, 16, 36) / 1000,
    registeredUnixS: Date.UTC(2025, 6, 23, 11, 26, 40) / 1000,
    tokens: Tokens.of([1, 2, 2147483648]),
  }),
  InstanceDesc.of({
    id: 'a',
    addr: '10.0.0.1:9095',
    state: 'JOINING',
    heartbeatUnixS: 4_000_000_000,
    readOnly: true,
    readOnlyUpdatedUnixS: Date.UTC(2025, 6, 23, 14, 13, 20) / 1000,
  }),
]);

const options = { heartbeatTimeoutMs: 60_000, nowUnixMs: Date.UTC(2026, 10, 22, 13, 32, 2, 131) };

describe('the status', () => {
  test.each(vectors.http.map(({ body }) => body))('is what the reference answers: %#', (body) => {
    const ring = body.includes('"shards":null') ? RingDesc.empty : shown;
    const ours = JSON.stringify(ringStatus(ring, options));
    expect(withoutNow(ours)).toBe(withoutNow(body.trimEnd()));
    expect(ours).toMatch(/"now":"2026-11-22T13:32:02\.131Z"\}$/);
  });

  test('shows versions where an instance tells them', () => {
    const ring = RingDesc.of([InstanceDesc.of({ id: 'a', versions: new Map([[1n, 2n]]) })]);
    expect(ringStatus(ring, options).shards?.[0]?.versions).toEqual({ 1: 2 });
  });

  test('survives times that no calendar has', () => {
    const wild = InstanceDesc.of({ id: 'a', heartbeatUnixS: 2 ** 62, registeredUnixS: -(2 ** 62) });
    expect(ringStatus(RingDesc.of([wild]), options).shards).toMatchObject([
      { timestamp: '9999-12-31T23:59:59Z', registered_timestamp: '0001-01-01T00:00:00Z' },
    ]);
  });
});

test('rows tell age and share of the keys', () => {
  const rows = instanceStatuses(
    RingDesc.of([
      InstanceDesc.of({ id: 'a', tokens: Tokens.of([0]), heartbeatUnixS: 100 }),
      InstanceDesc.of({ id: 'b', tokens: Tokens.of([2 ** 30]), heartbeatUnixS: 200 }),
    ]),
    { heartbeatTimeoutMs: 60_000, nowUnixMs: 210_000 },
  );
  expect(rows.map(({ state, heartbeatAgeMs }) => [state, heartbeatAgeMs])).toEqual([
    ['UNHEALTHY', 110_000],
    ['ACTIVE', 10_000],
  ]);
  expect(rows.map(({ ownershipPercent }) => Math.round(ownershipPercent))).toEqual([75, 25]);
});

function withoutNow(body: string): string {
  return body.replace(/"now":"[^"]*"/, '"now":""');
}
