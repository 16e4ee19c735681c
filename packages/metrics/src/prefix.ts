import type { Counter, Gauge, Histogram, Labels, MetricSpec, Registerer } from './registerer.ts';

/**
 * Registers under `prefix` + name and with constant labels. Below, these become ordinary labels, so registerers that
 * differ in their values share one metric: `ring_members{name="a"}` and `ring_members{name="b"}`. `reset` of a gauge
 * forgets only the series that were made through this registerer.
 */
export function withPrefix(
  inner: Registerer,
  prefix: string,
  constLabels: Readonly<Record<string, string>> = {},
): Registerer {
  const names = Object.keys(constLabels);
  const lower = <L extends string>(spec: MetricSpec<L>): MetricSpec<string> => ({
    name: prefix + spec.name,
    help: spec.help,
    labels: [...names, ...(spec.labels ?? [])],
  });
  return {
    counter: (spec) => wrapCounter(inner.counter(lower(spec)), constLabels),
    gauge: (spec) => {
      const { collect, signal } = spec;
      const series = new Map<string, Labels<string>>();
      const gauge = inner.gauge<string>({
        ...lower(spec),
        ...(signal && { signal }),
        ...(collect && { collect: (below) => collect(wrapGauge(below, constLabels, series)) }),
      });
      return wrapGauge(gauge, constLabels, series);
    },
    histogram: (spec) =>
      wrapHistogram(
        inner.histogram({ ...lower(spec), ...(spec.buckets && { buckets: spec.buckets }) }),
        constLabels,
      ),
  };
}

type ConstLabels = Readonly<Record<string, string>>;

function wrapCounter<L extends string>(inner: Counter<string>, fixed: ConstLabels): Counter<L> {
  return {
    inc: (by) => inner.labels(fixed).inc(by),
    labels: (values) => inner.labels({ ...fixed, ...values }),
  };
}

function wrapHistogram<L extends string>(
  inner: Histogram<string>,
  fixed: ConstLabels,
): Histogram<L> {
  return {
    observe: (value) => inner.labels(fixed).observe(value),
    labels: (values) => inner.labels({ ...fixed, ...values }),
  };
}

/** `series` remembers what this registerer made, so that its reset leaves the series of others alone. */
function wrapGauge<L extends string>(
  inner: Gauge<string>,
  fixed: ConstLabels,
  series: Map<string, Labels<string>>,
): Gauge<L> {
  const at = (values: Labels<string>): Gauge => {
    const all = { ...fixed, ...values };
    series.set(JSON.stringify(all), all);
    return inner.labels(all);
  };
  return {
    set: (value) => at({}).set(value),
    inc: (by) => at({}).inc(by),
    labels: (values) => at(values),
    remove: (values) => {
      const all = { ...fixed, ...values };
      series.delete(JSON.stringify(all));
      inner.remove(all);
    },
    reset: () => {
      for (const all of series.values()) inner.remove(all);
      series.clear();
    },
  };
}
