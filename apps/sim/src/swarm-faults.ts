import type { SimCluster } from './cluster.ts';
import type { SimNode } from './sim-node.ts';
import type { PlannedFault, SwarmPlan } from './swarm-plan.ts';

/** Carries out a plan's faults, each begin and end at its time, and puts everything right at the end. */
export class FaultRunner {
  /** Nodes that have left for good. */
  readonly gone: Set<string> = new Set<string>();
  readonly #cluster: SimCluster;
  readonly #plan: SwarmPlan;
  /** What ends each fault that is in force. */
  readonly #open = new Set<() => void>();
  #leaving = 0;

  constructor(cluster: SimCluster, plan: SwarmPlan) {
    this.#cluster = cluster;
    this.#plan = plan;
  }

  /** Whether no fault is in force. */
  get #calm(): boolean {
    return this.#open.size === 0 && this.#leaving === 0;
  }

  /** Registers every fault. */
  schedule(): void {
    const { timers } = this.#cluster.runtime;
    for (const fault of this.#plan.faults) {
      timers.after(fault.atMs, () => this.#begin(fault));
    }
  }

  /** Ends all faults that are in force, and starts every node that has not left for good. */
  heal(): void {
    for (const end of [...this.#open]) end();
    for (const node of this.#cluster.nodes) {
      if (node.state === 'paused') node.resume();
      if ((node.state === 'down' || node.state === 'failed') && !this.gone.has(node.name)) {
        node.start();
      }
    }
  }

  #begin(fault: PlannedFault): void {
    this.#cluster.note(`begins: ${JSON.stringify(fault)}`);
    const end = this.#apply(fault);
    if (end === undefined) return;
    let over = false;
    const finish = (): void => {
      if (over) return;
      over = true;
      this.#open.delete(finish);
      this.#cluster.note(`ends: ${fault.type} from ${fault.atMs}`);
      end();
    };
    this.#open.add(finish);
    this.#cluster.runtime.timers.after(fault.forMs, finish);
  }

  /** What ends the fault; `undefined` when it does not apply to what is there now, or has no end. */
  #apply(fault: PlannedFault): (() => void) | undefined {
    const cluster = this.#cluster;
    switch (fault.type) {
      case 'kill': {
        const node = cluster.node(fault.node);
        if (!isRunning(node)) return undefined;
        node.kill();
        if (fault.disk === 'lost') node.loseDisk();
        return () => {
          if (node.state === 'down' && !this.gone.has(node.name)) {
            cluster.restart(node.name, { address: fault.address });
          }
        };
      }
      case 'stop':
        return this.#stop(cluster.node(fault.node), fault.forMs);
      case 'pause': {
        const node = cluster.node(fault.node);
        if (!node.live) return undefined;
        node.pause();
        return () => {
          if (node.state === 'paused') node.resume();
        };
      }
      case 'slow': {
        const node = cluster.node(fault.node);
        node.setTurnMs(fault.turnMs);
        return () => node.setTurnMs(0);
      }
      case 'skew': {
        const node = cluster.node(fault.node);
        node.setClockSkewMs(fault.byMs);
        return () => node.setClockSkewMs(0);
      }
      case 'cut':
        return endOf(this.#cut(fault.shape, fault.side));
      case 'flap':
        return this.#flap(fault.side, fault.everyMs);
      case 'network':
        cluster.links.base = fault.link;
        return () => {
          cluster.links.base = this.#plan.link;
        };
      default:
        cluster.setDnsFault(fault.fault, [fault.node]);
        return () => cluster.setDnsFault(undefined, [fault.node]);
    }
  }

  #stop(node: SimNode, forMs: number): (() => void) | undefined {
    if (!node.live) return undefined;
    const others = this.#cluster.live.filter(({ spec }) => spec.cluster === node.spec.cluster);
    const wellBefore = this.#calm && forMs === 0 && others.length > 2;
    this.#leaving += 1;
    const done = (): void => {
      this.#leaving -= 1;
      // Who leaves while he is cut off may tell nobody, and stays in the ring until he is back or forgotten by hand.
      if (wellBefore && this.#calm) this.gone.add(node.name);
      else if (node.state === 'down') node.start();
    };
    node.stop().then(done, done);
    return undefined;
  }

  #cut(shape: 'split' | 'oneWay' | 'bridge', side: readonly string[]): Disposable {
    const cluster = this.#cluster;
    const rest = cluster.nodes.map(({ name }) => name).filter((name) => !side.includes(name));
    if (shape === 'oneWay') return cluster.block(side, rest);
    return cluster.partition(shape === 'bridge' ? side.slice(1) : side, rest);
  }

  #flap(side: readonly string[], everyMs: number): () => void {
    let cut: Disposable | undefined = this.#cut('split', side);
    const timer = this.#cluster.runtime.timers.every(everyMs, () => {
      const before = cut;
      cut = before === undefined ? this.#cut('split', side) : undefined;
      before?.[Symbol.dispose]();
    });
    return () => {
      timer[Symbol.dispose]();
      cut?.[Symbol.dispose]();
    };
  }
}

function endOf(cut: Disposable): () => void {
  return () => cut[Symbol.dispose]();
}

function isRunning({ state }: SimNode): boolean {
  return state === 'up' || state === 'starting' || state === 'paused';
}
