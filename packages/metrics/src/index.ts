export { type Catalog, type CatalogEntry, catalog } from './catalog.ts';
export { MetricError } from './errors.ts';
export {
  type MemoryMetrics,
  memoryMetrics,
  type Observations,
  type SeriesLabels,
} from './memory.ts';
export { noMetrics } from './none.ts';
export { withPrefix } from './prefix.ts';
export type {
  Counter,
  Gauge,
  GaugeSpec,
  Histogram,
  Labels,
  MetricSpec,
  Registerer,
} from './registerer.ts';
