import { memoryMetrics, type Registerer } from '@ml/metrics';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { DEFAULT_KEEP_LAST_GOOD_MS, DnsLookupError, DnsProvider } from '../src/index.ts';
import { StaticResolver } from '../src/static-resolver.ts';

interface Fixture {
  readonly runtime: VirtualRuntime;
  readonly zone: StaticResolver;
  readonly provider: DnsProvider;
}

function fixture(options: { keepLastGoodMs?: number; metrics?: Registerer } = {}): Fixture {
  const runtime = new VirtualRuntime({ seed: 1n });
  const zone = new StaticResolver({ random: runtime.random });
  zone.setAddresses('a.test', ['10.0.0.1']);
  zone.setAddresses('b.test', ['10.0.0.2', '10.0.0.1']);
  return { runtime, zone, provider: new DnsProvider({ resolver: zone, runtime, ...options }) };
}

const A = 'dns+a.test:1';
const B = 'dns+b.test:1';

describe('a provider', () => {
  test('resolves every entry, passes plain ones through and drops duplicates', async () => {
    const { provider } = fixture();
    const { addresses, failures } = await provider.resolve([B, A, 'plain:1', A]);
    expect(addresses).toEqual(['10.0.0.2:1', '10.0.0.1:1', 'plain:1']);
    expect(failures).toEqual([]);
    expect(provider.addresses()).toEqual(['10.0.0.1:1', '10.0.0.2:1', 'plain:1']);
  });

  test('forgets entries that the latest call does not name', async () => {
    const { provider } = fixture();
    await provider.resolve([A, B]);
    await provider.resolve([A]);
    expect(provider.addresses()).toEqual(['10.0.0.1:1']);
  });

  test('keeps the last good answer of an entry that fails, however long', async () => {
    const { provider, zone, runtime } = fixture();
    await provider.resolve([A, B]);
    zone.fail('b.test', 'servfail');
    await runtime.runFor(10 * DEFAULT_KEEP_LAST_GOOD_MS);
    const { addresses, failures } = await provider.resolve([A, B]);
    expect(addresses).toEqual(['10.0.0.1:1', '10.0.0.2:1']);
    expect(failures.map((error) => [error.code, error.spec])).toEqual([['ML_DNS_LOOKUP', B]]);
  });

  test('keeps the last good answer of a name that vanished for ten minutes', async () => {
    const { provider, zone, runtime } = fixture();
    await provider.resolve([A]);
    zone.setAddresses('a.test', []);
    await runtime.runFor(DEFAULT_KEEP_LAST_GOOD_MS - 1);
    expect(await provider.resolve([A])).toEqual({
      addresses: ['10.0.0.1:1'],
      failures: [],
      notFound: [A],
    });
    await runtime.runFor(1);
    expect((await provider.resolve([A])).addresses).toEqual([]);
  });

  test('drops the answer of a name that vanished at once when told to keep nothing', async () => {
    const { provider, zone } = fixture({ keepLastGoodMs: 0 });
    await provider.resolve([A]);
    zone.setAddresses('a.test', []);
    expect((await provider.resolve([A])).addresses).toEqual([]);
  });

  test('reports a badly written entry as a failure of that entry only', async () => {
    const { provider } = fixture();
    const { addresses, failures } = await provider.resolve(['dns+noport', 'x+y', A]);
    expect(addresses).toEqual(['10.0.0.1:1']);
    expect(failures.map(({ spec }) => spec)).toEqual(['dns+noport', 'x+y']);
    expect(failures[0]).toBeInstanceOf(DnsLookupError);
    expect(failures[0]?.message).toMatch(/missing port/);
  });

  test('changes nothing when it is aborted', async () => {
    const { provider, zone } = fixture();
    await provider.resolve([A]);
    zone.fail('b.test', 'hang');
    const abort = new AbortController();
    const answer = provider.resolve([B], { signal: abort.signal });
    const reason = new TypeError('stop');
    abort.abort(reason);
    await expect(answer).rejects.toBe(reason);
    expect(provider.addresses()).toEqual(['10.0.0.1:1']);
  });

  test('looks plain host names up without keeping them', async () => {
    const { provider } = fixture();
    expect(await provider.lookupHost('b.test')).toEqual(['10.0.0.2', '10.0.0.1']);
    expect(provider.addresses()).toEqual([]);
  });
});

describe('the metrics of a provider', () => {
  test('count look-ups and failures of dynamic entries, and the addresses of each entry', async () => {
    const metrics = memoryMetrics();
    const { provider, zone } = fixture({ metrics });
    zone.fail('b.test', 'servfail');
    await provider.resolve([A, B, 'plain:1']);
    await provider.resolve([A, B]);
    expect(metrics.value('dns_lookups_total')).toBe(4);
    expect(metrics.value('dns_failures_total')).toBe(2);
    expect(metrics.series('dns_provider_results')).toEqual([
      { labels: { addr: A }, value: 1 },
      { labels: { addr: B }, value: 0 },
    ]);
  });
});
