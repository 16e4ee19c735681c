import { DnsProvider } from '@ml/dns-discovery';
import { StaticResolver } from '@ml/dns-discovery/testing';
import { type MemoryMetrics, memoryMetrics } from '@ml/metrics';
import { type RecordingLogger, recordingLogger } from '@ml/runtime';
import { type PartialConfig, resolveConfig } from '@ml/runtime/config';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { SimNetwork } from '@ml/transport/sim';
import {
  type AnyMergeable,
  type Codec,
  jsonLww,
  type KvClient,
  type LwwMap,
  type MemberlistKv,
  type MemberlistKvConfig,
  type MemberlistKvOptions,
  memberlistKvConfig,
  type PreparedMemberlistKv,
  prepareMemberlistKv,
} from '../../src/index.ts';

export const PORT = 7946;

/** A map of anything by name: what the tests store. */
export const mapCodec: Codec<LwwMap<unknown>> = jsonLww('map');

export interface NodeOptions {
  readonly config?: PartialConfig<MemberlistKvConfig>;
  readonly codecs?: readonly Codec<AnyMergeable>[];
  readonly more?: Partial<MemberlistKvOptions>;
}

export interface TestNode {
  readonly name: string;
  readonly ip: string;
  readonly kv: PreparedMemberlistKv;
  readonly client: KvClient<LwwMap<unknown>>;
  readonly metrics: MemoryMetrics;
}

/** Stores on a network in virtual time. The name `seeds` resolves to what {@link setSeeds} was given. */
export class TestCluster {
  readonly runtime: VirtualRuntime;
  readonly network: SimNetwork;
  readonly resolver: StaticResolver;
  readonly log: RecordingLogger = recordingLogger();
  readonly nodes: TestNode[] = [];
  #lastHost = 0;

  constructor(seed: number = 1) {
    this.runtime = new VirtualRuntime({ seed, log: this.log });
    this.network = new SimNetwork({
      runtime: this.runtime,
      mode: 'tcp',
      link: { latencyMs: [0.5, 2] },
    });
    this.resolver = new StaticResolver({ random: this.runtime.random.fork('dns') });
  }

  setSeeds(...ips: readonly string[]): void {
    this.resolver.setAddresses('seeds', ips);
  }

  /** A node that is not started. Its IP is the next of 10.0.0.0/16 unless given. */
  prepare(options: NodeOptions = {}, ip: string = this.nextIp()): TestNode {
    const name = `node-${ip.split('.').at(-1)}`;
    const runtime = this.runtime.node(name);
    const metrics = memoryMetrics();
    const kv = prepareMemberlistKv({
      config: resolveConfig(memberlistKvConfig, { nodeName: name, ...options.config }),
      codecs: options.codecs ?? [mapCodec],
      runtime,
      transport: this.network.transport({ host: ip, port: PORT }),
      dns: new DnsProvider({ resolver: this.resolver, runtime }),
      resolveHost: (host, wait) => this.resolver.lookupAddresses(host, wait),
      metrics,
      ...options.more,
    });
    const node = { name, ip, kv, client: kv.client(mapCodec), metrics };
    this.nodes.push(node);
    return node;
  }

  nextIp(): string {
    this.#lastHost += 1;
    return `10.0.0.${this.#lastHost}`;
  }

  async start(options: NodeOptions = {}, ip?: string): Promise<TestNode> {
    const node = this.prepare(options, ip);
    await this.settle(node.kv.start());
    return node;
  }

  /** As many nodes, the first of them the seed of all. */
  async startMany(count: number, options: NodeOptions = {}): Promise<readonly TestNode[]> {
    const nodes: TestNode[] = [];
    for (let i = 0; i < count; i += 1) {
      const config = { joinMembers: [`10.0.0.1:${PORT}`], ...options.config };
      nodes.push(await this.start({ ...options, config }));
    }
    return nodes;
  }

  /** Lets time pass until the promise settles, but not more than an hour. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    await this.runtime.runUntil(() => settled, { limitMs: 3_600_000 });
    return await promise;
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await this.settle(node.kv.close());
  }
}

/** What a node sees under a key, or under a name in it. */
export function seen(node: { readonly kv: MemberlistKv }, key: string, name: string): unknown {
  const value = node.kv.entry(key)?.value;
  return value === undefined ? undefined : mapIn(value).get(name);
}

/** The map in an entry of a store, by way of its codec. */
export function mapIn(value: AnyMergeable): LwwMap<unknown> {
  const codec: Codec<AnyMergeable> = mapCodec;
  return mapCodec.decode(codec.encode(value));
}

/** A write of one name. */
export async function put(
  cluster: TestCluster,
  node: TestNode,
  key: string,
  name: string,
  value: unknown,
): Promise<void> {
  const now = cluster.runtime.clock.unixMs();
  await node.client.cas(key, (map) => (map ?? emptyMap()).set(name, value, now));
}

export function emptyMap(): LwwMap<unknown> {
  return mapCodec.decode(new TextEncoder().encode('{}'));
}
