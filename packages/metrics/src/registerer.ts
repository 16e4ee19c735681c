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

/** A gauge may be set from state at the moment of a scrape. */
export interface GaugeSpec<L extends string> extends MetricSpec<L> {
  /** Runs at each scrape and sets the gauge from the state of that moment. Must not throw. */
  readonly collect?: (gauge: Gauge<L>) => void;
  /**
   * Ends `collect`, so that a closed component is neither asked nor kept in memory. Its last values stay until
   * {@link Gauge.reset} or {@link Gauge.remove}.
   */
  readonly signal?: AbortSignal;
}

/**
 * Where packages register their metrics; they never see a metrics library. Asking again for a name with the same type
 * and labels gives the same metric; with other ones it throws a MetricError.
 */
export interface Registerer {
  counter<const L extends string = never>(spec: MetricSpec<L>): Counter<L>;
  gauge<const L extends string = never>(spec: GaugeSpec<L>): Gauge<L>;
  histogram<const L extends string = never>(
    spec: MetricSpec<L> & { readonly buckets?: readonly number[] },
  ): Histogram<L>;
}
