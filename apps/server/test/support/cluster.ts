import { StaticResolver } from '@ml/dns-discovery/testing';
import { type MemoryMetrics, memoryMetrics } from '@ml/metrics';
import { type PartialConfig, resolveConfig } from '@ml/runtime/config';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { SimNetwork } from '@ml/transport/sim';
import { type ServerConfig, serverConfig } from '../../src/config.ts';
import { type ClusterNode, type PreparedNode, prepareNode } from '../../src/node.ts';

export interface SimNode {
  readonly node: PreparedNode;
  readonly config: ServerConfig;
  readonly metrics: MemoryMetrics;
  readonly ip: string;
}

/** Nodes in virtual time, found through `dnssrv+members.test`. */
export class SimCluster implements AsyncDisposable {
  readonly runtime: VirtualRuntime = new VirtualRuntime({ seed: 42 });
  readonly network: SimNetwork = new SimNetwork({ runtime: this.runtime, mode: 'tcp' });
  readonly zone: StaticResolver = new StaticResolver({ random: this.runtime.random.fork('dns') });
  readonly nodes: SimNode[] = [];

  /** A node that is not started; unless `listed` is false the zone knows it. */
  add(
    name: string,
    options: { config?: PartialConfig<ServerConfig>; listed?: boolean } = {},
  ): SimNode {
    const ip = `10.0.0.${this.nodes.length + 1}`;
    const { config: given = {}, listed = true } = options;
    const config = resolveConfig(serverConfig, {
      ...given,
      memberlist: {
        ...given.memberlist,
        kv: {
          nodeName: name,
          randomizeNodeName: false,
          joinMembers: ['dnssrv+members.test'],
          ...given.memberlist?.kv,
        },
      },
      ring: { instanceId: name, minReadyDurationMs: 1000, ...given.ring },
    });
    const metrics = memoryMetrics();
    const node = prepareNode({
      config,
      runtime: this.runtime.node(name),
      transport: this.network.transport({ host: ip, port: 7946 }),
      resolver: this.zone,
      registerer: metrics,
    });
    const made = { node, config, metrics, ip };
    this.nodes.push(made);
    if (listed) this.list(...this.nodes.map((each) => each.ip));
    return made;
  }

  list(...ips: readonly string[]): void {
    for (const ip of ips) this.zone.setAddresses(`${ip}.pods.test`, [ip]);
    this.zone.setSrv(
      'members.test',
      ips.map((ip) => ({ target: `${ip}.pods.test`, port: 7946 })),
    );
  }

  /** Starts all nodes at once and lets `ms` pass. */
  async start(ms = 10_000): Promise<readonly ClusterNode[]> {
    const starting = Promise.all(this.nodes.map(({ node }) => node.start()));
    await this.runtime.runFor(ms);
    return await starting;
  }

  /** Waits for `work`, letting virtual time pass meanwhile. */
  async during<T>(work: Promise<T>, ms = 60_000): Promise<T> {
    let over = false;
    const watched = work.finally(() => {
      over = true;
    });
    watched.catch(() => {});
    await this.runtime.runUntil(() => over, { limitMs: ms });
    return await watched;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.during(Promise.all(this.nodes.map(({ node }) => node.close())));
  }
}
