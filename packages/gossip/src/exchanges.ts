import { onAbort, type Runtime, timeoutSignal } from '@ml/runtime';
import {
  type Address,
  formatAddress,
  type Stream,
  StreamError,
  type Transport,
} from '@ml/transport';
import type { GossipConfig } from './config.ts';
import type { GossipCore } from './core/core.ts';
import type { LogGate } from './core/log-gate.ts';
import { ExchangeError, MergeRefusedError, RemoteRefusalError } from './errors.ts';
import type { GossipMetrics } from './metrics.ts';
import { closeStream, cutOnAbort, readMessage, type StreamResult } from './stream-io.ts';
import {
  encodeStreamMessage,
  labelHeader,
  type Ping,
  StreamDecoder,
  type StreamMessage,
} from './wire/index.ts';

/** Peers that want TLS or another label close without a word. */
const SILENT_PEER_HINT =
  '; compare -memberlist.tls-enabled and -memberlist.cluster-label of both members';

/** What exchanges with peers need of their node. */
export interface ExchangeContext {
  readonly core: GossipCore;
  readonly config: GossipConfig;
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly metrics: GossipMetrics;
  readonly gate: LogGate;
  /** Runs a turn of the core, then carries out what it asks for. */
  turn<T>(run: (now: number) => T): T;
  /** Fires when the node closes. */
  readonly closing: AbortSignal;
}

/** Conversations on streams that we start: full state exchanges, user messages, pings. */
export class Exchanges {
  readonly #context: ExchangeContext;

  constructor(context: ExchangeContext) {
    this.#context = context;
  }

  /**
   * Swaps full states and merges the answer. @throws {DialError | TimeoutError | ExchangeError | RemoteRefusalError |
   * MergeRefusedError} with nothing merged
   */
  async pushPull(to: Address, join: boolean, signal?: AbortSignal): Promise<void> {
    const { core, metrics, runtime, turn } = this.#context;
    const startedAt = runtime.clock.now();
    const peer = formatAddress(to);
    metrics.pushPullsDialled.inc();
    const what = `a push/pull with ${peer}`;
    const answer = await this.#onStream({ to, what, signal }, (stream) => {
      const request = turn((now) => core.localState(now, join));
      return this.#ask(stream, request, peer);
    });
    metrics.pushPullSeconds.observe((runtime.clock.now() - startedAt) / 1000);
    if (answer.type === 'error') throw new RemoteRefusalError(peer, answer.text);
    if (answer.type !== 'pushPull') {
      throw new ExchangeError(`${peer} answered a push/pull with a message of type ${answer.type}`);
    }
    const refusal = turn((now) => core.handlePushPull(now, answer, { join, from: to }));
    if (refusal !== undefined) {
      throw new MergeRefusedError(`the state of ${peer} was not merged: ${refusal.text}`);
    }
  }

  /** Sends a user message. Resolves when it has left; nobody confirms it. */
  async sendUser(to: Address, payload: Uint8Array, signal?: AbortSignal): Promise<void> {
    const what = `a message to ${formatAddress(to)}`;
    await this.#onStream({ to, what, signal }, async (stream) => {
      await this.#send(stream, { type: 'user', payload });
      await stream.closeWrite();
    });
  }

  /** Sends a ping and waits for its ack until `deadline`; false when none came. */
  async ping(to: Address, message: Ping, deadline: number): Promise<boolean> {
    const { runtime } = this.#context;
    const peer = formatAddress(to);
    try {
      const limitMs = deadline - runtime.clock.now();
      if (limitMs <= 0) return false;
      const what = `a stream ping of ${peer}`;
      const answer = await this.#onStream(
        { to, what, dialMs: limitMs, workMs: limitMs },
        (stream) => this.#ask(stream, message, peer),
      );
      return answer.type === 'ack' && answer.seqNo === message.seqNo;
    } catch (err) {
      runtime.log.debug({ to: peer, err }, 'a stream ping was not answered');
      return false;
    }
  }

  async #ask(stream: Stream, message: StreamMessage, peer: string): Promise<StreamMessage> {
    const { config, metrics } = this.#context;
    const decoder = new StreamDecoder({
      expectLabel: false,
      label: config.label,
      skipLabelCheck: config.skipInboundLabelCheck,
    });
    const answer = await this.#converse(stream, message, decoder, peer);
    if (answer.type === 'failed') {
      const { message: text, reason } = answer.error;
      const hint = reason === 'closed' ? SILENT_PEER_HINT : '';
      throw new ExchangeError(`the answer of ${peer} cannot be read: ${text}${hint}`, {
        cause: answer.error,
      });
    }
    for (const fault of answer.faults) metrics.rejected(fault.reason);
    return answer.message;
  }

  /** Sends a message and reads the answer. A peer that leaves data unread closes with a reset instead of an end. */
  async #converse(
    stream: Stream,
    message: StreamMessage,
    decoder: StreamDecoder,
    peer: string,
  ): Promise<StreamResult> {
    let received = 0;
    try {
      await this.#send(stream, message);
      return await readMessage(stream, decoder, (count) => {
        received += count;
      });
    } catch (cause) {
      if (!(cause instanceof StreamError)) throw cause;
      const hint = received === 0 ? SILENT_PEER_HINT : '';
      throw new ExchangeError(`the exchange with ${peer} was cut: ${cause.message}${hint}`, {
        cause,
      });
    }
  }

  async #send(stream: Stream, message: StreamMessage): Promise<void> {
    const { config, metrics } = this.#context;
    const header = labelHeader(config.label);
    const bytes = encodeStreamMessage(message, {
      compress: config.compression,
      alwaysCompress: true,
    });
    if (header.length > 0) await stream.write(header);
    await stream.write(bytes);
    metrics.streamBytesSent.inc(bytes.length);
  }

  /** Dials, works within the time limit, and closes. */
  async #onStream<T>(
    options: {
      readonly to: Address;
      readonly what: string;
      readonly signal?: AbortSignal | undefined;
      readonly dialMs?: number;
      readonly workMs?: number;
    },
    work: (stream: Stream) => Promise<T>,
  ): Promise<T> {
    const { transport, runtime, config, closing } = this.#context;
    const { to, what, signal } = options;
    const { log } = runtime;
    using given = eitherSignal(closing, signal);
    const dialMs = options.dialMs ?? config.streamTimeoutMs;
    const stream = await transport.dial(to, { timeoutMs: dialMs, signal: given.signal });
    const limitMs = options.workMs ?? config.streamTimeoutMs;
    using limit = timeoutSignal(runtime, { limitMs, what, signal: given.signal });
    try {
      return await cutOnAbort(stream, { signal: limit.signal, what, log }, () => work(stream));
    } finally {
      await closeStream(stream, log);
    }
  }
}

/** A signal that fires with the first of two. */
function eitherSignal(
  closing: AbortSignal,
  given: AbortSignal | undefined,
): Disposable & { readonly signal: AbortSignal } {
  if (given === undefined) return { signal: closing, [Symbol.dispose]: () => {} };
  const controller = new AbortController();
  const links = [closing, given].map((signal) =>
    onAbort(signal, () => controller.abort(signal.reason)),
  );
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const link of links) link[Symbol.dispose]();
    },
  };
}
