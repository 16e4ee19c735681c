import type { Check } from './check.ts';

/** When all is well again, nobody is suspect and no membership news goes round any more. */
export function comesToRest(): Check {
  return {
    name: 'it comes to rest',
    atEnd: ({ nodes }) => {
      for (const { name, members, queuedBroadcasts } of nodes) {
        const suspect = members.find(({ state }) => state === 'suspect');
        if (suspect !== undefined) return `${name} still suspects ${suspect.name}`;
        if (queuedBroadcasts > 0) return `${name} still has ${queuedBroadcasts} broadcasts to send`;
      }
      return undefined;
    },
  };
}
