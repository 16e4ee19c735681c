import { setInterval } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createNode } from '@ml/server/create-node';
import { leaderOf } from './leadership.ts';

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'worker-1' },
    gossip: { type: 'string', default: '7946' },
    join: { type: 'string', multiple: true, default: [] },
  },
});

/** Jobs of which each must run in one process only. */
const jobs = ['backup', 'billing', 'cleanup', 'digest', 'export', 'reports'];

const node = await createNode({
  name: values.name,
  join: values.join,
  bindAddress: '127.0.0.1',
  bindPort: Number(values.gossip),
  config: { ring: { replicationFactor: 3, heartbeatPeriodMs: 1000, heartbeatTimeoutMs: 5000 } },
});
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());

// A crash shows only in a heartbeat that stays away, so we look every second, not just at each change.
let led = '';
try {
  for await (const _ of setInterval(1000, undefined, { signal: stopping.signal })) {
    const now = jobs.filter((job) => leaderOf(node.ring, job) === values.name).join(' ');
    if (now !== led) console.log(`${values.name} leads: ${now || 'nothing'}`);
    led = now;
  }
} catch (error) {
  if (!stopping.signal.aborted) throw error;
}
await node.leave();
await node.close();
