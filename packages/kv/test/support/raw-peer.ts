import {
  encodeStreamMessage,
  MESSAGE_CODE,
  NODE_STATE,
  type PushPull,
  StreamDecoder,
} from '@ml/gossip/wire';
import type { Address, Packet, Stream, Transport } from '@ml/transport';
import { joinPairs } from '../../src/core/full-state.ts';
import { encodeKeyValuePair, type KeyValuePair } from '../../src/index.ts';
import { PORT, type TestCluster, type TestNode } from './cluster.ts';

const VERSIONS = Uint8Array.of(1, 5, 2, 0, 0, 0);
const SETTLE_MS = 100;

/** A pair as bytes; what is not given is absent. */
export function pairBytes(more: Partial<KeyValuePair>): Uint8Array {
  return encodeKeyValuePair({
    key: '',
    value: new Uint8Array(0),
    codec: '',
    deleted: false,
    updateTimeMillis: undefined,
    ...more,
  });
}

/** A host that says to nodes whatever a test wants, and keeps what they say to it. */
export class RawPeer {
  readonly address: Address;
  readonly packets: Packet[] = [];
  readonly streams: Stream[] = [];
  readonly #cluster: TestCluster;
  readonly #transport: Transport;

  private constructor(cluster: TestCluster, transport: Transport) {
    this.#cluster = cluster;
    this.#transport = transport;
    this.address = transport.advertised;
  }

  static async create(cluster: TestCluster, ip = '10.0.9.9'): Promise<RawPeer> {
    const peer = new RawPeer(cluster, cluster.network.transport({ host: ip, port: PORT }));
    await peer.#transport.listen({
      onPacket: (packet) => peer.packets.push(packet),
      onStream: (stream) => peer.streams.push(stream),
    });
    return peer;
  }

  /** Sends one packet, which takes time to arrive. */
  send(to: TestNode, bytes: Uint8Array): void {
    this.#transport.sendPacket({ host: to.ip, port: PORT }, bytes);
  }

  /** Sends a user message as one packet and lets it arrive. */
  async message(to: TestNode, bytes: Uint8Array): Promise<void> {
    this.send(to, Uint8Array.of(MESSAGE_CODE.user, ...bytes));
    await this.#cluster.runtime.runFor(SETTLE_MS);
  }

  /** Sends a pair as a user message. */
  async pair(to: TestNode, pair: Partial<KeyValuePair>): Promise<void> {
    await this.message(to, pairBytes(pair));
  }

  /** Exchanges full states, ours being these bytes; resolves to the node's. */
  async exchange(to: TestNode, userState: Uint8Array): Promise<PushPull> {
    return await this.#cluster.settle(this.#exchange(to, userState));
  }

  /** As {@link exchange} with whole pairs. */
  async push(to: TestNode, ...pairs: readonly Partial<KeyValuePair>[]): Promise<PushPull> {
    return await this.exchange(to, joinPairs(pairs.map(pairBytes)));
  }

  async #exchange(to: TestNode, userState: Uint8Array): Promise<PushPull> {
    const options = { timeoutMs: 2000 };
    const stream = await this.#transport.dial({ host: to.ip, port: PORT }, options);
    const request: PushPull = { type: 'pushPull', join: false, records: [], userState };
    await stream.write(encodeStreamMessage(request, { compress: false }));
    const decoder = new StreamDecoder({ expectLabel: false, label: '', skipLabelCheck: false });
    for await (const chunk of stream.source) {
      const progress = decoder.push(chunk);
      if (progress.type === 'more') continue;
      await stream[Symbol.asyncDispose]();
      if (progress.type === 'message' && progress.message.type === 'pushPull') {
        return progress.message;
      }
    }
    throw new RangeError('the node did not answer with its state');
  }

  /** Announces itself as a member to a node. */
  async announce(
    to: TestNode,
    { name = 'raw', meta = new Uint8Array(0) }: { name?: string; meta?: Uint8Array } = {},
  ): Promise<void> {
    const [a = 0, b = 0, c = 0, d = 0] = this.address.host.split('.').map(Number);
    const request: PushPull = {
      type: 'pushPull',
      join: true,
      records: [
        {
          name,
          addr: Uint8Array.of(a, b, c, d),
          port: this.address.port,
          meta,
          incarnation: 1,
          state: NODE_STATE.alive,
          versions: VERSIONS,
        },
      ],
      userState: new Uint8Array(0),
    };
    await this.stream(to, encodeStreamMessage(request, { compress: false }));
  }

  /** Opens a stream, says these bytes, and does not listen. */
  async stream(to: TestNode, bytes: Uint8Array): Promise<void> {
    const stream = await this.#cluster.settle(
      this.#transport.dial({ host: to.ip, port: PORT }, { timeoutMs: 2000 }),
    );
    await this.#cluster.settle(stream.write(bytes));
    await this.#cluster.settle(stream.closeWrite());
    await this.#cluster.runtime.runFor(SETTLE_MS);
  }
}
