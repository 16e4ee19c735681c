import { execPath } from 'node:process';

import { serverMain } from './build.ts';
import { ControlClient } from './control-client.ts';
import { HarnessError } from './errors.ts';
import { eventually } from './eventually.ts';
import { type Flags, flagArguments, ManagedProcess } from './managed-process.ts';
import { MetricsPage } from './metrics-text.ts';
import type { Namespace } from './netns.ts';
import { freePort } from './ports.ts';

const READY_LIMIT_MS = 30_000;

/** The status page as JSON, in the reference's names. */
export interface MemberlistPage {
  readonly Now: string;
  readonly SortedMembers: readonly {
    readonly Name: string;
    readonly Addr: string;
    readonly Port: number;
    readonly State: number;
  }[];
  readonly Store: Readonly<
    Record<
      string,
      { readonly Version: number; readonly CodecID: string; readonly Deleted: boolean }
    >
  >;
}

/** The ring page as JSON, in the reference's names. */
export interface RingPage {
  readonly shards:
    | readonly {
        readonly id: string;
        readonly state: string;
        readonly address: string;
        readonly timestamp: string;
        readonly registered_timestamp: string;
        readonly read_only: boolean;
        readonly read_only_updated_timestamp: string;
        readonly zone: string;
        readonly tokens: readonly number[] | null;
      }[]
    | null;
  readonly now: string;
}

/** Flags with which one of our nodes is in the ring that Go peers are in by default, and ready at once. */
export const SHARED_RING: Flags = { 'ring.key': 'ring', 'ring.min-ready-duration': '0s' };

export interface TsNodeOptions {
  /** Node name, and instance id unless flags say otherwise. */
  readonly name: string;
  readonly join?: readonly string[];
  /** Default: loopback; inside a namespace its own address. */
  readonly bindAddress?: string;
  readonly namespace?: Namespace;
  /** Default: a free one; inside a namespace 7946. */
  readonly gossipPort?: number;
  /** Default: a free one; inside a namespace 4040. */
  readonly httpPort?: number;
  /** More flags, without dash, over the defaults. */
  readonly flags?: Flags;
  /** Default true: return only when `GET /ready` answers 200. */
  readonly awaitReady?: boolean;
}

/** One of our own nodes as a user starts it. Disposal kills it; peers see a crash. */
export class TsNode implements AsyncDisposable {
  readonly name: string;
  /** `ip:port`, to join through. */
  readonly gossipAddress: string;
  readonly process: ManagedProcess;
  readonly http: ControlClient;

  private constructor(name: string, gossipAddress: string, process: ManagedProcess, url: string) {
    this.name = name;
    this.gossipAddress = gossipAddress;
    this.process = process;
    this.http = new ControlClient(url);
  }

  static async start(options: TsNodeOptions): Promise<TsNode> {
    const { name, namespace } = options;
    const host = namespace?.address ?? '127.0.0.1';
    const bindAddress = options.bindAddress ?? host;
    const portOf = async (address: string, usual: number): Promise<number> =>
      namespace === undefined ? await freePort(address) : usual;
    const gossipPort = options.gossipPort ?? (await portOf(bindAddress, 7946));
    const httpPort = options.httpPort ?? (await portOf(host, 4040));
    const flags: Flags = {
      'memberlist.nodename': name,
      'memberlist.randomize-node-name': false,
      'memberlist.bind-addr': bindAddress,
      'memberlist.bind-port': gossipPort,
      'memberlist.join': options.join,
      'ring.instance-id': name,
      'server.http-listen-address': host,
      'server.http-listen-port': httpPort,
      ...options.flags,
    };
    const process = await ManagedProcess.start({
      name: `node ${name}`,
      command: execPath,
      args: [await serverMain(), ...flagArguments(flags)],
      namespace,
    });
    const url = `http://${host}:${httpPort}`;
    const node = new TsNode(name, `${bindAddress}:${gossipPort}`, process, url);
    try {
      if (options.awaitReady !== false) await node.ready();
      return node;
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  /** Waits until the node says it is ready. */
  async ready(withinMs: number = READY_LIMIT_MS): Promise<void> {
    await eventually(async () => await this.http.text('/ready'), {
      what: `${this.process.name} becomes ready`,
      withinMs,
      detail: () => this.process.tail(),
    });
  }

  async memberlistPage(): Promise<MemberlistPage> {
    return await this.http.get('/memberlist');
  }

  /** Names on the status page: members it holds for alive or suspect, sorted. */
  async memberNames(): Promise<readonly string[]> {
    return (await this.memberlistPage()).SortedMembers.map((m) => m.Name).sort();
  }

  async ringPage(): Promise<RingPage> {
    return await this.http.get('/ring');
  }

  async metrics(): Promise<MetricsPage> {
    return MetricsPage.parse(await this.http.text('/metrics'));
  }

  /** A stored value in the reference's JSON, tombstones included; undefined for an unknown key. */
  async viewKey(key: string): Promise<string | undefined> {
    const path = `/memberlist?viewKey=${encodeURIComponent(key)}&format=json`;
    const response = await this.http.request(path);
    return response.status === 200 ? await response.text() : undefined;
  }

  /** Leaves properly. */
  async stop(): Promise<void> {
    const end = await this.process.stop();
    if (end.code !== 0) {
      throw new HarnessError(
        `${this.process.name} ended with ${end.signal ?? `code ${end.code}`}\n${this.process.tail()}`,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
  }
}
