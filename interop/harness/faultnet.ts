import { goBinary } from './build.ts';
import { Cleanup } from './cleanup.ts';
import { ControlClient } from './control-client.ts';
import { HarnessError } from './errors.ts';
import { ManagedProcess } from './managed-process.ts';
import { Namespace, type NamespaceOptions } from './netns.ts';

/** What a directed link does to packets; what is left out is perfect. */
export interface Impairment {
  readonly latencyMs?: number;
  /** Delay is uniform in latency ± jitter; order is kept. */
  readonly jitterMs?: number;
  /** Probability from 0 to 1, as are the next two. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** A hit packet is held back by up to `reorderMs` and overtaken. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  /** 0 = unlimited. */
  readonly rateBytesPerS?: number;
}

export interface LinkCounters {
  readonly packets: number;
  readonly bytes: number;
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly blocked: number;
  readonly overflowed: number;
}

export interface LinkStats {
  readonly from: string;
  readonly to: string;
  readonly blocked: boolean;
  readonly impairment: Required<Impairment>;
  readonly counters: LinkCounters;
}

/** Ends of links by address; left out = all. */
export interface Ends {
  readonly from?: readonly string[];
  readonly to?: readonly string[];
}

const DEVICE = 'fault0';

type ReadyLine =
  | { readonly event: 'ready'; readonly controlUrl: string }
  | { readonly event: 'failed'; readonly error: string };

/** A running fault-injecting network. Devices vanish with it. */
export class FaultNet implements AsyncDisposable {
  readonly #process: ManagedProcess;
  readonly #control: ControlClient;

  private constructor(process: ManagedProcess, controlUrl: string) {
    this.#process = process;
    this.#control = new ControlClient(controlUrl);
  }

  /** `seed` decides which packets are hit. */
  static async start(seed: number): Promise<FaultNet> {
    const process = await ManagedProcess.start({
      name: 'faultnet',
      command: await goBinary('faultnet'),
      args: [`-seed=${seed}`],
    });
    const line: ReadyLine = await process.firstJson();
    if (line.event === 'failed') {
      throw new HarnessError(`faultnet did not start: ${line.error}`);
    }
    return new FaultNet(process, line.controlUrl);
  }

  /** Gives a namespace a device with `address` in a /24, perfectly linked to all others. */
  async attach(namespace: Namespace, address: string): Promise<void> {
    await this.#control.post('/attach', {
      namespace: namespace.name,
      device: DEVICE,
      address: `${address}/24`,
    });
  }

  async detach(address: string): Promise<void> {
    await this.#control.post('/detach', { address });
  }

  /** Sets what links do, replacing what they did; without ends, all links. */
  async impair(impairment: Impairment, ends: Ends = {}): Promise<void> {
    await this.#control.post('/links', { ...ends, impairment });
  }

  /** Lets nothing pass from `from` to `to`, in this direction only. */
  async block(ends: Ends): Promise<void> {
    await this.#control.post('/block', { ...ends, blocked: true });
  }

  async unblock(ends: Ends): Promise<void> {
    await this.#control.post('/block', { ...ends, blocked: false });
  }

  /** Lets nothing pass between different groups; addresses named in none form one more group. */
  async partition(...groups: readonly (readonly string[])[]): Promise<void> {
    await this.#control.post('/partition', { groups });
  }

  /** Ends all partitions and blocks. Impairments stay. */
  async heal(): Promise<void> {
    await this.#control.post('/partition', { groups: [] });
  }

  async stats(): Promise<{ readonly links: readonly LinkStats[]; readonly unroutable: number }> {
    return await this.#control.get('/stats');
  }

  /** Counters of one directed link. */
  async link(from: string, to: string): Promise<LinkStats> {
    const found = (await this.stats()).links.find((l) => l.from === from && l.to === to);
    if (found === undefined) throw new HarnessError(`there is no link from ${from} to ${to}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
  }
}

/** A place on a fault network: bind gossip to `address`, reach HTTP at `namespace.address`. */
export interface FaultSite {
  readonly namespace: Namespace;
  readonly address: string;
}

/** Namespaces joined by a fault network: 10.77.0.1, 10.77.0.2, … */
export class FaultSites implements AsyncDisposable {
  readonly net: FaultNet;
  readonly sites: readonly FaultSite[];
  readonly #cleanup: Cleanup;

  private constructor(net: FaultNet, sites: readonly FaultSite[], cleanup: Cleanup) {
    this.net = net;
    this.sites = sites;
    this.#cleanup = cleanup;
  }

  static async create(
    count: number,
    seed: number,
    options: NamespaceOptions = {},
  ): Promise<FaultSites> {
    const cleanup = new Cleanup();
    try {
      const net = cleanup.use(await FaultNet.start(seed));
      const sites: FaultSite[] = [];
      for (let i = 1; i <= count; i++) {
        const namespace = cleanup.use(await Namespace.create(options));
        const address = `10.77.0.${i}`;
        await net.attach(namespace, address);
        sites.push({ namespace, address });
      }
      return new FaultSites(net, sites, cleanup);
    } catch (error) {
      await cleanup[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws {HarnessError} when there are not so many. */
  site(index: number): FaultSite {
    const site = this.sites[index];
    if (site === undefined) throw new HarnessError(`there is no site ${index}`);
    return site;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanup[Symbol.asyncDispose]();
  }
}
