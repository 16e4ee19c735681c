import { parseArgs } from 'node:util';
import { createNode } from '@ml/server/create-node';
import { createApp } from './app.ts';

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'counter-1' },
    http: { type: 'string', default: '8081' },
    gossip: { type: 'string', default: '7946' },
    join: { type: 'string', multiple: true, default: [] },
  },
});

const host = '127.0.0.1';
const node = await createNode({
  name: values.name,
  join: values.join,
  bindAddress: host,
  bindPort: Number(values.gossip),
  instanceAddress: { host, port: Number(values.http) },
  config: { ring: { replicationFactor: 3, heartbeatPeriodMs: 1000, heartbeatTimeoutMs: 5000 } },
});
const app = createApp(values.name, node.ring);
await app.listen({ host, port: Number(values.http) });
await node.ready();
console.log(`${values.name} counts at http://${host}:${values.http}/counters/<key>`);

process.once('SIGTERM', async () => {
  await node.leave();
  await app.close();
  await node.close();
});
