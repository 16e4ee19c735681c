import { goBinary } from './build.ts';
import { ControlClient } from './control-client.ts';
import { HarnessError } from './errors.ts';
import { type Flags, flagArguments, ManagedProcess } from './managed-process.ts';
import { MetricsPage } from './metrics-text.ts';
import type { Namespace } from './netns.ts';
import type { RingInstance } from './ring-digest.ts';

export type MemberState = 'alive' | 'suspect' | 'dead' | 'left';

/** What a Go peer thinks of a member; its own engine's state, unlike the status page, which hides it. */
export interface GoMember {
  readonly name: string;
  readonly addr: string;
  readonly port: number;
  readonly meta: string | null;
  readonly state: MemberState;
  readonly incarnation: number;
  readonly stateChangeUnixMs: number;
  /** Of the running suspicion. */
  readonly confirmations?: number;
  readonly confirmationsWanted?: number;
}

/**
 * `member`: a state change of a member, `to: "forgotten"` when it left the table. `confirmation`: of a suspicion.
 * `incarnation`: a member refuted something. `probe-failed`: this peer's own probe. `declared-dead`: this peer's own
 * suspicion ran out. `refuted`: a claim about this peer. `instance`: a ring entry changed, `to: "gone"` when removed.
 */
export type GoEventType =
  | 'member'
  | 'confirmation'
  | 'incarnation'
  | 'probe-failed'
  | 'declared-dead'
  | 'refuted'
  | 'instance';

export interface GoEvent {
  readonly seq: number;
  /** Wall time, with microseconds; of a member's change the engine's own. */
  readonly unixMs: number;
  readonly type: GoEventType;
  readonly member?: string;
  readonly from?: string;
  readonly to?: string;
  readonly incarnation?: number;
  readonly confirmations?: number;
  readonly confirmationsWanted?: number;
  readonly timestamp?: number;
  readonly tokens?: number;
}

export interface GoStatus {
  readonly name: string;
  readonly gossipAddress: string;
  readonly healthScore: number;
  readonly numMembers: number;
  readonly instanceId: string;
  readonly instanceState: string;
  readonly ringInstanceCount: number;
}

export interface GoReplicaSet {
  readonly instances: readonly string[];
  readonly maxErrors: number;
  readonly maxUnavailableZones: number;
  readonly zoneAwarenessEnabled: boolean;
  readonly error?: string;
}

export type RingOperation = 'Write' | 'WriteNoExtend' | 'Read' | 'Reporting';

/** Fields to change of a ring entry; the timestamp is now unless given. */
export type InstancePatch = Partial<RingInstance> & Pick<RingInstance, 'id'>;

export interface TextValue {
  /** The higher version wins, of equal ones the greater body. */
  readonly version: number;
  readonly body: string;
}

export interface LookupOptions {
  readonly keys: readonly number[];
  readonly op: RingOperation;
  /** Look up in this tenant's shuffle shard of `shardSize` instances. */
  readonly identifier?: string;
  readonly shardSize?: number;
}

interface PeerAddress {
  readonly name: string;
  readonly instanceId: string;
  readonly gossipAddress: string;
  readonly controlUrl: string;
}

type ReadyLine =
  | { readonly event: 'ready'; readonly peers: readonly PeerAddress[] }
  | { readonly event: 'failed'; readonly error: string };

/** One member run by the pinned dskit, driven over its control address. */
export class GoPeer {
  /** Node name, with the random suffix if it has one. */
  readonly name: string;
  readonly instanceId: string;
  /** `ip:port`, to join through. */
  readonly gossipAddress: string;
  readonly control: ControlClient;

  constructor(address: PeerAddress) {
    this.name = address.name;
    this.instanceId = address.instanceId;
    this.gossipAddress = address.gossipAddress;
    this.control = new ControlClient(address.controlUrl);
  }

  async status(): Promise<GoStatus> {
    return await this.control.get('/status');
  }

  /** All members it knows, dead and left ones included, by name. */
  async members(): Promise<readonly GoMember[]> {
    return await this.control.get('/members');
  }

  /** Names of the members it holds for alive, sorted. */
  async aliveNames(): Promise<readonly string[]> {
    return (await this.members()).filter((m) => m.state === 'alive').map((m) => m.name);
  }

  /** Events after sequence number `since`, at most the newest 20 000. */
  async events(since = 0): Promise<readonly GoEvent[]> {
    return await this.control.get(`/events?since=${since}`);
  }

  /** The ring without tombstones. `key` is with prefix, default the peer's own ring. */
  async ring(key?: string): Promise<readonly RingInstance[]> {
    const query = key === undefined ? '' : `?key=${encodeURIComponent(key)}`;
    const ring: { readonly instances: readonly RingInstance[] } = await this.control.get(
      `/ring${query}`,
    );
    return ring.instances;
  }

  /** SHA-256 of the canonical ring text, as `ringDigest` computes it, and that text. */
  async ringDigest(): Promise<{ readonly sha256: string; readonly json: string }> {
    return await this.control.get('/ringbytes');
  }

  /** Changes ring entries in one CAS. Without a change the reference fails after 9 s. */
  async changeRing(change: {
    readonly key?: string;
    readonly set?: readonly InstancePatch[];
    readonly remove?: readonly string[];
  }): Promise<void> {
    await this.control.post('/cas', change);
  }

  /** Stores a text under a codec of `-text-codecs`. */
  async putText(key: string, codec: string, text: TextValue): Promise<void> {
    await this.control.post('/cas', { key, codec, text });
  }

  async text(key: string, codec: string): Promise<TextValue | undefined> {
    const query = `key=${encodeURIComponent(key)}&codec=${encodeURIComponent(codec)}`;
    const read: { readonly found: boolean; readonly value: TextValue } = await this.control.get(
      `/text?${query}`,
    );
    return read.found ? read.value : undefined;
  }

  /** Marks a key, with prefix, as deleted. */
  async deleteKey(key: string): Promise<void> {
    await this.control.post(`/delete?key=${encodeURIComponent(key)}`);
  }

  /** The replica sets of keys, in order. */
  async lookup(options: LookupOptions): Promise<readonly GoReplicaSet[]> {
    return await this.control.post('/get', options);
  }

  /** The sorted members of each tenant's shuffle shard. */
  async shuffleShards(
    identifiers: readonly string[],
    shardSize: number,
  ): Promise<readonly GoReplicaSet[]> {
    return await this.control.post('/shuffle-shard', { identifiers, shardSize });
  }

  /** The whole ring as one replica set for an operation. */
  async replicationSet(op: RingOperation): Promise<GoReplicaSet> {
    return await this.control.get(`/replication-set?op=${op}`);
  }

  async changeState(state: string): Promise<void> {
    await this.control.post(`/state?state=${state}`);
  }

  async setReadOnly(readOnly: boolean): Promise<void> {
    await this.control.post(`/read-only?value=${readOnly}`);
  }

  /** @returns how many addresses were reached. */
  async join(...addresses: readonly string[]): Promise<number> {
    const query = addresses.map((a) => `address=${encodeURIComponent(a)}`).join('&');
    const joined: { readonly reached: number } = await this.control.post(`/join?${query}`);
    return joined.reached;
  }

  /** Stops lifecycler and gossip properly. The process ends when its last member has left. */
  async leave(): Promise<void> {
    await this.control.post('/leave');
  }

  async metrics(): Promise<MetricsPage> {
    return MetricsPage.parse(await this.control.text('/metrics'));
  }

  /** dskit's own status page as JSON. */
  async statusPage(): Promise<unknown> {
    return await this.control.get('/memberlist');
  }

  /** A stored value as dskit prints it, tombstones included; undefined for an unknown key. */
  async viewKey(key: string): Promise<string | undefined> {
    const path = `/memberlist?viewKey=${encodeURIComponent(key)}&format=json`;
    const response = await this.control.request(path);
    return response.status === 200 ? await response.text() : undefined;
  }
}

export interface GoPeersOptions {
  /** Members in one process, default 1; see `-count`. */
  readonly count?: number;
  /** Default `go`. Members of a group are called `<name>-0`, `<name>-1`, … */
  readonly name?: string;
  /** Gossip addresses to join through. */
  readonly join?: readonly string[];
  /** Default: loopback; inside a namespace its own address. */
  readonly bindAddress?: string;
  readonly namespace?: Namespace;
  /** More flags, without dash, over the defaults: no random suffix, any free port. */
  readonly flags?: Flags;
}

/** One process of Go peers. Disposal kills it; peers see a crash. */
export class GoPeers implements AsyncDisposable {
  readonly process: ManagedProcess;
  readonly peers: readonly GoPeer[];

  private constructor(process: ManagedProcess, peers: readonly GoPeer[]) {
    this.process = process;
    this.peers = peers;
  }

  /** Returns when gossip and lifecyclers run; instances become ACTIVE a second later. */
  static async start(options: GoPeersOptions = {}): Promise<GoPeers> {
    const { name = 'go', namespace } = options;
    const host = namespace?.address ?? '127.0.0.1';
    const flags: Flags = {
      count: options.count ?? 1,
      'memberlist.nodename': name,
      'memberlist.randomize-node-name': false,
      'memberlist.bind-addr': options.bindAddress ?? host,
      'memberlist.bind-port': 0,
      'memberlist.join': options.join,
      'control.listen-addr': `${host}:0`,
      ...options.flags,
    };
    const process = await ManagedProcess.start({
      name: `Go peer ${name}`,
      command: await goBinary('peer'),
      args: flagArguments(flags),
      namespace,
    });
    try {
      const line: ReadyLine = await process.firstJson();
      if (line.event === 'failed') {
        throw new HarnessError(`${process.name} did not start: ${line.error}\n${process.tail()}`);
      }
      return new GoPeers(
        process,
        line.peers.map((address) => new GoPeer(address)),
      );
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  /** The first, or the only one. */
  get first(): GoPeer {
    const [first] = this.peers;
    if (first === undefined) throw new HarnessError(`${this.process.name} has no members`);
    return first;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
  }
}
