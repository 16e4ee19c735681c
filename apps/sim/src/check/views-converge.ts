import { byCluster, type Check, type SeenNode } from './check.ts';

/** All nodes of a cluster end up with the same members and the same ring. */
export function viewsConverge(): Check {
  return {
    name: 'views converge',
    atEnd: ({ nodes }) => {
      for (const group of byCluster(nodes).values()) {
        const [first] = group;
        for (const node of group) {
          if (first === undefined) break;
          const members = differing(node, first, membersOf);
          const ring = differing(node, first, ringOf);
          if (members !== undefined || ring !== undefined) return members ?? ring;
        }
      }
      return undefined;
    },
  };
}

function differing(
  node: SeenNode,
  first: SeenNode,
  view: (node: SeenNode) => string,
): string | undefined {
  if (view(node) === view(first)) return undefined;
  return `${node.name} sees [${view(node)}] and ${first.name} sees [${view(first)}]`;
}

function membersOf({ members }: SeenNode): string {
  const live = members.filter(({ state }) => state === 'alive' || state === 'suspect');
  return live
    .map(({ name }) => name)
    .sort()
    .join(' ');
}

function ringOf({ ring }: SeenNode): string {
  const instances: string[] =
    ring?.instances.map(({ id, state, zone }) => `${id}/${state}/${zone}`) ?? [];
  return instances.toSorted((a, b) => (a < b ? -1 : 1)).join(' ');
}
