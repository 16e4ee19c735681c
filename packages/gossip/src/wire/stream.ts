import type { WireError } from './errors.ts';
import type { WireLimits } from './limits.ts';
import type { StreamMessage } from './message.ts';

/** How a stream message is written. */
export interface EncodeStreamOptions {
  /** Compress, unless that would not make it shorter. */
  readonly compress: boolean;
  /** Compress also when that makes it longer, as the reference does. Default false. */
  readonly alwaysCompress?: boolean;
}

/** The bytes of one message for a stream. They end where the message ends: nothing delimits them. */
export declare function encodeStreamMessage(
  message: StreamMessage,
  options: EncodeStreamOptions,
): Uint8Array;

/** How a stream is read. */
export interface StreamDecoderOptions {
  /** Request direction: a label header may lead, and must match. An answer carries none. */
  readonly expectLabel: boolean;
  /** The label of this cluster; empty for none. */
  readonly label: string;
  /** Take streams of any label, or of none. */
  readonly skipLabelCheck: boolean;
  /** Default {@link DEFAULT_WIRE_LIMITS}. */
  readonly limits?: WireLimits;
}

/** How far a stream has come. */
export type StreamProgress =
  /** Not complete yet. */
  | { readonly type: 'more' }
  /** Complete. `faults` are the records of a push/pull that were left out because they must not be stored. */
  | {
      readonly type: 'message';
      readonly message: StreamMessage;
      readonly faults: readonly WireError[];
    }
  /** Not a message. With `reply` the protocol wants the requester told, by an `error` message; else just close. */
  | { readonly type: 'failed'; readonly error: WireError; readonly reply: boolean };

/** Reads one message from a stream as its bytes arrive. The message is known complete without an end of stream. */
export declare class StreamDecoder {
  constructor(options: StreamDecoderOptions);
  /** Takes the next bytes; they are copied. Never throws. After the end of the message it keeps the result and ignores the bytes. */
  push(chunk: Uint8Array): StreamProgress;
  /** The peer will send no more. `closed` is the reason when it never sent anything, else `truncated`. */
  end(): StreamProgress;
}
