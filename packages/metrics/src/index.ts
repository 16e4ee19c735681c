export type { Counter, Gauge, Histogram, Labels, MetricSpec, Registerer } from './registerer.ts';
