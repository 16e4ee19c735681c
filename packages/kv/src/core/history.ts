import type { KeyValuePair } from '../wire/key-value-pair.ts';

/** One message that was queued for sending or received. */
export interface HistoryMessage {
  /** Counts all messages of both directions from 1. */
  readonly id: number;
  readonly unixMs: number;
  /** Size of the encoded pair. */
  readonly sizeBytes: number;
  readonly pair: KeyValuePair;
  /** Sent: the version that the message reflects. Received: the version it made, 0 when it changed nothing. */
  readonly version: number;
  /** Names of the items that changed; empty for a full state that is sent. */
  readonly changes: readonly string[];
}

export type Direction = 'sent' | 'received';

/**
 * The latest messages of both directions, each bounded by the sum of message sizes; with a bound of 0 nothing is
 * kept. A message larger than the bound drives out everything, itself included. // K-25
 */
export class History {
  readonly #maxBytes: number;
  readonly #buffers = { sent: new Buffer(), received: new Buffer() };
  #lastId = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get enabled(): boolean {
    return this.#maxBytes > 0;
  }

  add(direction: Direction, message: Omit<HistoryMessage, 'id'>): void {
    if (!this.enabled) return;
    this.#lastId += 1;
    this.#buffers[direction].add({ id: this.#lastId, ...message }, this.#maxBytes);
  }

  /** Oldest first. */
  messages(direction: Direction): readonly HistoryMessage[] {
    return [...this.#buffers[direction].messages];
  }

  find(id: number): HistoryMessage | undefined {
    const { sent, received } = this.#buffers;
    const isIt = (message: HistoryMessage) => message.id === id;
    return sent.messages.find(isIt) ?? received.messages.find(isIt);
  }

  clear(): void {
    this.#buffers.sent.clear();
    this.#buffers.received.clear();
  }
}

class Buffer {
  messages: HistoryMessage[] = [];
  #bytes = 0;

  add(message: HistoryMessage, maxBytes: number): void {
    this.messages.push(message);
    this.#bytes += message.sizeBytes;
    let gone = 0;
    for (; this.#bytes > maxBytes; gone += 1) {
      this.#bytes -= this.messages[gone]?.sizeBytes ?? 0;
    }
    if (gone > 0) this.messages.splice(0, gone);
  }

  clear(): void {
    this.messages = [];
    this.#bytes = 0;
  }
}
