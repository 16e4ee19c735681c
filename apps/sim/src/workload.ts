import { type AnyMergeable, type Codec, jsonLww, type KvClient, LwwMap } from '@ml/kv';
import type { SimCluster } from './cluster.ts';
import { Histogram } from './histogram.ts';
import type { SimNode } from './sim-node.ts';
import { NO_ITEM, WriteChains } from './write-chains.ts';

const testCodec: Codec<LwwMap<unknown>> = jsonLww('simTestValue');

/** Codecs that a cluster needs for {@link Workload}s: see {@link SimClusterOptions.codecs}. */
export const WORKLOAD_CODECS: readonly Codec<AnyMergeable>[] = [testCodec];

/** How test values are written. */
export interface WorkloadOptions {
  /** One write each so often, by a random live node. */
  readonly everyMs: number;
  /** How many keys the writes go to. Default 1. */
  readonly keys?: number;
  /** Bytes of each value beyond its number. Default 0. */
  readonly valueBytes?: number;
  /** How many random nodes write at once; one may be drawn more than once. Default 1. */
  readonly writers?: number;
  /** How many writes each of them begins at once; they compete for one item. Default 1. */
  readonly burst?: number;
}

/** Writes whose spread is still followed; of more the oldest are given up. */
const MAX_OPEN_WRITES = 2000;

interface OpenWrite {
  readonly item: string;
  readonly sequence: number;
  readonly atMs: number;
  /** Nodes that have not seen it yet. */
  readonly missing: Set<SimNode>;
}

/**
 * Writes test values by CAS and watches on every node when they arrive. Each node has one item in each key, so that
 * writes of different nodes never compete; a later value of an item stands for the earlier ones.
 */
export class Workload implements Disposable {
  /** From a write to the moment another node saw it, in milliseconds: one entry a write and node. */
  readonly propagation: Histogram = new Histogram();
  /** From a write to the moment the last node that was live then saw it. */
  readonly fullPropagation: Histogram = new Histogram();
  readonly #cluster: SimCluster;
  readonly #options: WorkloadOptions;
  readonly #subscription: Disposable;
  readonly #watching = new AbortController();
  readonly #open: OpenWrite[] = [];
  #timer: Disposable | undefined;
  #writes = 0;
  #failures = 0;
  #givenUp = 0;
  readonly #chains = new WriteChains();

  /** Watches from now on; writes from {@link start} on. The cluster must have {@link WORKLOAD_CODECS}. */
  constructor(cluster: SimCluster, options: WorkloadOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#subscription = cluster.observe((event) => {
      if (event.type === 'node' && event.what === 'started') this.#watch(cluster.node(event.node));
      if (event.type === 'node' && event.what !== 'paused')
        this.#forget(cluster.node(event.node), event.what);
    });
  }

  get writes(): number {
    return this.#writes;
  }

  /** CAS operations that failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Writes that were accepted although another accepted one had replaced the same state: one of the two is lost. */
  get lost(): number {
    return this.#chains.lost;
  }

  /** Writes that some node, live when they were made and ever since, has not seen yet, or that were no longer followed. */
  get unseen(): number {
    return this.#givenUp + this.#open.length;
  }

  /** Begins to write. */
  start(): void {
    const random = this.#cluster.random.fork('workload');
    const { everyMs, keys = 1, writers = 1, burst = 1 } = this.#options;
    this.#timer ??= this.#cluster.runtime.timers.every(everyMs, () => {
      const able = this.#cluster.live.filter(({ kv }) => kv?.state.type === 'running');
      for (let turn = 0; turn < writers; turn++) {
        const writer = able[random.int(Math.max(1, able.length))];
        if (writer === undefined) continue;
        const key = random.int(keys);
        for (let write = 0; write < burst; write++) void this.#write(writer, key);
      }
    });
  }

  /** Ends writing; watching goes on. */
  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
    this.#watching.abort();
    this.#subscription[Symbol.dispose]();
  }

  async #write(writer: SimNode, key: number): Promise<void> {
    const client = clientOf(writer);
    const { runtime } = this.#cluster;
    if (client === undefined) return;
    this.#writes += 1;
    const sequence = this.#writes;
    const write: OpenWrite = {
      item: `${key} ${writer.name}`,
      sequence,
      atMs: runtime.now,
      missing: new Set(this.#cluster.live.filter((node) => this.#concerns(node, writer))),
    };
    if (write.missing.size > 0) this.#open.push(write);
    if (this.#open.length > MAX_OPEN_WRITES) {
      this.#open.shift();
      this.#givenUp += 1;
    }
    const filler = 'x'.repeat(this.#options.valueBytes ?? 0);
    const nowUnixMs = writer.runtime?.clock.unixMs() ?? runtime.clock.unixMs();
    const { lives } = writer;
    let replaces = NO_ITEM;
    try {
      await client.cas(keyName(key), (current = new LwwMap<unknown>()) => {
        replaces = current.items.get(writer.name)?.updatedUnixMs ?? NO_ITEM;
        // Of writes that compete any may come first, but what is seen never goes back.
        const value = {
          sequence: Math.max(sequence, sequenceOf(current.get(writer.name))),
          filler,
        };
        return current.set(writer.name, value, nowUnixMs);
      });
      this.#chains.accepted(write.item, lives, replaces);
    } catch {
      // The store says why in its log; here it only counts that the write did not happen.
      this.#failures += 1;
      this.#drop(write);
    }
  }

  #concerns(node: SimNode, writer: SimNode): boolean {
    return node !== writer && node.kv !== undefined && node.spec.cluster === writer.spec.cluster;
  }

  #watch(node: SimNode): void {
    const client = clientOf(node);
    if (client === undefined) return;
    for (let key = 0; key < (this.#options.keys ?? 1); key++) void this.#follow(node, client, key);
  }

  async #follow(node: SimNode, client: KvClient<LwwMap<unknown>>, key: number): Promise<void> {
    const seen = new Map<string, number>();
    const { signal } = this.#watching;
    try {
      for await (const value of client.watchKey(keyName(key), { signal })) {
        for (const [writer, item] of value?.entries() ?? []) {
          const sequence = sequenceOf(item);
          if ((seen.get(writer) ?? 0) >= sequence) continue;
          seen.set(writer, sequence);
          this.#arrived(node, `${key} ${writer}`, sequence);
        }
      }
    } catch (error) {
      // A store that closes ends its watches with an error; so does the end of this workload.
      if (node.live && !signal.aborted) throw error;
    }
  }

  #arrived(node: SimNode, item: string, sequence: number): void {
    const { now } = this.#cluster;
    for (const write of [...this.#open]) {
      if (write.item !== item || write.sequence > sequence || !write.missing.delete(node)) continue;
      this.propagation.add(now - write.atMs);
      if (write.missing.size > 0) continue;
      this.fullPropagation.add(now - write.atMs);
      this.#drop(write);
    }
  }

  /** A node that goes down, or comes up anew, is no longer waited for. */
  #forget(node: SimNode, what: string): void {
    if (what === 'started' || what === 'resumed') return;
    for (const write of [...this.#open]) {
      if (write.missing.delete(node) && write.missing.size === 0) this.#drop(write);
    }
  }

  #drop(write: OpenWrite): void {
    const at = this.#open.indexOf(write);
    if (at >= 0) this.#open.splice(at, 1);
  }
}

function keyName(key: number): string {
  return `sim/test-${key}`;
}

function clientOf({ kv }: SimNode): KvClient<LwwMap<unknown>> | undefined {
  return kv?.client(testCodec);
}

function sequenceOf(item: unknown): number {
  if (typeof item !== 'object' || item === null || !('sequence' in item)) return 0;
  return typeof item.sequence === 'number' ? item.sequence : 0;
}
