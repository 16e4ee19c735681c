import type { Check } from './check.ts';

/** Nodes of clusters with different labels never learn of each other. Names of nodes begin with that of their cluster. */
export function labelsStayApart(): Check {
  return {
    name: 'labels stay apart',
    during: ({ nodes }) => {
      for (const { name, cluster, members, ring } of nodes) {
        const known = [
          ...members.map((member) => member.name),
          ...(ring?.instances.map(({ id }) => id) ?? []),
        ];
        const foreign = known.find((other) => !other.startsWith(`${cluster}-`));
        if (foreign !== undefined) return `${name} of cluster ${cluster} knows ${foreign}`;
      }
      return undefined;
    },
  };
}
