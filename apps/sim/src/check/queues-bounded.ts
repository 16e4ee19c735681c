import type { Check } from './check.ts';

/** Events that may wait per node: its timers, and what is under way to it. */
const PENDING_PER_NODE = 20_000;
/** Changes of values that may wait, in two queues of 4096. */
const MAX_QUEUED_CHANGES = 2 * 4096;

/** Queues stay within their limits: one broadcast a member, so many changes, so many timers and packets under way. */
export function queuesAreBounded(): Check {
  return {
    name: 'queues are bounded',
    during: ({ nodes, pendingEvents }) => {
      for (const { name, members, queuedBroadcasts, queuedChanges } of nodes) {
        if (queuedBroadcasts > members.length) {
          return `${name} has ${queuedBroadcasts} broadcasts about ${members.length} members`;
        }
        if (queuedChanges > MAX_QUEUED_CHANGES)
          return `${name} has ${queuedChanges} changes queued`;
      }
      const most = PENDING_PER_NODE * Math.max(1, nodes.length);
      return pendingEvents > most ? `${pendingEvents} events wait to happen` : undefined;
    },
  };
}
