import type { Random } from '@ml/runtime';
import type { SimCluster } from './cluster.ts';
import { SimUsageError } from './errors.ts';
import type { SimNode } from './sim-node.ts';

/** What a {@link selectNodes} text may be, for messages and help. */
export const SELECTOR_FORMS =
  'a node name, a pattern with *, "all", "rest", "random N", "N%", "zone NAME" or "cluster NAME"';

/** A selector, understood. A text that is none of the other forms is a name or a pattern. */
export type Selector =
  | { readonly type: 'all' | 'rest' }
  | { readonly type: 'zone' | 'cluster' | 'name'; readonly name: string }
  | { readonly type: 'random'; readonly count: number }
  | { readonly type: 'share'; readonly percent: number };

/** Where nodes are chosen. */
export interface Selection {
  readonly cluster: SimCluster;
  /** Draws for `random N` and `N%`. */
  readonly random: Random;
  /** Which nodes may be drawn. */
  readonly eligible: (node: SimNode) => boolean;
  /** What `rest` leaves out. */
  readonly taken?: ReadonlySet<SimNode>;
}

/** Understands one text; every text means something. */
export function parseSelector(given: string): Selector {
  const text = given.trim();
  if (text === 'all' || text === 'rest') return { type: text };
  const [, kind, name = ''] = /^(zone|cluster)\s+(\S+)$/.exec(text) ?? [];
  if (kind === 'zone' || kind === 'cluster') return { type: kind, name };
  const count = /^random\s+(\d+)$/.exec(text)?.[1];
  if (count !== undefined) return { type: 'random', count: Number(count) };
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) return { type: 'share', percent: Number(percent) };
  return { type: 'name', name: text };
}

/**
 * The nodes that texts stand for, each once, in the order of their numbers. Names and patterns find every node;
 * draws, `all`, `rest`, zones and clusters only eligible ones.
 * @throws {SimUsageError} when a text is none of the forms, or a name or pattern finds nothing
 */
export function selectNodes(texts: readonly string[], selection: Selection): readonly SimNode[] {
  const found = new Set(texts.flatMap((text) => selectOne(parseSelector(text), selection)));
  return selection.cluster.nodes.filter((node) => found.has(node));
}

/** The names that a name or a pattern with `*` stands for. */
export function namesMatching(name: string, names: readonly string[]): readonly string[] {
  const parts = name.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('.*')}$`);
  return names.filter((each) => pattern.test(each));
}

/** What is said of a name or pattern that stands for nothing. */
export function noSuchNode(name: string, names: readonly string[]): string {
  const known = names.slice(0, MAX_LISTED).join(', ');
  const more = names.length > MAX_LISTED ? ', …' : '';
  return `no node is called ${JSON.stringify(name)}: write ${SELECTOR_FORMS}; nodes are called ${known}${more}`;
}

const MAX_LISTED = 5;

function selectOne(selector: Selector, selection: Selection): readonly SimNode[] {
  const { cluster, random, eligible, taken } = selection;
  const pool = cluster.nodes.filter(eligible);
  switch (selector.type) {
    case 'all':
      return pool;
    case 'rest':
      return pool.filter((node) => taken?.has(node) !== true);
    case 'zone':
      return pool.filter(({ spec }) => spec.zone === selector.name);
    case 'cluster':
      return pool.filter(({ spec }) => spec.cluster === selector.name);
    case 'random':
      return random.shuffle(pool).slice(0, selector.count);
    case 'share': {
      const count = Math.round((pool.length * selector.percent) / 100);
      return random.shuffle(pool).slice(0, count);
    }
    default:
      return named(selector.name, cluster);
  }
}

function named(name: string, { nodes }: SimCluster): readonly SimNode[] {
  const names = nodes.map((node) => node.name);
  const found = new Set(namesMatching(name, names));
  if (found.size === 0) throw new SimUsageError(noSuchNode(name, names));
  return nodes.filter((node) => found.has(node.name));
}
