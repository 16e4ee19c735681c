import { forgetInstance, ringCodec } from '@ml/ring';
import { assert, MlError, type Random } from '@ml/runtime';
import type { SimCluster } from './cluster.ts';
import type { ConfigTree } from './config-tree.ts';
import type { ActionText, TimelineEntry } from './scenario-schema.ts';
import { linkFaults } from './scenario-values.ts';
import { selectNodes } from './select.ts';
import type { SimNode } from './sim-node.ts';

/** What faults need beyond the cluster. */
export interface FaultContext {
  readonly cluster: SimCluster;
  /** Configures a node for its next start: the scenario's options and these over them. */
  readonly configure: (node: SimNode, change: ConfigTree) => void;
  /** Adds a node that is not started. */
  readonly add: (options: {
    readonly name?: string | undefined;
    readonly cluster?: string | undefined;
    readonly zone?: string | undefined;
    readonly ip?: string | undefined;
    readonly config?: ConfigTree | undefined;
  }) => SimNode;
}

/** Ends a fault; absent where there is nothing to end. */
type Undo = (() => void) | undefined;

/** Carries out the timeline of a scenario: each entry at its time, and its end when that comes. */
export class Faults {
  readonly #context: FaultContext;
  readonly #random: Random;
  readonly #pending = new Set<Promise<void>>();
  #lastEndMs = 0;
  #failure: unknown;

  constructor(context: FaultContext) {
    this.#context = context;
    this.#random = context.cluster.random.fork('faults');
  }

  /** When the last fault so far began or ended, in virtual milliseconds; 0 when there was none. */
  get lastEndMs(): number {
    return this.#lastEndMs;
  }

  /** What went wrong in carrying out the timeline; `undefined` when nothing did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Sets the timeline's alarms; times count from now. */
  schedule(timeline: readonly TimelineEntry[]): void {
    const { runtime } = this.#context.cluster;
    for (const [index, entry] of timeline.entries()) {
      const { at, every = 0, times = 1 } = entry;
      for (let turn = 0; turn < times; turn++) {
        runtime.timers.after(at + turn * every, () =>
          this.#guarded(() => this.#begin(index, entry)),
        );
      }
    }
  }

  #begin(index: number, entry: TimelineEntry): void {
    const { cluster } = this.#context;
    const undo = this.#act(index, entry);
    // A note does nothing that could heal.
    if (entry.note === undefined) this.#lastEndMs = cluster.now;
    if (entry.for === undefined || undo === undefined) return;
    cluster.runtime.timers.after(entry.for, () => {
      this.#guarded(() => {
        cluster.note(`end of ${described(entry)}`);
        undo();
        this.#lastEndMs = cluster.now;
      });
    });
  }

  #guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** Begins what an entry says; the result ends it. */
  #act(index: number, action: ActionText): Undo {
    this.#context.cluster.note(described(action));
    if (action.note !== undefined) return undefined;
    return (
      this.#actOnNodes(action) ?? this.#actOnNetwork(action) ?? this.#actOnCluster(index, action)
    );
  }

  #actOnNodes(action: ActionText): Undo {
    const { kill, stop, start, restart, pause, resume } = action;
    if (kill !== undefined) return this.#each(kill, isRunning, (node) => node.kill(), startAgain);
    if (stop !== undefined) return this.#each(stop, isUp, (node) => this.#stop(node), startAgain);
    if (start !== undefined) return this.#each(start, isDown, (node) => node.start(), undefined);
    if (pause !== undefined) return this.#each(pause, isUp, (node) => node.pause(), resumed);
    if (resume !== undefined) return this.#each(resume, isPaused, resumed, undefined);
    if (restart !== undefined) {
      return this.#each(
        restart.nodes,
        isRunning,
        (node) => this.#restart(node, restart),
        undefined,
      );
    }
    const { slow_cpu: slow, clock_skew: skew } = action;
    if (slow !== undefined) {
      return this.#each(
        slow.nodes,
        isAny,
        (node) => node.setTurnMs(slow.turn),
        (node) => node.setTurnMs(0),
      );
    }
    if (skew !== undefined) {
      return this.#each(
        skew.nodes,
        isAny,
        (node) => node.setClockSkewMs(skew.by),
        (node) => node.setClockSkewMs(0),
      );
    }
    return undefined;
  }

  #actOnNetwork(action: ActionText): Undo {
    const { cluster } = this.#context;
    const { partition, block, link, dns } = action;
    if (partition !== undefined) {
      const cut = cluster.partition(...this.#groups(partition));
      return () => cut[Symbol.dispose]();
    }
    if (block !== undefined) {
      const cut = cluster.block(
        names(this.#select(block.from, isAny)),
        names(this.#select(block.to, isAny)),
      );
      return () => cut[Symbol.dispose]();
    }
    if (link !== undefined) return this.#link(link);
    if (dns === undefined) return undefined;
    const nodes = dns.nodes === undefined ? undefined : names(this.#select(dns.nodes, isAny));
    cluster.setDnsFault(dns.fault, nodes);
    return () => cluster.setDnsFault(undefined, nodes);
  }

  #actOnCluster(index: number, action: ActionText): Undo {
    const { configure, add, cluster } = this.#context;
    const { ip_reuse: reuse, rolling_update: update, scale, config, forget } = action;
    if (reuse !== undefined) {
      const old = cluster.node(reuse.of);
      if (isRunning(old)) old.kill();
      add({
        name: reuse.name,
        cluster: reuse.cluster ?? old.spec.cluster,
        ip: old.ip,
        config: reuse.config,
      }).start();
    } else if (update !== undefined) {
      this.#later(this.#rollingUpdate(update));
    } else if (scale !== undefined) {
      const leaving = this.#random
        .fork(`scale ${index}`)
        .shuffle(cluster.live)
        .slice(0, scale.remove);
      for (const node of leaving) this.#stop(node);
      for (let n = 0; n < scale.add; n++) add({ zone: scale.zone, cluster: scale.cluster }).start();
    } else if (config !== undefined) {
      for (const node of this.#select(config.nodes, isAny)) {
        configure(node, config.set);
        if (isRunning(node)) this.#restart(node, { address: 'same', disk: 'kept' });
      }
    } else if (forget !== undefined) {
      for (const node of this.#select(forget.instances, isAny)) {
        this.#later(this.#forget(node, forget.by));
      }
    }
    return undefined;
  }

  #each(
    texts: readonly string[],
    eligible: (node: SimNode) => boolean,
    begin: (node: SimNode) => void,
    end: ((node: SimNode) => void) | undefined,
  ): Undo {
    const nodes = this.#select(texts, eligible).filter(eligible);
    for (const node of nodes) begin(node);
    return () => {
      if (end !== undefined) for (const node of nodes) end(node);
    };
  }

  #link(link: NonNullable<ActionText['link']>): Undo {
    const { links } = this.#context.cluster;
    const { nodes, zones, ...rest } = link;
    const faults = linkFaults(rest);
    if (nodes !== undefined) {
      const ips = this.#select(nodes, isAny).map(({ ip }) => ip);
      for (const ip of ips) links.setHost(ip, { ...links.base, ...faults });
      return () => {
        for (const ip of ips) links.setHost(ip, undefined);
      };
    }
    if (zones !== undefined) {
      const [a, b] = zones;
      const before = [links.zones(a, b), links.zones(b, a)] as const;
      links.setZones(a, b, { ...(before[0] ?? links.base), ...faults });
      links.setZones(b, a, { ...(before[1] ?? links.base), ...faults });
      return () => {
        links.setZones(a, b, before[0]);
        links.setZones(b, a, before[1]);
      };
    }
    const before = links.base;
    links.base = { ...before, ...faults };
    return () => {
      links.base = before;
    };
  }

  #groups(groups: readonly (readonly string[])[]): readonly (readonly string[])[] {
    const taken = new Set<SimNode>();
    const chosen = groups.map((texts) => {
      if (texts.includes('rest')) return undefined;
      const nodes = this.#select(texts, (node) => !taken.has(node));
      for (const node of nodes) taken.add(node);
      return names(nodes);
    });
    return chosen.map((group, index) => {
      return group ?? names(this.#select(groups[index] ?? [], isAny, taken));
    });
  }

  #select(
    texts: readonly string[],
    eligible: (node: SimNode) => boolean,
    taken?: ReadonlySet<SimNode>,
  ): readonly SimNode[] {
    const { cluster } = this.#context;
    const selection = { cluster, random: this.#random, eligible };
    return selectNodes(texts, taken === undefined ? selection : { ...selection, taken });
  }

  #stop(node: SimNode): void {
    this.#later(node.stop());
  }

  #restart(
    node: SimNode,
    how: { readonly address: 'same' | 'new'; readonly disk: 'kept' | 'lost' },
  ): void {
    if (how.disk === 'lost') node.loseDisk();
    this.#context.cluster.restart(node.name, { address: how.address });
  }

  /** Takes an instance out of the ring on the page of another node, as an operator does. */
  async #forget(instance: SimNode, by: string | undefined): Promise<void> {
    const { cluster } = this.#context;
    const others = cluster.live.filter((node) => {
      return node !== instance && node.spec.cluster === instance.spec.cluster;
    });
    const page = by === undefined ? others[0] : cluster.node(by);
    const { node, kv } = page ?? {};
    if (page === undefined || node === undefined || kv === undefined) {
      cluster.note(
        `nobody can forget ${instance.name}: ${page?.name ?? 'no other node'} is not up`,
      );
      return;
    }
    try {
      await forgetInstance(kv.client(ringCodec), node.ownRing.key, instance.name);
    } catch (error) {
      // The page would show the same to the operator.
      if (!MlError.is(error)) throw error;
      cluster.note(`${page.name} could not forget ${instance.name}: ${error.message}`);
    }
  }

  async #rollingUpdate(update: NonNullable<ActionText['rolling_update']>): Promise<void> {
    const { cluster, configure } = this.#context;
    for (const node of this.#select(update.nodes, isRunning)) {
      if (!isRunning(node)) continue;
      if (update.graceful && node.state === 'up') await node.stop();
      if (update.config !== undefined) configure(node, update.config);
      cluster.restart(node.name, { address: update.address });
      this.#lastEndMs = cluster.now;
      await this.#passes(update.pause);
    }
  }

  #passes(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#context.cluster.runtime.timers.after(ms, resolve);
    });
  }

  #later(work: Promise<void>): void {
    const watched = work.catch((error: unknown) => {
      this.#failure ??= error;
    });
    this.#pending.add(watched);
    void watched.then(() => {
      assert(this.#pending.delete(watched), 'work ends once');
      this.#lastEndMs = this.#context.cluster.now;
    });
  }
}

/** What an entry does, in one line of text. */
export function described(action: ActionText & Partial<TimelineEntry>): string {
  const { at, for: lasting, every, times, ...rest } = action;
  const [[what, details] = ['nothing', undefined]] = Object.entries(rest).filter(
    ([, value]) => value !== undefined,
  );
  if (typeof details === 'string') return `${what}: ${details}`;
  return `${what} ${JSON.stringify(details)}`;
}

function names(nodes: readonly SimNode[]): readonly string[] {
  return nodes.map(({ name }) => name);
}

function startAgain(node: SimNode): void {
  if (isDown(node)) node.start();
}

function resumed(node: SimNode): void {
  if (isPaused(node)) node.resume();
}

function isAny(): boolean {
  return true;
}

function isUp({ state }: SimNode): boolean {
  return state === 'up' || state === 'starting';
}

function isRunning({ state }: SimNode): boolean {
  return state === 'up' || state === 'starting' || state === 'paused' || state === 'leaving';
}

function isPaused({ state }: SimNode): boolean {
  return state === 'paused';
}

function isDown({ state }: SimNode): boolean {
  return state === 'new' || state === 'down' || state === 'failed';
}
