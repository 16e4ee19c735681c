import type { Counter, Gauge, Registerer } from '@ml/metrics';

/** The metrics of a provider, under dskit's names. The caller adds a namespace and a `name` label. D-11 */
export interface DnsMetrics {
  readonly lookups: Counter;
  readonly failures: Counter;
}

/** Registers the metrics; `results` fills the per-entry gauge at each scrape until `signal` fires. */
export function registerDnsMetrics(
  registerer: Registerer,
  results: (gauge: Gauge<'addr'>) => void,
  signal: AbortSignal | undefined,
): DnsMetrics {
  registerer.gauge({
    name: 'dns_provider_results',
    help: 'Addresses that each configured entry resolved to at the latest look-up.',
    labels: ['addr'],
    collect: results,
    ...(signal && { signal }),
  });
  return {
    lookups: registerer.counter({
      name: 'dns_lookups_total',
      help: 'Look-ups of entries with a DNS discovery prefix.',
    }),
    failures: registerer.counter({
      name: 'dns_failures_total',
      help: 'Look-ups that failed; the last good addresses stayed in use.',
    }),
  };
}
