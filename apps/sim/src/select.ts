import type { Random } from '@ml/runtime';
import type { SimCluster } from './cluster.ts';
import { SimUsageError } from './errors.ts';
import type { SimNode } from './sim-node.ts';

/** What a {@link selectNodes} text may be, for messages and help. */
export const SELECTOR_FORMS =
  'a node name, a pattern with *, "all", "rest", "random N", "N%", "zone NAME" or "cluster NAME"';

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

/**
 * The nodes that texts stand for, each once, in the order of their numbers. Names and patterns find every node;
 * draws, `all`, `rest`, zones and clusters only eligible ones.
 * @throws {SimUsageError} when a text is none of the forms, or a name or pattern finds nothing
 */
export function selectNodes(texts: readonly string[], selection: Selection): readonly SimNode[] {
  const found = new Set(texts.flatMap((text) => selectOne(text.trim(), selection)));
  return selection.cluster.nodes.filter((node) => found.has(node));
}

function selectOne(text: string, selection: Selection): readonly SimNode[] {
  const { cluster, random, eligible, taken } = selection;
  const pool = cluster.nodes.filter(eligible);
  if (text === 'all') return pool;
  if (text === 'rest') return pool.filter((node) => taken?.has(node) !== true);
  const [word = '', argument] = text.split(/\s+/, 2);
  if (argument !== undefined && word === 'zone') {
    return pool.filter(({ spec }) => spec.zone === argument);
  }
  if (argument !== undefined && word === 'cluster') {
    return pool.filter(({ spec }) => spec.cluster === argument);
  }
  const count = argument !== undefined && word === 'random' ? Number(argument) : Number.NaN;
  if (Number.isInteger(count) && count >= 0) return random.shuffle(pool).slice(0, count);
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) {
    return random.shuffle(pool).slice(0, Math.round((pool.length * Number(percent)) / 100));
  }
  return named(text, cluster);
}

function named(text: string, cluster: SimCluster): readonly SimNode[] {
  const parts = text.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('.*')}$`);
  const found = cluster.nodes.filter(({ name }) => pattern.test(name));
  if (found.length > 0) return found;
  const names = cluster.nodes.slice(0, 5).map(({ name }) => name);
  throw new SimUsageError(
    `no node is called ${JSON.stringify(text)}: write ${SELECTOR_FORMS}; nodes are called ${names.join(', ')}${cluster.nodes.length > 5 ? ', …' : ''}`,
  );
}
