import { type Counter, noMetrics, type Registerer, withPrefix } from '@ml/metrics';
import type { PartitionRing } from './partition-ring.ts';

const SHOWN_STATES = ['Pending', 'Active', 'Inactive'] as const;

/** Registers the gauge of a partition ring; it is computed at the scrape. R-61 */
export function registerPartitionRingMetrics(options: {
  /** The value of the `name` label. */
  readonly name: string;
  readonly registerer: Registerer | undefined;
  readonly ring: () => PartitionRing;
  /** Ends the metric's hold on the ring. */
  readonly signal: AbortSignal;
}): void {
  const { ring, signal } = options;
  named(options.registerer, options.name).gauge({
    name: 'partition_ring_partitions',
    help: 'Partitions of the partition ring by state.',
    labels: ['state'],
    signal,
    collect: (gauge) => {
      const { partitions } = ring();
      for (const state of SHOWN_STATES) {
        const count = partitions.filter((partition) => partition.state === state).length;
        gauge.labels({ state }).set(count);
      }
    },
  });
}

/** What a partition lifecycler counts, by kind of partition. */
export interface PartitionLifecyclerMetrics {
  readonly reconciles: Counter<'type'>;
  readonly failures: Counter<'type'>;
}

/** Registers the metrics of a partition lifecycler. */
export function registerPartitionLifecyclerMetrics(
  registerer: Registerer | undefined,
  name: string,
): PartitionLifecyclerMetrics {
  const inner = named(registerer, name);
  return {
    reconciles: inner.counter({
      name: 'partition_ring_lifecycler_reconciles_total',
      help: 'Times that the lifecycler looked whether a partition has to change.',
      labels: ['type'],
    }),
    failures: inner.counter({
      name: 'partition_ring_lifecycler_reconciles_failed_total',
      help: 'Times that looking whether a partition has to change, or changing it, failed.',
      labels: ['type'],
    }),
  };
}

function named(registerer: Registerer | undefined, name: string): Registerer {
  return withPrefix(registerer ?? noMetrics, '', { name });
}
