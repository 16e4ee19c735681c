import { assertNever, TimeoutError, timeoutSignal } from '@ml/runtime';
import { type Address, formatAddress, type Stream } from '@ml/transport';
import { ExchangeError } from './errors.ts';
import type { ExchangeContext } from './exchanges.ts';
import type { RejectReason } from './metrics.ts';
import { closeStream, cutOnAbort, readMessage, type StreamResult } from './stream-io.ts';
import {
  encodeStreamMessage,
  type PushPull,
  StreamDecoder,
  type StreamMessage,
} from './wire/index.ts';

/** A stream is given up for a reason that is counted. */
class StreamRefusal extends ExchangeError {
  readonly reason: RejectReason;

  constructor(reason: RejectReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Serves the streams that peers open, within limits of number, bytes and time. */
export class StreamServer {
  readonly #context: ExchangeContext;
  #streams = 0;
  #pushPulls = 0;
  #bufferedBytes = 0;

  constructor(context: ExchangeContext) {
    this.#context = context;
  }

  /** Takes over a stream. Never rejects. */
  async serve(stream: Stream): Promise<void> {
    const { metrics, config, runtime } = this.#context;
    metrics.streamsAccepted.inc();
    if (this.#streams >= config.limits.maxStreams) {
      metrics.rejected('stream_limit');
      await closeStream(stream, runtime.log);
      return;
    }
    this.#streams += 1;
    try {
      await this.#converse(stream);
    } catch (err) {
      this.#note(stream, err);
    } finally {
      this.#streams -= 1;
      await closeStream(stream, runtime.log);
    }
  }

  async #converse(stream: Stream): Promise<void> {
    const { metrics } = this.#context;
    const request = await this.#read(stream);
    if (request.type === 'failed') {
      if (request.error.reason === 'closed') return;
      metrics.rejected(request.error.reason);
      this.#log(stream, request.error, 'a stream brought no message');
      if (request.reply) await this.#write(stream, { type: 'error', text: request.error.message });
      return;
    }
    for (const fault of request.faults) metrics.rejected(fault.reason);
    const { message } = request;
    switch (message.type) {
      case 'user':
        if (message.payload.length > 0) this.#deliver(message.payload, stream.remote);
        return;
      case 'ping': {
        const answer = this.#context.core.streamPingAnswer(message);
        if (answer !== undefined) await this.#write(stream, answer);
        return;
      }
      case 'pushPull':
        await this.#pushPull(stream, message);
        return;
      case 'ack':
      case 'error':
        throw new StreamRefusal(
          'wrong_place',
          `a stream begins with a message of type ${message.type}`,
        );
      default:
        assertNever(message);
    }
  }

  #deliver(payload: Uint8Array, from: Address): void {
    const { core, turn } = this.#context;
    turn((now) => core.handleUserMessage(now, payload, from));
  }

  /** Our state goes out before theirs is merged; when it cannot, theirs is not merged. G-8. */
  async #pushPull(stream: Stream, request: PushPull): Promise<void> {
    const { core, turn, config } = this.#context;
    if (this.#pushPulls >= config.limits.maxPushPulls) {
      throw new StreamRefusal('push_pull_limit', 'too many push/pulls at one time');
    }
    this.#pushPulls += 1;
    try {
      await this.#write(
        stream,
        turn((now) => core.localState(now, request.join)),
      );
    } finally {
      this.#pushPulls -= 1;
    }
    const { join } = request;
    const refusal = turn((now) => core.handlePushPull(now, request, { join, from: stream.remote }));
    if (refusal !== undefined)
      this.#log(stream, refusal.text, 'the state of a peer was not merged');
  }

  /** Reads the one request, within the time limit of the whole of it. */
  async #read(stream: Stream): Promise<StreamResult> {
    const { config } = this.#context;
    const decoder = new StreamDecoder({
      expectLabel: true,
      label: config.label,
      skipLabelCheck: config.skipInboundLabelCheck,
    });
    let buffered = 0;
    try {
      return await this.#limited(stream, () =>
        readMessage(stream, decoder, (count) => {
          buffered += count;
          this.#bufferedBytes += count;
          if (this.#bufferedBytes > config.limits.maxBufferedBytes) {
            throw new StreamRefusal('buffer_limit', 'too many bytes of incomplete streams');
          }
        }),
      );
    } finally {
      this.#bufferedBytes -= buffered;
    }
  }

  async #write(stream: Stream, message: StreamMessage): Promise<void> {
    const { config, metrics } = this.#context;
    const bytes = encodeStreamMessage(message, {
      compress: config.compression,
      alwaysCompress: true,
    });
    await this.#limited(stream, async () => {
      await stream.write(bytes);
      await stream.closeWrite();
    });
    metrics.streamBytesSent.inc(bytes.length);
  }

  async #limited<T>(stream: Stream, work: () => Promise<T>): Promise<T> {
    const { runtime, config, closing } = this.#context;
    const what = `a stream from ${formatAddress(stream.remote)}`;
    const limitMs = config.streamTimeoutMs;
    using limit = timeoutSignal(runtime, { limitMs, what, signal: closing });
    return await cutOnAbort(stream, { signal: limit.signal, what, log: runtime.log }, work);
  }

  #note(stream: Stream, err: unknown): void {
    const { metrics, closing } = this.#context;
    if (closing.aborted) return;
    if (err instanceof StreamRefusal) metrics.rejected(err.reason);
    else metrics.rejected(err instanceof TimeoutError ? 'stream_timeout' : 'stream_broken');
    this.#log(stream, err, 'a stream was given up');
  }

  #log(stream: Stream, err: unknown, message: string): void {
    const { runtime, gate } = this.#context;
    gate.warn(runtime.clock.now(), { from: formatAddress(stream.remote), err }, message);
  }
}
