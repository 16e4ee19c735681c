import type { Check, SeenMember } from './check.ts';

/**
 * In the eyes of one process, the incarnation of a member never gets smaller while it is remembered. Who was dead or has
 * left may be forgotten in between, and come back with a small one.
 */
export function incarnationsGrow(): Check {
  const seen = new Map<string, ReadonlyMap<string, SeenMember>>();
  return {
    name: 'incarnations grow',
    during: ({ nodes }) => {
      let fault: string | undefined;
      const present = new Set<string>();
      for (const node of nodes) {
        const life = `${node.name} ${node.lives}`;
        present.add(life);
        const before = seen.get(life);
        for (const member of node.members) {
          const known = before?.get(member.name);
          if (known === undefined || known.state === 'dead' || known.state === 'left') continue;
          if (member.incarnation >= known.incarnation) continue;
          fault ??= `${node.name} saw the incarnation of ${member.name} fall from ${known.incarnation} to ${member.incarnation}`;
        }
        seen.set(life, new Map(node.members.map((member) => [member.name, member])));
      }
      // A node that is down for a moment keeps its record; only earlier lives are let go.
      for (const life of [...seen.keys()]) {
        const [name = '', lives] = life.split(' ');
        const newer = nodes.some((node) => node.name === name && String(node.lives) !== lives);
        if (newer && !present.has(life)) seen.delete(life);
      }
      return fault;
    },
  };
}
