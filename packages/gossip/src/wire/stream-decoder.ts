import { checkMessage, memberFault, wireError } from './check.ts';
import { readCompressed } from './compress.ts';
import { WireError, type WireReason } from './errors.ts';
import { type LabelCheck, readLabel } from './label.ts';
import { DEFAULT_WIRE_LIMITS, type WireLimits } from './limits.ts';
import { MESSAGE_CODE, type PushPullRecord, type StreamMessage } from './message.ts';
import { readAck, readPing } from './message-reader.ts';
import { MsgpackReader } from './msgpack-reader.ts';
import { type PushPullHeader, readHeader, readRecord } from './push-pull.ts';
import { ValueScanner } from './scanner.ts';
import { readError, readUserLength } from './stream.ts';

const FIRST_BUFFER_BYTES = 1024;
/** With so much at hand a value is read at once; with less, or when that fails, its end is looked for first. */
const EAGER_BYTES = 256;
/** The longest ping, ack or error on a stream. */
const MAX_SMALL_BYTES = 1 << 20;

/** How a stream is read. */
export interface StreamDecoderOptions extends LabelCheck {
  /** Whether this is the direction of requests: a label header may lead, and must match. Answers carry none. */
  readonly expectLabel: boolean;
  /** Default {@link DEFAULT_WIRE_LIMITS}. */
  readonly limits?: WireLimits;
}

/** How far a stream has come. */
export type StreamProgress =
  /** The message is not complete yet. */
  | { readonly type: 'more' }
  /**
   * The message is complete. `faults` has one entry for each record of a push/pull that was left out because it
   * must not be stored; many of one kind share an entry.
   */
  | {
      readonly type: 'message';
      readonly message: StreamMessage;
      readonly faults: readonly WireError[];
    }
  /**
   * There will be no message. With `reply` the protocol wants the requester told by an `error` message before the
   * stream is closed; else it is just closed.
   */
  | { readonly type: 'failed'; readonly error: WireError; readonly reply: boolean };

const MORE: StreamProgress = { type: 'more' };

/**
 * Reads one message from a stream as its bytes arrive, in pieces of any size, in linear time. It knows by parsing
 * when the message is complete and waits for no end of stream. Memory follows what has arrived, not what was
 * announced. Never throws.
 */
export class StreamDecoder {
  private readonly options: StreamDecoderOptions;
  private readonly limits: WireLimits;
  private buffer: Uint8Array = new Uint8Array(0);
  private length = 0;
  /** Length of the label header, once known. */
  private start: number | undefined;
  private body: BodyReader | undefined;
  /** The search for the end of a compress message. */
  private packed: ValueScanner | undefined;
  private reply = false;
  private progress: StreamProgress = MORE;

  constructor(options: StreamDecoderOptions) {
    this.options = options;
    this.limits = options.limits ?? DEFAULT_WIRE_LIMITS;
    if (!options.expectLabel) this.start = 0;
  }

  /**
   * Takes the next bytes, which are copied. Once there is a message or a failure it stays the result, and further
   * bytes are ignored.
   */
  push(chunk: Uint8Array): StreamProgress {
    if (this.progress.type !== 'more') return this.progress;
    this.append(chunk);
    return this.attempt(() => this.advance());
  }

  /**
   * The peer will send no more: a message that is not complete by now has failed, as `closed` when there was not
   * one byte of it, else as `truncated`.
   */
  end(): StreamProgress {
    if (this.progress.type !== 'more') return this.progress;
    return this.attempt(() => {
      if (this.length === 0) throw new WireError('closed', 'stream: closed before its first byte');
      throw new WireError(
        'truncated',
        `stream: closed inside a message, after ${this.length} bytes`,
      );
    });
  }

  private attempt(step: () => StreamProgress): StreamProgress {
    try {
      this.progress = step();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.progress = { type: 'failed', error, reply: this.reply };
    }
    if (this.progress.type !== 'more') this.buffer = new Uint8Array(0);
    return this.progress;
  }

  private append(chunk: Uint8Array): void {
    const needed = this.length + chunk.length;
    if (needed > this.buffer.length) {
      const size = Math.max(FIRST_BUFFER_BYTES, needed, this.buffer.length * 2);
      const larger = new Uint8Array(size);
      larger.set(this.buffer.subarray(0, this.length));
      this.buffer = larger;
    }
    this.buffer.set(chunk, this.length);
    this.length = needed;
  }

  private advance(): StreamProgress {
    const { buffer, length } = this;
    this.start ??= readLabel(buffer, length, this.options);
    const { start } = this;
    if (start === undefined || start >= length) return MORE;
    const code = buffer[start] as number;
    if (code === MESSAGE_CODE.encrypt) {
      this.reply = true;
      throw new WireError('encrypted', 'stream: it is encrypted, and this node has no keys');
    }
    if (code === MESSAGE_CODE.compress) return this.unpack(start + 1);
    this.body ??= new BodyReader(code, start + 1, this.limits);
    return this.body.advance(buffer, length);
  }

  /** The whole compress message, then the message in it. */
  private unpack(start: number): StreamProgress {
    const { buffer, length, limits } = this;
    this.reply = true;
    this.packed ??= new ValueScanner(start, start + limits.maxCompressedBytes);
    if (!this.packed.advance(buffer, length)) return MORE;
    const reader = new MsgpackReader(buffer, start, this.packed.position);
    const plain = readCompressed(reader, limits.maxStreamBytes);
    if (plain.length === 0) throw new WireError('empty', 'stream: a compressed message of 0 bytes');
    this.reply = false;
    const body = new BodyReader(plain[0] as number, 1, limits);
    const progress = body.advance(plain, plain.length);
    if (progress.type !== 'more') return progress;
    const text = `stream: the compressed message ends inside a value, after ${plain.length} bytes`;
    throw new WireError('truncated', text);
  }
}

/** Reads what follows the type byte, from a buffer that may grow between calls. */
class BodyReader {
  private readonly code: number;
  private readonly limits: WireLimits;
  /** Where the message must have ended. */
  private readonly limit: number;
  private position: number;
  /** The search for the end of the value at `position`, while it is incomplete. */
  private scanner: ValueScanner | undefined;
  private header: PushPullHeader | undefined;
  private userBytes: number | undefined;
  private readonly records: PushPullRecord[] = [];
  private recordsLeft = 0;
  private readonly faults: WireError[] = [];
  private readonly faultOf = new Map<WireReason, WireError>();

  constructor(code: number, position: number, limits: WireLimits) {
    const small =
      code === MESSAGE_CODE.ping || code === MESSAGE_CODE.ack || code === MESSAGE_CODE.error;
    if (!small && code !== MESSAGE_CODE.pushPull && code !== MESSAGE_CODE.user) {
      throw new WireError('unknown_type', `stream: a message of type ${code} has no place here`);
    }
    this.code = code;
    this.position = position;
    this.limits = limits;
    this.limit = position + (small ? MAX_SMALL_BYTES : limits.maxStreamBytes);
  }

  advance(bytes: Uint8Array, end: number): StreamProgress {
    const message = this.read(bytes, end);
    return message === undefined ? MORE : { type: 'message', message, faults: this.faults };
  }

  private read(bytes: Uint8Array, end: number): StreamMessage | undefined {
    switch (this.code) {
      case MESSAGE_CODE.pushPull:
        return this.pushPull(bytes, end);
      case MESSAGE_CODE.user:
        return this.user(bytes, end);
      case MESSAGE_CODE.ping:
        return checked(this.value(bytes, end, readPing));
      case MESSAGE_CODE.ack:
        return this.value(bytes, end, readAck);
      default:
        return this.value(bytes, end, readError);
    }
  }

  private user(bytes: Uint8Array, end: number): StreamMessage | undefined {
    this.userBytes ??= this.value(bytes, end, readUserLength);
    if (this.userBytes === undefined) return undefined;
    const payload = this.raw(bytes, end, this.userBytes);
    return payload === undefined ? undefined : { type: 'user', payload };
  }

  private pushPull(bytes: Uint8Array, end: number): StreamMessage | undefined {
    if (this.header === undefined) {
      this.header = this.value(bytes, end, readHeader);
      if (this.header === undefined) return undefined;
      this.recordsLeft = this.header.nodes;
    }
    for (; this.recordsLeft > 0; this.recordsLeft -= 1) {
      const record = this.value(bytes, end, readRecord);
      if (record === undefined) return undefined;
      this.keep(record);
    }
    const userState = this.raw(bytes, end, this.header.userStateBytes);
    if (userState === undefined) return undefined;
    return { type: 'pushPull', join: this.header.join, records: this.records, userState };
  }

  private keep(record: PushPullRecord): void {
    const reason = memberFault(record.name, record, this.limits);
    if (reason === undefined) {
      this.records.push(record);
      return;
    }
    const fault = this.faultOf.get(reason) ?? wireError(reason, 'push/pull record');
    if (fault === undefined) return;
    this.faultOf.set(reason, fault);
    this.faults.push(fault);
  }

  /** The next value, read by `read`; undefined while it is incomplete. */
  private value<T>(
    bytes: Uint8Array,
    end: number,
    read: (reader: MsgpackReader, limits: WireLimits) => T,
  ): T | undefined {
    if (this.scanner === undefined && end - this.position >= EAGER_BYTES) {
      const reader = new MsgpackReader(bytes, this.position, end);
      try {
        const value = read(reader, this.limits);
        this.moveTo(reader.position);
        return value;
      } catch (error) {
        if (!(error instanceof WireError) || error.reason !== 'truncated') throw error;
      }
    }
    this.scanner ??= new ValueScanner(this.position, this.limit);
    if (!this.scanner.advance(bytes, end)) return undefined;
    const stop = this.scanner.position;
    this.scanner = undefined;
    const value = read(new MsgpackReader(bytes, this.position, stop), this.limits);
    this.moveTo(stop);
    return value;
  }

  /** The next `length` bytes as a view; undefined while they are incomplete. */
  private raw(bytes: Uint8Array, end: number, length: number): Uint8Array | undefined {
    const stop = this.position + length;
    if (stop > this.limit) throw this.tooLarge(stop);
    return stop > end ? undefined : bytes.subarray(this.position, stop);
  }

  private moveTo(position: number): void {
    if (position > this.limit) throw this.tooLarge(position);
    this.position = position;
  }

  private tooLarge(position: number): WireError {
    const text = `stream: the message reaches byte ${position}, beyond the limit of ${this.limit}`;
    return new WireError('too_large', text);
  }
}

function checked<T extends StreamMessage>(message: T | undefined): T | undefined {
  if (message === undefined || message.type !== 'ping') return message;
  const fault = checkMessage(message);
  if (fault !== undefined) throw fault;
  return message;
}
