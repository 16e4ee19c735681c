import { hashOfRange, isAsciiOf } from '@ml/runtime';
import { utf8Length, writeUtf8 } from './utf8.ts';

/** Slots that are looked at for an id. */
const MAX_PROBES = 8;

/** Finds ids by their bytes, so that no text is made of them. Only ids in ASCII, as nearly all are. */
export class IdIndex {
  readonly #ids: readonly string[];
  readonly #mask: number = 0;
  /** Positions of ids, -1 where there is none; a quarter to half full. */
  readonly #slots: Int32Array;

  constructor(ids: readonly string[]) {
    this.#ids = ids;
    const size = 2 << (32 - Math.clz32(ids.length));
    this.#mask = size - 1;
    this.#slots = new Int32Array(size).fill(-1);
    for (const [position, id] of ids.entries()) this.#add(id, position);
  }

  /** Where the id stands that `bytes[start, end)` say; -1 when it is absent, or has to be looked for by its text. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hashOfRange(bytes, start, end) & mask;
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const position = slots[slot] ?? -1;
      if (position < 0) return -1;
      if (isAsciiOf(this.#ids[position] ?? '', bytes, start, end)) return position;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  #add(id: string, position: number): void {
    const bytes = new Uint8Array(utf8Length(id));
    writeUtf8(id, bytes, 0);
    let slot = hashOfRange(bytes, 0, bytes.length) & this.#mask;
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      if (this.#slots[slot] === -1) {
        this.#slots[slot] = position;
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
  }
}
