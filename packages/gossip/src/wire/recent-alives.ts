import type { Alive } from './message.ts';

/** Slots, each with one message. */
const SLOT_BITS = 13;
const SLOTS = 1 << SLOT_BITS;
/** Longer messages, with much metadata, are not kept: all slots together have 1 MiB. */
const SLOT_BYTES = 128;

/**
 * Alive messages that were read last, by their bytes. A member's news comes again and again, by every member that
 * passes it on: the same bytes then give the same object, without being read anew. A table without chains: what comes
 * later takes the place of what was there.
 */
export class RecentAlives {
  readonly #messages: (Alive | undefined)[] = new Array<Alive | undefined>(SLOTS).fill(undefined);
  readonly #lengths = new Uint8Array(SLOTS);
  /** Side by side, so that a comparison touches little memory. */
  readonly #bytes = new Uint8Array(SLOTS * SLOT_BYTES);

  /** The message whose bytes are those from `start` to `end`, if it is kept. */
  find(bytes: Uint8Array, start: number, end: number): Alive | undefined {
    const slot = slotOf(bytes, start, end);
    if (this.#lengths[slot] !== end - start) return undefined;
    const kept = this.#bytes;
    let at = slot * SLOT_BYTES;
    for (let i = start; i < end; i += 1) {
      if (kept[at] !== bytes[i]) return undefined;
      at += 1;
    }
    return this.#messages[slot];
  }

  /** Keeps a message that was read from these bytes, which are copied; nobody may change it from now on. */
  keep(bytes: Uint8Array, start: number, end: number, message: Alive): void {
    if (end - start > SLOT_BYTES) return;
    const slot = slotOf(bytes, start, end);
    this.#lengths[slot] = end - start;
    this.#bytes.set(bytes.subarray(start, end), slot * SLOT_BYTES);
    this.#messages[slot] = message;
  }
}

/** FNV-1a, four bytes at a time: the last three may be left out, since finding compares them all. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at + 4 <= end; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  return Math.imul(hash, 0x9e3779b1) >>> (32 - SLOT_BITS);
}
