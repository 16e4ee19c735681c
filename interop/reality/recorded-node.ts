import { type Codec, jsonLww, type KvClient, LwwMap } from '@ml/kv';
import { createNode } from '@ml/server/create-node';
import type { ClusterNode } from '@ml/server/node';

import { monotonicMs } from './monotonic.ts';
import type { NodeView, Recording, StartRequest, WritesRequest } from './protocol.ts';

const KEY = 'reality/test';
const codec: Codec<LwwMap<unknown>> = jsonLww('realityValue');

/** A node that keeps a record of what it writes into a test value, and of what it sees there. */
export class RecordedNode {
  readonly #name: string;
  readonly #node: ClusterNode;
  readonly #client: KvClient<LwwMap<unknown>>;
  readonly #closing = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #writes: Recording['writes'][number][] = [];
  readonly #seen: Recording['seen'][number][] = [];
  readonly #newest = new Map<string, number>();

  private constructor(name: string, node: ClusterNode) {
    this.#name = name;
    this.#node = node;
    this.#client = node.kv.client(codec);
  }

  /** Returns when it is up; it joins behind that. */
  static async start(request: StartRequest): Promise<RecordedNode> {
    const { name, bindAddress, join, config } = request;
    const options = { name, bindAddress, join, config, codecs: [codec] };
    const recorded = new RecordedNode(name, await createNode(options));
    void recorded.#watch();
    return recorded;
  }

  /** Writes at these moments. */
  plan({ writes }: WritesRequest): void {
    for (const { sequence, atMs } of writes) {
      const write = (): void => void this.#write(sequence);
      this.#timers.push(setTimeout(write, Math.max(0, atMs - monotonicMs())));
    }
  }

  view(): NodeView {
    const active = this.#node.ring.instances.filter(({ state }) => state === 'ACTIVE');
    return {
      members: this.#node.kv.memberlist?.memberCount ?? 0,
      instances: active.length,
    };
  }

  recording(): Recording {
    return { writes: this.#writes, seen: this.#seen };
  }

  /** Ends it as a crash would. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#closing.abort();
    await this.#node.close();
  }

  /** A CAS that fails ends the process, and with it the measurement. */
  async #write(sequence: number): Promise<void> {
    const calledAtMs = monotonicMs();
    await this.#client.cas(KEY, (current = new LwwMap<unknown>()) =>
      current.set(this.#name, sequence, Date.now()),
    );
    this.#writes.push({ sequence, calledAtMs, returnedAtMs: monotonicMs() });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#closing;
    try {
      for await (const value of this.#client.watchKey(KEY, { signal })) {
        const atMs = monotonicMs();
        for (const [writer, sequence] of value?.entries() ?? []) {
          if (typeof sequence === 'number') this.#note(writer, sequence, atMs);
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #note(writer: string, sequence: number, atMs: number): void {
    if ((this.#newest.get(writer) ?? 0) >= sequence) return;
    this.#newest.set(writer, sequence);
    this.#seen.push({ writer, sequence, atMs });
  }
}
