import {
  Counter as PromCounter,
  Gauge as PromGauge,
  Histogram as PromHistogram,
  type Registry,
} from 'prom-client';
import { MetricError } from './errors.ts';
import type { Counter, Gauge, GaugeSpec, Histogram, MetricSpec, Registerer } from './registerer.ts';
import { checkAmount, checkLabels, checkNames, checkSame, type Registration } from './same-spec.ts';

/** A page of metrics in the text format that Prometheus scrapes. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** The current values of all metrics of a prom-client registry, as text; gauges with `collect` are brought up to date. */
export async function exposition(registry: Registry): Promise<Exposition> {
  return { contentType: registry.contentType, body: await registry.metrics() };
}

/**
 * Registers in a prom-client registry. Any number of registerers over one registry share its metrics: a name asked for
 * again with the same type and labels is the same metric. Throws a {@link MetricError} when type, labels or buckets
 * differ, and for a name that was put into the registry by other means.
 */
export function promRegisterer(registry: Registry): Registerer {
  let table = tables.get(registry);
  if (table === undefined) {
    table = new PromTable(registry);
    tables.set(registry, table);
  }
  return table;
}

const tables = new WeakMap<Registry, PromTable>();

/** What was registered through us in one registry. */
class PromTable implements Registerer {
  readonly #registry: Registry;
  readonly #specs = new Map<string, Registration>();
  readonly #counters = new Map<string, PromCounter>();
  readonly #gauges = new Map<string, CollectedGauge>();
  readonly #histograms = new Map<string, PromHistogram>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  counter<L extends string>(asked: MetricSpec<L>): Counter<L> {
    const { name, help, labels: labelNames = [] } = asked;
    const spec = this.#agree({ name, type: 'counter', labels: labelNames });
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = new PromCounter({ name, help, labelNames, registers: [this.#registry] });
      this.#counters.set(name, counter);
    }
    return wrapCounter(spec, counter);
  }

  gauge<L extends string>(asked: GaugeSpec<L>): Gauge<L> {
    const { name, help, labels: labelNames = [], collect, signal } = asked;
    const spec = this.#agree({ name, type: 'gauge', labels: labelNames });
    let known = this.#gauges.get(name);
    if (known === undefined) {
      const collects = new Set<() => void>();
      const runAll = (): void => {
        for (const run of collects) run();
      };
      const registers = [this.#registry];
      const gauge = new PromGauge({ name, help, labelNames, registers, collect: runAll });
      known = { gauge, collects };
      this.#gauges.set(name, known);
    }
    const { collects } = known;
    const gauge: Gauge<L> = wrapGauge(spec, known.gauge);
    if (collect !== undefined && signal?.aborted !== true) {
      const run = (): void => collect(gauge);
      collects.add(run);
      signal?.addEventListener('abort', () => collects.delete(run), { once: true });
    }
    return gauge;
  }

  histogram<L extends string>(
    asked: MetricSpec<L> & { readonly buckets?: readonly number[] },
  ): Histogram<L> {
    const { name, help, labels: labelNames = [], buckets } = asked;
    const spec = this.#agree({ name, type: 'histogram', labels: labelNames, buckets });
    let histogram = this.#histograms.get(name);
    if (histogram === undefined) {
      const registers = [this.#registry];
      const bounds = buckets === undefined ? {} : { buckets: [...buckets] };
      histogram = new PromHistogram({ name, help, labelNames, registers, ...bounds });
      this.#histograms.set(name, histogram);
    }
    return wrapHistogram(spec, histogram);
  }

  /** The registration that counts: the first one of the name, if this one agrees with it. */
  #agree(asked: Registration): Registration {
    checkNames(asked);
    const known = this.#specs.get(asked.name);
    if (known !== undefined) {
      checkSame(known, asked);
      return known;
    }
    if (this.#registry.getSingleMetric(asked.name) !== undefined) {
      throw new MetricError(
        `metric ${asked.name} was put into the registry by other means and cannot be shared`,
      );
    }
    this.#specs.set(asked.name, asked);
    return asked;
  }
}

interface CollectedGauge {
  readonly gauge: PromGauge;
  readonly collects: Set<() => void>;
}

function wrapCounter<L extends string>(
  spec: Registration,
  inner: PromCounter | PromCounter.Internal,
): Counter<L> {
  return {
    inc: (by = 1) => {
      checkAmount(spec, by);
      inner.inc(by);
    },
    labels: (values) => {
      checkLabels(spec, values);
      return wrapCounter(spec, 'labels' in inner ? inner.labels(values) : inner);
    },
  };
}

function wrapGauge<L extends string>(
  spec: Registration,
  gauge: PromGauge,
  series: PromGauge | PromGauge.Internal<string> = gauge,
): Gauge<L> {
  return {
    set: (value) => series.set(value),
    inc: (by = 1) => series.inc(by),
    labels: (values) => {
      checkLabels(spec, values);
      return wrapGauge(spec, gauge, gauge.labels(values));
    },
    remove: (values) => {
      checkLabels(spec, values);
      gauge.remove(values);
    },
    reset: () => gauge.reset(),
  };
}

function wrapHistogram<L extends string>(
  spec: Registration,
  inner: PromHistogram | PromHistogram.Internal<string>,
): Histogram<L> {
  return {
    observe: (value) => inner.observe(value),
    labels: (values) => {
      checkLabels(spec, values);
      return wrapHistogram(spec, 'labels' in inner ? inner.labels(values) : inner);
    },
  };
}
