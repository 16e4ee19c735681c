import { type Counter, type Gauge, noMetrics, type Registerer, withPrefix } from '@ml/metrics';
import type { RingView } from './core/view.ts';

/** States that are always shown, with 0 if no instance is in them. */
const SHOWN_STATES = ['Unhealthy', 'ACTIVE', 'LEAVING', 'PENDING', 'JOINING'] as const;

export interface RingMetricsOptions {
  /** The value of the `name` label. */
  readonly name: string;
  readonly registerer: Registerer | undefined;
  /** The ring as it is at the scrape. */
  readonly view: () => RingView;
  readonly nowUnixMs: () => number;
  /** Ends the metrics' hold on the ring. */
  readonly signal: AbortSignal;
}

/** Registers the gauges of a ring; all are computed at the scrape, so none goes stale in a silent ring. R-61 */
export function registerRingMetrics(options: RingMetricsOptions): void {
  const { view, signal } = options;
  const registerer = named(options.registerer, options.name);
  registerer.gauge({
    name: 'ring_members',
    help: 'Instances of the ring by state; one with an old heartbeat counts as Unhealthy only.',
    labels: ['state'],
    signal,
    collect: (gauge) => {
      gauge.reset();
      for (const { state, count } of byState(view(), options.nowUnixMs())) {
        gauge.labels({ state }).set(count);
      }
    },
  });
  registerer.gauge({
    name: 'ring_oldest_member_timestamp',
    help: 'Oldest heartbeat among the instances in a state, in Unix seconds; 0 if there are none.',
    labels: ['state'],
    signal,
    collect: (gauge) => {
      gauge.reset();
      for (const { state, oldestUnixS } of byState(view(), options.nowUnixMs())) {
        gauge.labels({ state }).set(oldestUnixS);
      }
    },
  });
  registerer.gauge({
    name: 'ring_tokens_total',
    help: 'Tokens in the ring.',
    signal,
    collect: (gauge) => gauge.set(view().topology.tokens.length),
  });
  registerer.gauge({
    name: 'ml_ring_heartbeats_ahead',
    help: 'Instances whose heartbeat is further in the future than it may be: their clocks are wrong.',
    signal,
    collect: (gauge) => gauge.set(view().aheadOf(options.nowUnixMs()).length),
  });
  registerer.gauge({
    name: 'ring_zone_members',
    help: 'Instances of a zone-aware ring by zone and state.',
    labels: ['zone', 'state'],
    signal,
    collect: (gauge) => collectZones(gauge, view(), options.nowUnixMs()),
  });
}

/** What a lifecycler counts. */
export interface LifecyclerMetrics {
  readonly heartbeats: Counter;
}

/** What a basic lifecycler counts and shows. */
export interface BasicLifecyclerMetrics extends LifecyclerMetrics {
  readonly tokensOwned: Gauge;
  readonly tokensToOwn: Gauge;
}

/** Registers the metrics of a classic lifecycler. */
export function registerLifecyclerMetrics(
  registerer: Registerer | undefined,
  options: {
    readonly name: string;
    readonly readOnly: () => boolean;
    readonly signal: AbortSignal;
  },
): LifecyclerMetrics {
  const inner = named(registerer, options.name);
  registerReadOnly(inner, options);
  return {
    heartbeats: inner.counter({
      name: 'member_consul_heartbeats_total',
      help: 'Heartbeats that the lifecycler tried to write, to whatever store it uses.',
    }),
  };
}

/** Registers the metrics of a basic lifecycler. */
export function registerBasicLifecyclerMetrics(
  registerer: Registerer | undefined,
  options: {
    readonly name: string;
    readonly readOnly: () => boolean;
    readonly signal: AbortSignal;
  },
): BasicLifecyclerMetrics {
  const inner = named(registerer, options.name);
  registerReadOnly(inner, options);
  return {
    heartbeats: inner.counter({
      name: 'ring_member_heartbeats_total',
      help: 'Heartbeats that the lifecycler wrote.',
    }),
    tokensOwned: inner.gauge({
      name: 'ring_member_tokens_owned',
      help: 'Tokens that the instance holds in the ring.',
    }),
    tokensToOwn: inner.gauge({
      name: 'ring_member_tokens_to_own',
      help: 'Tokens that the instance is configured to hold.',
    }),
  };
}

function registerReadOnly(
  registerer: Registerer,
  options: { readonly readOnly: () => boolean; readonly signal: AbortSignal },
): void {
  registerer.gauge({
    name: 'lifecycler_read_only',
    help: 'Whether the instance is read-only: 1 if so, else 0.',
    signal: options.signal,
    collect: (gauge) => gauge.set(options.readOnly() ? 1 : 0),
  });
}

function named(registerer: Registerer | undefined, name: string): Registerer {
  return withPrefix(registerer ?? noMetrics, '', { name });
}

interface StateCount {
  readonly state: string;
  readonly count: number;
  readonly oldestUnixS: number;
}

function byState(view: RingView, nowUnixMs: number): readonly StateCount[] {
  const counts = new Map<string, StateCount>();
  for (const state of SHOWN_STATES) counts.set(state, { state, count: 0, oldestUnixS: 0 });
  for (const [position, instance] of view.instances.entries()) {
    const state = view.isFresh(position, nowUnixMs) ? instance.state : 'Unhealthy';
    const known = counts.get(state);
    const oldest =
      known === undefined || known.count === 0 ? instance.heartbeatUnixS : known.oldestUnixS;
    counts.set(state, {
      state,
      count: (known?.count ?? 0) + 1,
      oldestUnixS: Math.min(oldest, instance.heartbeatUnixS),
    });
  }
  return Array.from(counts.values());
}

/** Zones beyond this many are not shown: each costs a series for each state. */
const MAX_SHOWN_ZONES = 32;

function collectZones(gauge: Gauge<'zone' | 'state'>, view: RingView, nowUnixMs: number): void {
  gauge.reset();
  if (!view.options.zoneAwarenessEnabled) return;
  for (const zone of view.topology.zones.slice(0, MAX_SHOWN_ZONES)) {
    const counts = new Map<string, number>(SHOWN_STATES.map((state) => [state, 0]));
    for (const [position, instance] of view.instances.entries()) {
      if (instance.zone !== zone) continue;
      const state = view.isFresh(position, nowUnixMs) ? instance.state : 'Unhealthy';
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    for (const [state, count] of counts) gauge.labels({ zone, state }).set(count);
  }
}
