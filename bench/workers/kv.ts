import { setTimeout as delay } from 'node:timers/promises';
import { encodeMessage } from '@ml/gossip/wire';
import { createMemberlistKv, encodeKeyValuePair, type KvClient, memberlistKvConfig } from '@ml/kv';
import { type InstanceDesc, RingDesc, ringCodec } from '@ml/ring';
import { defaultsOf } from '@ml/runtime/config';
import { nodeRuntime } from '@ml/runtime/node';
import { cpuNs, type Params, type Prepare } from './measure.ts';
import { QuietTransport } from './quiet-transport.ts';
import { Heartbeats, makeRing } from './rings.ts';

const KEY = 'ring';
/** So many messages arrive together, as at the peer. */
const AT_ONCE = 512;

interface Store {
  readonly client: KvClient<RingDesc>;
  readonly transport: QuietTransport;
  readonly ring: RingDesc;
}

/** A gossiped store of its own that holds a ring. */
async function startStore(params: Params): Promise<Store> {
  const transport = new QuietTransport();
  const kv = await createMemberlistKv({
    config: defaultsOf(memberlistKvConfig),
    codecs: [ringCodec],
    runtime: nodeRuntime(),
    transport,
    dns: { resolve: async () => ({ addresses: [], failures: [], notFound: [] }) },
    resolveHost: async () => [],
    name: 'bench',
  });
  const client = kv.client(ringCodec);
  const ring = makeRing(params);
  await client.cas(KEY, () => ring);
  return { client, transport, ring };
}

async function isStored(client: KvClient<RingDesc>, last: InstanceDesc): Promise<boolean> {
  return (await client.get(KEY))?.get(last.id)?.heartbeatUnixS === last.heartbeatUnixS;
}

/** The store: own writes, and messages of peers, both with all that hangs on a change. */
export const kvBenchmarks: Readonly<Record<string, Prepare>> = {
  'kv.cas': async (params) => {
    const { client, ring } = await startStore(params);
    const beats = new Heartbeats(ring);
    return async (n) => {
      for (let i = 0; i < n; i += 1) {
        await client.cas(KEY, (current = RingDesc.empty) => current.set(beats.next()));
      }
      return undefined;
    };
  },
  'kv.applyMessage': async (params) => {
    const { client, transport, ring } = await startStore(params);
    const beats = new Heartbeats(ring);
    return async (n) => {
      let counted = 0;
      for (let done = 0; done < n; done += AT_ONCE) {
        const messages = Array.from({ length: Math.min(AT_ONCE, n - done) }, () => {
          const value = ringCodec.encode(RingDesc.of([beats.next()]));
          const pair = { key: KEY, value, codec: ringCodec.id, deleted: false };
          const payload = encodeKeyValuePair({ ...pair, updateTimeMillis: undefined });
          return encodeMessage({ type: 'user', payload });
        });
        const last = beats.last;
        const started = cpuNs();
        for (const message of messages) transport.receive(message);
        while (!(await isStored(client, last))) await delay(1);
        counted += cpuNs() - started;
      }
      return counted;
    };
  },
};
