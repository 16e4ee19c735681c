import type { Counter, Gauge, Histogram, Registerer } from './registerer.ts';
import { checkAmount, checkLabels, checkNames, checkSame, type Registration } from './same-spec.ts';
import { sorted } from './sorted.ts';

/** Label values of one series. */
export type SeriesLabels = Readonly<Record<string, string>>;

/** What a histogram's series has seen. */
export interface Observations {
  readonly count: number;
  readonly sum: number;
  /** The newest 1000 values. */
  readonly values: readonly number[];
}

/** Metrics that can be read back: for tests, and for pages that show figures without a scrape. */
export interface MemoryMetrics extends Registerer {
  /** The value of the one series with exactly these labels; undefined if there is none. For a histogram: its count. */
  value(name: string, labels?: SeriesLabels): number | undefined;
  /** The sum over all series that have at least these labels; 0 if there are none. */
  sum(name: string, labels?: SeriesLabels): number;
  /** All series of a metric, after its collect functions have run. */
  series(name: string): readonly { readonly labels: SeriesLabels; readonly value: number }[];
  /** What the histogram's series with exactly these labels has seen. */
  observations(name: string, labels?: SeriesLabels): Observations | undefined;
  /** Names of all registered metrics, sorted. */
  names(): readonly string[];
}

const KEPT_OBSERVATIONS = 1000;

/** A registerer over plain memory, with the rules of a real one: same name and spec, same metric. */
export function memoryMetrics(): MemoryMetrics {
  const metrics = new Map<string, MemoryMetric>();
  const register = (spec: Registration): MemoryMetric => {
    checkNames(spec);
    const known = metrics.get(spec.name);
    if (known !== undefined) {
      checkSame(known.spec, spec);
      return known;
    }
    const metric = new MemoryMetric(spec);
    metrics.set(spec.name, metric);
    return metric;
  };
  const series = (name: string): readonly Series[] => metrics.get(name)?.collected() ?? [];
  return {
    counter: ({ name, labels = [] }) => register({ name, type: 'counter', labels }).handle({}),
    gauge: ({ name, labels = [], collect, signal }) => {
      const metric = register({ name, type: 'gauge', labels });
      const gauge = metric.handle({});
      if (collect && signal?.aborted !== true) {
        const run = (): void => collect(gauge);
        metric.collects.add(run);
        signal?.addEventListener('abort', () => metric.collects.delete(run), { once: true });
      }
      return gauge;
    },
    histogram: ({ name, labels = [], buckets }) =>
      register({ name, type: 'histogram', labels, buckets }).handle({}),
    value: (name, labels = {}) => series(name).find((s) => s.key === keyOf(labels))?.value,
    sum: (name, labels = {}) =>
      series(name)
        .filter((s) => Object.entries(labels).every(([label, value]) => s.labels[label] === value))
        .reduce((sum, s) => sum + s.value, 0),
    series: (name) => series(name).map(({ labels, value }) => ({ labels, value })),
    observations: (name, labels = {}) => {
      const found = series(name).find((s) => s.key === keyOf(labels));
      return found && { count: found.value, sum: found.sum, values: [...found.observed] };
    },
    names: () => sorted(metrics.keys()),
  };
}

interface Series {
  readonly key: string;
  readonly labels: SeriesLabels;
  /** Of a histogram: how many values it has seen. */
  value: number;
  sum: number;
  readonly observed: number[];
}

class MemoryMetric {
  readonly spec: Registration;
  readonly collects = new Set<() => void>();
  readonly #series = new Map<string, Series>();

  constructor(spec: Registration) {
    this.spec = spec;
    if (spec.labels.length === 0) this.#at({});
  }

  collected(): readonly Series[] {
    for (const collect of this.collects) collect();
    return [...this.#series.values()];
  }

  handle(labels: SeriesLabels): Counter<string> & Gauge<string> & Histogram<string> {
    return {
      inc: (by = 1) => {
        if (this.spec.type === 'counter') checkAmount(this.spec, by);
        this.#at(labels).value += by;
      },
      set: (value) => {
        this.#at(labels).value = value;
      },
      observe: (value) => {
        const series = this.#at(labels);
        series.value++;
        series.sum += value;
        if (series.observed.length >= KEPT_OBSERVATIONS) series.observed.shift();
        series.observed.push(value);
      },
      labels: (values) => {
        this.#at(values);
        return this.handle(values);
      },
      remove: (values) => this.#series.delete(keyOf(values)),
      reset: () => this.#series.clear(),
    };
  }

  #at(labels: SeriesLabels): Series {
    const key = keyOf(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    checkLabels(this.spec, labels);
    const made: Series = { key, labels: { ...labels }, value: 0, sum: 0, observed: [] };
    this.#series.set(key, made);
    return made;
  }
}

function keyOf(labels: SeriesLabels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
