import { getHeapStatistics } from 'node:v8';
import type { Logger } from '@ml/runtime';
import { formatAddress } from '@ml/transport';
import { readinessText } from './readiness.ts';
import type { Server } from './serve.ts';

/** Members and keys that one dump lists. */
const MAX_LISTED = 100;

/** Writes what the node is doing to the log: readiness, parts, members, keys, open handles, memory. */
export async function dumpState(server: Server, log: Logger): Promise<void> {
  const { node } = server;
  const status = node.kv.status();
  const out = log.child({ dump: 'state' });
  out.info({ readiness: readinessText(await node.readiness()).trim(), http: server.url }, 'node');
  for (const { name, state } of node.services()) out.info({ service: name, state }, 'service');
  out.info(
    {
      healthScore: status.healthScore,
      isolated: status.isolated,
      members: status.members.length,
      queuedLocal: status.queued.local,
      queuedGossip: status.queued.gossip,
      queuedBytes: status.queued.bytes,
    },
    'gossip',
  );
  for (const member of status.members.slice(0, MAX_LISTED)) {
    const { name, address, state } = member;
    out.info({ member: name, address: formatAddress(address), state }, 'member');
  }
  for (const { key, version, codecId, sizeBytes } of status.store.slice(0, MAX_LISTED)) {
    out.info({ key, version, codec: codecId, bytes: sizeBytes }, 'key');
  }
  const { heapUsed, rss } = process.memoryUsage();
  const { heap_size_limit: heapLimit } = getHeapStatistics();
  out.info({ rss, heapUsed, heapLimit, uptimeS: Math.round(process.uptime()) }, 'process');
  for (const [resource, count] of resources()) out.info({ resource, count }, 'active resource');
}

/** What keeps the event loop busy, by kind. */
function resources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo())
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
