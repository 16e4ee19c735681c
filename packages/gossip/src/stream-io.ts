import { abortReason, type Logger, onAbort } from '@ml/runtime';
import type { Stream } from '@ml/transport';
import type { StreamDecoder, StreamProgress } from './wire/index.ts';

/** What a stream message ended as. */
export type StreamResult = Exclude<StreamProgress, { readonly type: 'more' }>;

/**
 * Reads one message. `onBytes` hears of every chunk before it is buffered, and may refuse it by throwing. The stream
 * stays open for an answer.
 */
export async function readMessage(
  stream: Stream,
  decoder: StreamDecoder,
  onBytes?: (count: number) => void,
): Promise<StreamResult> {
  const chunks = stream.source[Symbol.asyncIterator]();
  for (;;) {
    const chunk = await chunks.next();
    if (chunk.done === true) {
      const end = decoder.end();
      if (end.type === 'more') continue;
      return end;
    }
    onBytes?.(chunk.value.length);
    const progress = decoder.push(chunk.value);
    if (progress.type !== 'more') return progress;
  }
}

/** Runs `work` on a stream; when the signal fires first, the stream is cut and the signal's reason thrown. */
export async function cutOnAbort<T>(
  stream: Stream,
  options: { readonly signal: AbortSignal; readonly what: string; readonly log: Logger },
  work: () => Promise<T>,
): Promise<T> {
  const { signal, what, log } = options;
  using _link = onAbort(signal, () => void closeStream(stream, log));
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? abortReason(signal, what) : error;
  }
}

/** Closes a stream that may be broken already. */
export async function closeStream(stream: Stream, log: Logger): Promise<void> {
  try {
    await stream[Symbol.asyncDispose]();
  } catch (err) {
    log.debug({ err }, 'closing a stream failed');
  }
}
