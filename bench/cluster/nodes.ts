import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createMemberlistKv,
  type KvClient,
  type MemberlistKv,
  type MemberlistKvConfig,
  memberlistKvConfig,
} from '@ml/kv';
import { type MemoryMetrics, memoryMetrics } from '@ml/metrics';
import { InstanceDesc, RingDesc, ringCodec, Tokens } from '@ml/ring';
import { defaultsOf } from '@ml/runtime/config';
import { nodeRuntime } from '@ml/runtime/node';
import { formatAddress, tcpTransportConfig } from '@ml/transport';
import { createTcpTransport } from '@ml/transport/node';
import { tokensOf } from './tokens.ts';

const RING_KEY = 'ring';
/** Nodes that start at a time. */
const START_WIDTH = 8;
/** Long enough for push/pulls to heal what gossip missed. */
const SETTLE_MS = 180_000;

interface Node {
  readonly id: string;
  readonly index: number;
  readonly kv: MemberlistKv;
  readonly client: KvClient<RingDesc>;
  readonly metrics: MemoryMetrics;
  /** Of its last heartbeat. */
  stampUnixS: number;
}

/** A heartbeat that watchers look out for. */
interface Expected {
  readonly id: string;
  readonly stampUnixS: number;
  readonly startedAt: number;
  readonly visibleMs: number[];
  readonly waiting: Set<number>;
  readonly done: () => void;
}

/** Nodes of one cluster in this process, all with default settings, over TCP on the loopback. */
export class Nodes {
  #nodes: readonly Node[] = [];
  #expected: Expected | undefined;
  #watching: AbortController | undefined;
  #beats: NodeJS.Timeout | undefined;

  /** The address of the first. */
  async start(options: {
    readonly first: number;
    readonly count: number;
    readonly total: number;
    readonly join: string;
  }): Promise<string> {
    const { first, count, total } = options;
    const seed = await startNode(first, options.join);
    const address = formatAddress(addressOf(seed));
    const join = options.join || address;
    const nodes = [seed];
    for (let at = 1; at < count; at += START_WIDTH) {
      const indexes = Array.from({ length: Math.min(START_WIDTH, count - at) }, (_, i) => at + i);
      nodes.push(...(await Promise.all(indexes.map((index) => startNode(first + index, join)))));
    }
    this.#nodes = nodes;
    await this.#until('members', total, ({ kv }) => kv.memberlist?.memberCount ?? 0);
    return address;
  }

  async register(tokens: number, total: number): Promise<void> {
    const nowUnixS = Math.floor(Date.now() / 1000);
    const [writer] = this.#nodes;
    await writer?.client.cas(RING_KEY, (ring = RingDesc.empty) => {
      let next = ring;
      for (const node of this.#nodes) next = next.set(instanceOf(node, tokens, nowUnixS));
      return next;
    });
    await this.#until(
      'instances',
      total,
      async ({ client }) => (await client.get(RING_KEY))?.size ?? 0,
    );
  }

  watch(on: boolean): void {
    this.#watching?.abort();
    if (!on) return;
    this.#watching = new AbortController();
    setMaxListeners(this.#nodes.length, this.#watching.signal);
    const { signal } = this.#watching;
    for (const node of this.#nodes) {
      this.#watchNode(node, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  async cas(index: number, timeoutMs: number): Promise<readonly number[]> {
    const node = this.#nodes[index];
    if (node === undefined) throw new RangeError(`there is no node ${index}`);
    const { promise, done } = flag();
    const limit = setTimeout(done, timeoutMs);
    const startedAt = performance.now();
    const stampUnixS = nextStamp(node);
    const waiting = new Set(this.#nodes.map((_, i) => i));
    const expected = { id: node.id, stampUnixS, startedAt, visibleMs: [], waiting, done };
    this.#expected = expected;
    await beat(node, stampUnixS);
    await promise;
    clearTimeout(limit);
    this.#expected = undefined;
    return expected.visibleMs;
  }

  heartbeat(everyMs: number): void {
    clearTimeout(this.#beats);
    if (everyMs === 0) return;
    const periodMs = everyMs / this.#nodes.length;
    const startedAt = performance.now();
    // An interval would count from when it fired: a busy machine would see fewer heartbeats, and less work, than asked.
    const next = (at: number): void => {
      const dueInMs = startedAt + (at + 1) * periodMs - performance.now();
      this.#beats = setTimeout(
        () => {
          const node = this.#nodes[at % this.#nodes.length];
          if (node !== undefined) void beat(node, nextStamp(node));
          next(at + 1);
        },
        Math.max(0, dueInMs),
      );
    };
    next(0);
  }

  sum(metric: string): number {
    return this.#nodes.reduce((sum, { metrics }) => sum + metrics.sum(metric), 0);
  }

  async #watchNode(node: Node, signal: AbortSignal): Promise<void> {
    const at = this.#nodes.indexOf(node);
    for await (const ring of node.client.watchKey(RING_KEY, { signal })) {
      const expected = this.#expected;
      if (expected === undefined || !expected.waiting.has(at)) continue;
      if ((ring?.get(expected.id)?.heartbeatUnixS ?? 0) < expected.stampUnixS) continue;
      expected.visibleMs.push(performance.now() - expected.startedAt);
      expected.waiting.delete(at);
      if (expected.waiting.size === 0) expected.done();
    }
  }

  /** Waits until each node counts `want` of `what`. */
  async #until(
    what: string,
    want: number,
    count: (node: Node) => number | Promise<number>,
  ): Promise<void> {
    const until = performance.now() + SETTLE_MS;
    for (const node of this.#nodes) {
      for (let got = await count(node); got !== want; got = await count(node)) {
        if (performance.now() > until) {
          throw new RangeError(`${node.id} has ${got} ${what} of ${want} after ${SETTLE_MS} ms`);
        }
        await sleep(20);
      }
    }
  }
}

async function startNode(index: number, join: string): Promise<Node> {
  const id = `node-${String(index).padStart(3, '0')}`;
  const runtime = nodeRuntime();
  const metrics = memoryMetrics();
  const config: MemberlistKvConfig = {
    ...defaultsOf(memberlistKvConfig),
    nodeName: id,
    randomizeNodeName: false,
    joinMembers: join === '' ? [] : [join],
  };
  const transport = await createTcpTransport({
    config: { ...defaultsOf(tcpTransportConfig), bindAddrs: ['127.0.0.1'], bindPort: 0 },
    runtime,
    metrics,
  });
  const kv = await createMemberlistKv({
    config,
    codecs: [ringCodec],
    runtime,
    transport,
    dns: { resolve: async (addresses) => ({ addresses, failures: [], notFound: [] }) },
    resolveHost: async (host) => [host],
    metrics,
  });
  return { id, index, kv, client: kv.client(ringCodec), metrics, stampUnixS: 0 };
}

function addressOf(node: Node): { readonly host: string; readonly port: number } {
  const address = node.kv.memberlist?.localNode.address;
  if (address === undefined) throw new RangeError(`${node.id} has no address`);
  return address;
}

function nextStamp(node: Node): number {
  return Math.max(node.stampUnixS + 1, Math.floor(Date.now() / 1000));
}

function instanceOf(node: Node, tokens: number, nowUnixS: number): InstanceDesc {
  node.stampUnixS = nowUnixS;
  return InstanceDesc.of({
    id: node.id,
    addr: formatAddress(addressOf(node)),
    tokens: Tokens.of(tokensOf(node.index, tokens)),
    registeredUnixS: nowUnixS,
    heartbeatUnixS: nowUnixS,
  });
}

async function beat(node: Node, stampUnixS: number): Promise<void> {
  node.stampUnixS = stampUnixS;
  await node.client.cas(RING_KEY, (ring) => {
    const instance = ring?.get(node.id);
    return instance && ring?.set(instance.with({ heartbeatUnixS: stampUnixS }));
  });
}

function flag(): { readonly promise: Promise<void>; readonly done: () => void } {
  let done = (): void => {};
  const promise = new Promise<void>((resolve) => {
    done = resolve;
  });
  return { promise, done };
}
