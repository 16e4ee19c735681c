import type { Counter, Gauge, Histogram, Registerer } from './registerer.ts';

const counter: Counter<string> = { inc: () => {}, labels: () => counter };
const gauge: Gauge<string> = {
  set: () => {},
  inc: () => {},
  labels: () => gauge,
  remove: () => {},
  reset: () => {},
};
const histogram: Histogram<string> = { observe: () => {}, labels: () => histogram };

/** Counts nothing: what a package uses when no registerer is given. */
export const noMetrics: Registerer = {
  counter: () => counter,
  gauge: () => gauge,
  histogram: () => histogram,
};
