/** One value per label name. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

export interface Counter<L extends string = never> {
  /** Adds `by` (default 1, never negative). */
  inc(by?: number): void;
  labels(values: Labels<L>): Counter;
}

export interface Gauge<L extends string = never> {
  set(value: number): void;
  inc(by?: number): void;
  labels(values: Labels<L>): Gauge;
  /** Forgets the series with these label values. */
  remove(values: Labels<L>): void;
  /** Forgets every series. */
  reset(): void;
}

export interface Histogram<L extends string = never> {
  observe(value: number): void;
  labels(values: Labels<L>): Histogram;
}

/** What a metric is called and says. Units belong in the name (`_seconds`, `_bytes`, `_total`). */
export interface MetricSpec<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly L[];
}

/** Where packages register their metrics; they never see a metrics library. */
export interface Registerer {
  counter<const L extends string = never>(spec: MetricSpec<L>): Counter<L>;
  /** `collect`, if given, runs at each scrape and sets the gauge from the state of that moment. */
  gauge<const L extends string = never>(
    spec: MetricSpec<L> & { readonly collect?: (gauge: Gauge<L>) => void },
  ): Gauge<L>;
  histogram<const L extends string = never>(
    spec: MetricSpec<L> & { readonly buckets?: readonly number[] },
  ): Histogram<L>;
}
