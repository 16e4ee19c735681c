import type { Check } from './check.ts';

/** Who has left the ring for good; told by who runs the simulation. */
export interface Departures {
  /** Instances that left in good order and have not been started since. */
  readonly gone: ReadonlySet<string>;
}

/**
 * An instance that left stays gone: a node that has seen it go does not see it again, and in the end no node sees it.
 */
export function nothingResurrects({ gone }: Departures): Check {
  const missing = new Map<string, Set<string>>();
  return {
    name: 'nothing resurrects',
    during: ({ nodes }) => {
      for (const { name, lives, ring } of nodes) {
        if (ring === undefined) continue;
        const life = `${name} ${lives}`;
        const before = missing.get(life) ?? new Set<string>();
        const visible = new Set(ring.instances.map(({ id }) => id));
        const back = [...before].find((id) => gone.has(id) && visible.has(id));
        missing.set(life, new Set([...gone].filter((id) => !visible.has(id))));
        if (back !== undefined) return `${back}, which has left, is back in the ring of ${name}`;
      }
      return undefined;
    },
    atEnd: ({ nodes }) => {
      for (const { name, ring } of nodes) {
        const left = ring?.instances.find(({ id }) => gone.has(id));
        if (left !== undefined)
          return `${left.id}, which has left, is still in the ring of ${name}`;
      }
      return undefined;
    },
  };
}
