import { type Codec, jsonLww, LwwMap } from '@ml/kv';
import type { Writes } from './check/writes-kept.ts';
import type { SimCluster } from './cluster.ts';
import type { SimNode } from './sim-node.ts';

/** The codec that nodes need for the ledger. */
export const ledgerCodec: Codec<LwwMap<unknown>> = jsonLww('simLedger');

const KEY = 'sim/ledger';

interface Accepted {
  readonly writer: SimNode;
  readonly life: number;
  readonly item: string;
}

/** Writes a new item by CAS every so often, from a random node, and remembers which were accepted. */
export class WriteLedger implements Writes {
  readonly #cluster: SimCluster;
  readonly #accepted: Accepted[] = [];
  readonly #timer: Disposable;
  #sequence = 0;

  constructor(cluster: SimCluster, everyMs: number) {
    this.#cluster = cluster;
    const random = cluster.random.fork('ledger');
    this.#timer = cluster.runtime.timers.every(everyMs, () => {
      const writers = cluster.live.filter(({ kv }) => kv?.state.type === 'running');
      const writer = writers[random.int(Math.max(1, writers.length))];
      if (writer !== undefined) void this.#write(writer);
    });
  }

  /** Ends writing. */
  stop(): void {
    this.#timer[Symbol.dispose]();
  }

  accepted(): readonly { readonly cluster: string; readonly item: string }[] {
    const lasting = this.#accepted.filter(
      ({ writer, life }) => writer.live && writer.lives === life,
    );
    return lasting.map(({ writer, item }) => ({ cluster: writer.spec.cluster, item }));
  }

  held(node: string): ReadonlySet<string> | undefined {
    const value = this.#cluster.node(node).kv?.entry(KEY)?.value;
    return value instanceof LwwMap ? new Set(value.entries().map(([item]) => item)) : undefined;
  }

  async #write(writer: SimNode): Promise<void> {
    this.#sequence += 1;
    const item = `${writer.name}/${this.#sequence}`;
    const life = writer.lives;
    const nowUnixMs = writer.runtime?.clock.unixMs() ?? this.#cluster.runtime.clock.unixMs();
    try {
      const client = writer.kv?.client(ledgerCodec);
      if (client === undefined) return;
      await client.cas(KEY, (current) =>
        (current ?? new LwwMap<unknown>()).set(item, true, nowUnixMs),
      );
      this.#accepted.push({ writer, life, item });
    } catch (error) {
      // A write that failed was not accepted; the store has logged why.
      if (!(error instanceof Error)) throw error;
    }
  }
}
