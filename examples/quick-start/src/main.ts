import { hashKey, Write } from '@ml/ring';
import { createNode } from '@ml/server/create-node';

const node = await createNode({ name: 'worker-1', bindAddress: '127.0.0.1', bindPort: 0 });
await node.ready();
const { instances } = node.ring.get(hashKey('customer-42'), Write);
console.log(`customer-42 belongs to ${instances.map(({ id }) => id).join(', ')}`);
await node.leave().then(() => node.close());
