import { WireError } from './errors.ts';
import { MESSAGE_CODE } from './message.ts';

/** Bytes of a compound besides its parts, for budgets: type and count. */
export const COMPOUND_HEADER_OVERHEAD = 2;

/** Bytes that each part adds to a compound besides itself. */
export const COMPOUND_PART_OVERHEAD = 2;

/** Bytes that a user message adds to its payload, on top of {@link COMPOUND_PART_OVERHEAD}. */
export const USER_PART_OVERHEAD = 1;

const MAX_PARTS = 255;
const MAX_PART_BYTES = 0xffff;

/**
 * Arranges messages for packets: first those that travel alone as they are, then the compounds. A single message
 * needs no compound; among several, one that is left over gets one of its own.
 */
export function splitParts(parts: readonly Uint8Array[]): {
  readonly bare: readonly Uint8Array[];
  readonly compounds: readonly (readonly Uint8Array[])[];
} {
  const [only] = parts;
  if (only === undefined) return { bare: [], compounds: [] };
  if (parts.length === 1) return { bare: [only], compounds: [] };
  const bare: Uint8Array[] = [];
  const compounds: Uint8Array[][] = [];
  let current: Uint8Array[] = [];
  for (const part of parts) {
    if (part.length > MAX_PART_BYTES) {
      bare.push(part);
      continue;
    }
    if (current.length === 0) compounds.push(current);
    current.push(part);
    if (current.length === MAX_PARTS) current = [];
  }
  return { bare, compounds };
}

/** The messages of one compound, in order. */
export interface CompoundParts {
  readonly messages: readonly Uint8Array[];
  /** User messages behind them, still without the byte that says so: each is sent many times and copied each time. */
  readonly payloads: readonly Uint8Array[];
}

/** Whether several messages go into one compound. */
export function isOneCompound({ messages, payloads }: CompoundParts): boolean {
  const count = messages.length + payloads.length;
  if (count < 2 || count > MAX_PARTS) return false;
  for (const message of messages) if (message.length > MAX_PART_BYTES) return false;
  for (const payload of payloads) {
    if (payload.length + USER_PART_OVERHEAD > MAX_PART_BYTES) return false;
  }
  return true;
}

/** The size of {@link writeCompound}'s output. */
export function compoundSize({ messages, payloads }: CompoundParts): number {
  let size = COMPOUND_HEADER_OVERHEAD;
  for (const message of messages) size += COMPOUND_PART_OVERHEAD + message.length;
  const overhead = COMPOUND_PART_OVERHEAD + USER_PART_OVERHEAD;
  for (const payload of payloads) size += overhead + payload.length;
  return size;
}

/** Writes a compound of at most 255 parts of at most 65,535 bytes into `out` at `start`. */
export function writeCompound(parts: CompoundParts, out: Uint8Array, start: number): void {
  const { messages, payloads } = parts;
  const count = messages.length + payloads.length;
  out[start] = MESSAGE_CODE.compound;
  out[start + 1] = count;
  let table = start + COMPOUND_HEADER_OVERHEAD;
  let at = table + count * COMPOUND_PART_OVERHEAD;
  const writeLength = (length: number): void => {
    out[table] = length >>> 8;
    out[table + 1] = length & 255;
    table += COMPOUND_PART_OVERHEAD;
  };
  for (const message of messages) {
    writeLength(message.length);
    out.set(message, at);
    at += message.length;
  }
  for (const payload of payloads) {
    writeLength(USER_PART_OVERHEAD + payload.length);
    out[at] = MESSAGE_CODE.user;
    out.set(payload, at + USER_PART_OVERHEAD);
    at += USER_PART_OVERHEAD + payload.length;
  }
}

/** A user message as it stands in a packet. */
export function userPart(payload: Uint8Array): Uint8Array {
  const part = new Uint8Array(USER_PART_OVERHEAD + payload.length);
  part[0] = MESSAGE_CODE.user;
  part.set(payload, USER_PART_OVERHEAD);
  return part;
}

/**
 * Calls `each` with the bounds of every part of the compound whose type byte is at `start`. Bytes after the last
 * part are ignored.
 * @throws WireError `compound_truncated` when count, lengths or a part are cut; whole parts before it were given
 */
export function readCompound(
  bytes: Uint8Array,
  start: number,
  end: number,
  each: (start: number, end: number) => void,
): void {
  const count = start + 1 < end ? (bytes[start + 1] as number) : undefined;
  if (count === undefined) {
    throw new WireError('compound_truncated', 'compound: the count of parts is missing');
  }
  const table = start + COMPOUND_HEADER_OVERHEAD;
  let at = table + count * COMPOUND_PART_OVERHEAD;
  if (at > end) {
    throw new WireError('compound_truncated', `compound: the lengths of ${count} parts are cut`);
  }
  for (let i = 0; i < count; i += 1) {
    const entry = table + i * COMPOUND_PART_OVERHEAD;
    const length = ((bytes[entry] as number) << 8) | (bytes[entry + 1] as number);
    if (length > end - at) {
      throw new WireError(
        'compound_truncated',
        `compound: ${count - i} of ${count} parts are cut, the first has ${end - at} of ${length} bytes`,
      );
    }
    each(at, at + length);
    at += length;
  }
}
