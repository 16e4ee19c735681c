import { type Registerer, withPrefix } from '@ml/metrics';

/** What the names of our own metrics start with. */
const OWN = 'ml_';

/**
 * The registerer of a namespace: `ring_members` becomes `pyroscope_ring_members`, while metrics of our own, whose names
 * start with `ml_`, keep theirs. An empty namespace changes nothing. S-7
 */
export function namespaced(registerer: Registerer, namespace: string): Registerer {
  if (namespace === '') return registerer;
  const inside = withPrefix(registerer, `${namespace}_`);
  const of = (name: string): Registerer => (name.startsWith(OWN) ? registerer : inside);
  return {
    counter: (spec) => of(spec.name).counter(spec),
    gauge: (spec) => of(spec.name).gauge(spec),
    histogram: (spec) => of(spec.name).histogram(spec),
  };
}
