import { createRing, type Ring, type RingDesc, ringCodec } from '@ml/ring';
import { nodeRuntime } from '@ml/runtime/node';
import { createNode } from '@ml/server/create-node';
import type { ClusterNode } from '@ml/server/node';

import { RING_KEY } from './mixed-cluster.ts';

export interface EmbeddedNodeOptions {
  readonly name: string;
  readonly join: readonly string[];
}

/**
 * A node inside the test's own process, as a program embeds the library. It reads and changes the ring without being
 * an instance of it.
 */
export class EmbeddedNode implements AsyncDisposable {
  readonly name: string;
  readonly node: ClusterNode;

  private constructor(name: string, node: ClusterNode) {
    this.name = name;
    this.node = node;
  }

  /** Returns when it has joined and sees instances in the ring. */
  static async start({ name, join }: EmbeddedNodeOptions): Promise<EmbeddedNode> {
    const node = await createNode({
      name,
      join,
      mode: 'observer',
      bindAddress: '127.0.0.1',
      bindPort: 0,
      config: {
        memberlist: { kv: { randomizeNodeName: false } },
        ring: { name: 'ingester', key: 'ring' },
      },
    });
    await node.ready({ signal: AbortSignal.timeout(30_000) });
    return new EmbeddedNode(name, node);
  }

  /** Changes the ring by compare and swap. */
  async cas(change: (ring: RingDesc) => RingDesc): Promise<void> {
    await this.node.kv.client(ringCodec).cas(RING_KEY, (ring) => ring && change(ring));
  }

  /** The same ring, read with three replicas. */
  async ring(options: { readonly zoneAware: boolean }): Promise<Ring> {
    return await createRing({
      name: 'ingester',
      key: RING_KEY,
      config: {
        replicationFactor: 3,
        zoneAwarenessEnabled: options.zoneAware,
        excludedZones: [],
        heartbeatTimeoutMs: 60_000,
      },
      client: this.node.kv.client(ringCodec),
      runtime: nodeRuntime(),
    });
  }

  /** Leaves the cluster properly. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.leave();
    await this.node.close();
  }
}
