import { byCluster, type Check } from './check.ts';

/** No member that lives, runs and can be reached stays dead to another. */
export function nobodyStaysDead(): Check {
  return {
    name: 'nobody who lives stays dead',
    atEnd: ({ nodes }) => {
      for (const group of byCluster(nodes).values()) {
        for (const node of group) {
          const alive = new Set(
            node.members.filter(({ state }) => state === 'alive').map(({ name }) => name),
          );
          const lost = group.find(({ memberName }) => !alive.has(memberName));
          if (lost !== undefined) {
            return `${node.name} does not see ${lost.memberName} alive, which lives and can be reached`;
          }
        }
      }
      return undefined;
    },
  };
}
