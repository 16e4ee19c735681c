import type { Resolver, SrvRecord } from '@ml/dns-discovery';
import { StaticResolver } from '@ml/dns-discovery/testing';
import type { Random } from '@ml/runtime';

/** All values of {@link DnsFault}. */
export const DNS_FAULTS = ['outage', 'hang', 'empty', 'stale', 'selfOnly', 'wrongPort'] as const;

/**
 * How the DNS misbehaves towards a node. `outage`: SERVFAIL. `hang`: no answer at all. `empty`: no records. `stale`: the
 * records stay as they are now. `selfOnly`: only the node's own record. `wrongPort`: SRV records name port 4040, where
 * nobody gossips.
 */
export type DnsFault = (typeof DNS_FAULTS)[number];

/** A node as the DNS lists it. */
export interface DnsRecord {
  readonly node: string;
  readonly ip: string;
  readonly port: number;
}

const WRONG_PORT = 4040;

interface Zone {
  readonly records: Map<string, DnsRecord>;
  /** Whether records changed since the resolver was told. */
  changed: boolean;
}

/**
 * The discovery names of the simulated clusters. `members.<cluster>.sim` has one SRV record a listed node, and
 * `<node>.<cluster>.sim` its address, as a headless service in Kubernetes would. Each node asks through a view of its
 * own, so that the DNS may misbehave towards some.
 */
export class SimDns {
  readonly #random: Random;
  readonly #resolver: StaticResolver;
  readonly #zones = new Map<string, Zone>();

  constructor(random: Random) {
    this.#random = random;
    this.#resolver = new StaticResolver({ random: random.fork('zone') });
  }

  /** The join entry that finds the members of a cluster. */
  entry(cluster: string): string {
    return `dnssrv+${membersName(cluster)}`;
  }

  /** Lists a node, in the place of what it was listed with. */
  list(cluster: string, record: DnsRecord): void {
    const zone = this.#zone(cluster);
    zone.records.set(record.node, record);
    zone.changed = true;
    this.#resolver.setAddresses(hostName(cluster, record.node), [record.ip]);
  }

  /** Takes a node off the list. */
  unlist(cluster: string, node: string): void {
    const zone = this.#zone(cluster);
    if (!zone.records.delete(node)) return;
    zone.changed = true;
    this.#resolver.setAddresses(hostName(cluster, node), []);
  }

  /** What is listed for a cluster now. */
  records(cluster: string): readonly DnsRecord[] {
    return [...this.#zone(cluster).records.values()];
  }

  /** The view of one node, which need not be listed. */
  resolver(cluster: string, node: string): SimResolver {
    return new SimResolver({
      cluster,
      node,
      random: this.#random.fork(`view of ${node}`),
      records: () => this.records(cluster),
      zone: () => this.#published(cluster),
    });
  }

  #zone(cluster: string): Zone {
    const known = this.#zones.get(cluster);
    if (known !== undefined) return known;
    const made: Zone = { records: new Map(), changed: false };
    this.#zones.set(cluster, made);
    return made;
  }

  /** Records are put together when somebody asks: listing n nodes then costs n steps. */
  #published(cluster: string): StaticResolver {
    const zone = this.#zone(cluster);
    if (zone.changed) publish(this.#resolver, cluster, this.records(cluster));
    zone.changed = false;
    return this.#resolver;
  }
}

/** What a {@link SimResolver} is made of. */
export interface SimResolverOptions {
  readonly cluster: string;
  readonly node: string;
  readonly random: Random;
  readonly records: () => readonly DnsRecord[];
  readonly zone: () => StaticResolver;
}

/** The DNS as one node sees it. */
export class SimResolver implements Resolver {
  readonly #options: SimResolverOptions;
  #override: StaticResolver | undefined;
  #fault: DnsFault | undefined;

  constructor(options: SimResolverOptions) {
    this.#options = options;
  }

  /** What is wrong at present. */
  get fault(): DnsFault | undefined {
    return this.#fault;
  }

  /** Lets the DNS misbehave, or heals it: look-ups that hang are answered then. */
  setFault(fault: DnsFault | undefined): void {
    const before = this.#override;
    this.#fault = fault;
    this.#override = fault === undefined ? undefined : this.#faulty(fault);
    if (before === undefined) return;
    const { cluster, records } = this.#options;
    publish(before, cluster, records());
    before.heal('*');
  }

  lookupAddresses(
    host: string,
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly string[]> {
    return (this.#override ?? this.#options.zone()).lookupAddresses(host, options);
  }

  lookupSrv(
    name: string,
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly SrvRecord[]> {
    return (this.#override ?? this.#options.zone()).lookupSrv(name, options);
  }

  #faulty(fault: DnsFault): StaticResolver {
    const { cluster, node, random } = this.#options;
    const view = new StaticResolver({ random: random.fork(fault) });
    const records = this.#options.records();
    switch (fault) {
      case 'outage':
        view.fail('*', 'servfail');
        break;
      case 'hang':
        view.fail('*', 'hang');
        break;
      case 'empty':
        break;
      case 'stale':
        publish(view, cluster, records);
        break;
      case 'selfOnly':
        publish(
          view,
          cluster,
          records.filter((record) => record.node === node),
        );
        break;
      case 'wrongPort':
        publish(
          view,
          cluster,
          records.map((record) => ({ ...record, port: WRONG_PORT })),
        );
        break;
    }
    return view;
  }
}

function publish(resolver: StaticResolver, cluster: string, records: readonly DnsRecord[]): void {
  for (const { node, ip } of records) resolver.setAddresses(hostName(cluster, node), [ip]);
  resolver.setSrv(
    membersName(cluster),
    records.map(({ node, port }) => ({ target: hostName(cluster, node), port })),
  );
}

function membersName(cluster: string): string {
  return `members.${cluster}.sim`;
}

function hostName(cluster: string, node: string): string {
  return `${node}.${cluster}.sim`;
}
