import type { ScenarioText, TimelineEntry } from './scenario-schema.ts';
import { namesMatching, noSuchNode, parseSelector, SELECTOR_FORMS } from './select.ts';

/** A selector that stands for nothing that there ever is, and where it stands. */
export interface SelectorFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What there is in a scenario at any time: what it begins with, and what its timeline adds. */
interface Inhabitants {
  readonly names: readonly string[];
  readonly zones: readonly string[];
  readonly clusters: readonly string[];
}

const DEFAULT_CLUSTER = 'main';

/** Everything that the timeline names although no node, zone or cluster is called so. */
export function selectorFaults(text: ScenarioText): readonly SelectorFault[] {
  const there = inhabitantsOf(text);
  const links = text.network.zones.flatMap((link, index) =>
    (['from', 'to'] as const).map((end): Named => {
      return { path: ['network', 'zones', index, end], value: `zone ${link[end]}` };
    }),
  );
  const timeline = text.timeline.flatMap((entry, index) =>
    selectorsOf(entry).map(({ path, value }): Named => {
      return { path: ['timeline', index, ...path], value };
    }),
  );
  return [...links, ...timeline].flatMap(({ path, value }) => {
    const message = faultOf(value, there);
    return message === undefined ? [] : [{ path, message }];
  });
}

interface Named {
  readonly path: readonly PropertyKey[];
  readonly value: string;
}

function selectorsOf(entry: TimelineEntry): readonly Named[] {
  const found: Named[] = [];
  const list = (path: readonly PropertyKey[], values: readonly string[] | undefined): void => {
    for (const [at, value] of (values ?? []).entries()) found.push({ path: [...path, at], value });
  };
  const one = (path: readonly PropertyKey[], value: string | undefined): void => {
    if (value !== undefined) found.push({ path, value });
  };
  for (const key of ['kill', 'stop', 'start', 'pause', 'resume'] as const) list([key], entry[key]);
  for (const key of ['restart', 'slow_cpu', 'clock_skew', 'link', 'dns', 'config'] as const) {
    list([key, 'nodes'], entry[key]?.nodes);
  }
  list(['rolling_update', 'nodes'], entry.rolling_update?.nodes);
  for (const [at, group] of (entry.partition ?? []).entries()) list(['partition', at], group);
  list(['block', 'from'], entry.block?.from);
  list(['block', 'to'], entry.block?.to);
  list(['forget', 'instances'], entry.forget?.instances);
  one(['forget', 'by'], entry.forget?.by);
  one(['ip_reuse', 'of'], entry.ip_reuse?.of);
  for (const [at, zone] of (entry.link?.zones ?? []).entries()) {
    one(['link', 'zones', at], `zone ${zone}`);
  }
  return found;
}

function faultOf(value: string, { names, zones, clusters }: Inhabitants): string | undefined {
  const selector = parseSelector(value);
  switch (selector.type) {
    case 'name':
      return namesMatching(selector.name, names).length > 0
        ? undefined
        : noSuchNode(selector.name, names);
    case 'zone':
      return missing('zone', selector.name, zones);
    case 'cluster':
      return missing('cluster', selector.name, clusters);
    default:
      return undefined;
  }
}

function missing(what: string, name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return undefined;
  const listed = known.length === 0 ? `there are no ${what}s` : `write one of ${known.join(', ')}`;
  return `no node is in ${what} ${JSON.stringify(name)}: ${listed}, or ${SELECTOR_FORMS}`;
}

function inhabitantsOf({ nodes, timeline }: ScenarioText): Inhabitants {
  const names: string[] = [];
  const zones = new Set<string>();
  const clusters = new Set<string>();
  for (const { count, name, zone, cluster } of nodes) {
    for (let n = 0; n < count; n++) names.push(nameOf(name, count, n, names.length));
    if (zone !== undefined) zones.add(zone);
    clusters.add(cluster ?? DEFAULT_CLUSTER);
  }
  for (const { scale, ip_reuse: reuse, times = 1 } of timeline) {
    // Nodes without a name are called by their number, and both kinds of addition take one.
    for (let n = 0; n < (scale?.add ?? 0) * times; n++) names.push(`node-${names.length}`);
    if (reuse !== undefined) names.push(reuse.name);
    if (scale?.zone !== undefined) zones.add(scale.zone);
    for (const cluster of [scale?.cluster, reuse?.cluster]) {
      if (cluster !== undefined) clusters.add(cluster);
    }
  }
  return { names, zones: [...zones], clusters: [...clusters] };
}

function nameOf(name: string | undefined, count: number, n: number, number: number): string {
  if (name === undefined) return `node-${number}`;
  return count === 1 ? name : `${name}-${n}`;
}
