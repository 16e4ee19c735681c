import type { Registerer } from './registerer.ts';

/** A metric that was asked for. */
export interface CatalogEntry {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** A registerer that keeps a list of what it was asked for. */
export interface Catalog extends Registerer {
  /** One entry a name, sorted by name. */
  entries(): readonly CatalogEntry[];
}

/** Notes every metric and hands it on to `inner`: the source of the metrics page and of parity tests. */
export function catalog(inner: Registerer): Catalog {
  const entries = new Map<string, CatalogEntry>();
  const note = (
    type: CatalogEntry['type'],
    spec: { readonly name: string; readonly help: string; readonly labels?: readonly string[] },
  ): void => {
    const { name, help, labels = [] } = spec;
    entries.set(name, { name, type, labels: [...labels], help });
  };
  return {
    counter: (spec) => {
      note('counter', spec);
      return inner.counter(spec);
    },
    gauge: (spec) => {
      note('gauge', spec);
      return inner.gauge(spec);
    },
    histogram: (spec) => {
      note('histogram', spec);
      return inner.histogram(spec);
    },
    entries: () => [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
