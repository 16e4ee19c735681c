import { assertNever } from '@ml/runtime';
import { encodeMessage } from './codec.ts';
import { compressAlways, compressIfShorter } from './compress.ts';
import { WireError } from './errors.ts';
import type { WireLimits } from './limits.ts';
import { MESSAGE_CODE, type RemoteError, type StreamMessage, type User } from './message.ts';
import type { MsgpackReader } from './msgpack-reader.ts';
import { keyBytes, MsgpackWriter, nameBound } from './msgpack-writer.ts';
import { encodePushPull } from './push-pull.ts';

/** Covers the type byte and the header of a user message or an error. */
const HEADER_BOUND_BYTES = 32;
/** What is kept of a peer's error text, in bytes. */
const MAX_ERROR_TEXT_BYTES = 4096;

const ERROR: Uint8Array = keyBytes('Error');
const USER_MSG_LEN: Uint8Array = keyBytes('UserMsgLen');
const ERROR_KEYS: readonly Uint8Array[] = [ERROR.subarray(1)];
const USER_KEYS: readonly Uint8Array[] = [USER_MSG_LEN.subarray(1)];

/** How a stream message is written. */
export interface EncodeStreamOptions {
  /** Compress, unless that would not make the message shorter. */
  readonly compress: boolean;
  /** With `compress`: compress also when that makes the message longer, as the reference does. Default false. */
  readonly alwaysCompress?: boolean;
}

/** The bytes of one message for a stream. Nothing delimits them: a receiver knows by parsing where they end. */
export function encodeStreamMessage(
  message: StreamMessage,
  options: EncodeStreamOptions,
): Uint8Array {
  const plain = encodePlain(message);
  if (!options.compress) return plain;
  if (options.alwaysCompress === true) return compressAlways(plain);
  return compressIfShorter(plain) ?? plain;
}

function encodePlain(message: StreamMessage): Uint8Array {
  switch (message.type) {
    case 'pushPull':
      return encodePushPull(message);
    case 'user':
      return encodeUser(message);
    case 'error':
      return encodeError(message);
    case 'ping':
    case 'ack':
      return encodeMessage(message);
    default:
      return assertNever(message);
  }
}

function encodeUser(message: User): Uint8Array {
  const writer = new MsgpackWriter(HEADER_BOUND_BYTES + message.payload.length);
  writer.byte(MESSAGE_CODE.user);
  writer.mapHeader(1);
  writer.key(USER_MSG_LEN);
  writer.int(message.payload.length);
  writer.append(message.payload);
  return writer.finish();
}

function encodeError(message: RemoteError): Uint8Array {
  const writer = new MsgpackWriter(HEADER_BOUND_BYTES + nameBound(message.text));
  writer.byte(MESSAGE_CODE.error);
  writer.mapHeader(1);
  writer.key(ERROR);
  writer.name(message.text);
  return writer.finish();
}

/**
 * Reads what leads the payload of a user message on a stream: its length in bytes.
 * @throws WireError `bad_length` when it is outside the limits
 */
export function readUserLength(reader: MsgpackReader, limits: WireLimits): number {
  let length = 0;
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    if (reader.key(USER_KEYS, i) === 0) length = reader.int();
    else reader.skip();
  }
  if (length < 0 || length > limits.maxUserBytes) {
    throw new WireError(
      'bad_length',
      `user message: ${length} bytes announced, not within 0 and ${limits.maxUserBytes}`,
    );
  }
  return length;
}

/** The body of an error; a long text is cut, and what is not UTF-8 in it replaced. */
export function readError(reader: MsgpackReader): RemoteError {
  let text = '';
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    if (reader.key(ERROR_KEYS, i) === 0) text = reader.text(MAX_ERROR_TEXT_BYTES);
    else reader.skip();
  }
  return { type: 'error', text };
}
