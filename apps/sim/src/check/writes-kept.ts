import type { Check } from './check.ts';

/** What was written, and who has it. */
export interface Writes {
  /** Items that a CAS accepted on a process that has run ever since, by cluster. */
  readonly accepted: () => readonly { readonly cluster: string; readonly item: string }[];
  /** Items that a node's value holds; `undefined` when it has no value at all. */
  readonly held: (node: string) => ReadonlySet<string> | undefined;
}

/** What a CAS accepted reaches everybody in the end, unless the process that did so is gone: no write is lost in silence. */
export function acceptedWritesAreKept(ledger: Writes): Check {
  return {
    name: 'accepted writes are kept',
    atEnd: ({ nodes }) => {
      const writes = ledger.accepted();
      for (const { name, cluster, ring } of nodes) {
        if (ring === undefined) continue;
        const items = ledger.held(name);
        const lost = writes.find(
          (write) => write.cluster === cluster && items?.has(write.item) !== true,
        );
        if (lost !== undefined) return `${name} does not hold ${lost.item}, which was accepted`;
      }
      return undefined;
    },
  };
}
