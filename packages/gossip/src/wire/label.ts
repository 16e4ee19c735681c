import { assert } from '@ml/runtime';
import { WireError } from './errors.ts';
import { MESSAGE_CODE } from './message.ts';

/** The longest label in bytes. */
export const MAX_LABEL_BYTES = 255;

const NO_HEADER: Uint8Array = new Uint8Array(0);
const utf8 = new TextEncoder();

// A process speaks with one label nearly always.
let cachedLabel = '';
let cachedHeader: Uint8Array = NO_HEADER;

/** What a label adds to a packet in bytes: 0 for none, else 2 and the label. */
export function labelOverhead(label: string): number {
  return labelHeader(label).length;
}

/**
 * The header that carries the label: it leads each packet, and is written right after dialling. Empty without a
 * label. Not to be changed by the caller. The label has at most 255 bytes of UTF-8.
 */
export function labelHeader(label: string): Uint8Array {
  if (label === cachedLabel) return cachedHeader;
  if (label === '') return NO_HEADER;
  const bytes = utf8.encode(label);
  assert(bytes.length <= MAX_LABEL_BYTES, 'a label has at most 255 bytes');
  const header = new Uint8Array(2 + bytes.length);
  header[0] = MESSAGE_CODE.label;
  header[1] = bytes.length;
  header.set(bytes, 2);
  cachedLabel = label;
  cachedHeader = header;
  return header;
}

/** Which label a node takes. */
export interface LabelCheck {
  /** The label of this cluster; empty for none. */
  readonly label: string;
  /** Take any label, or none. */
  readonly skipLabelCheck: boolean;
}

/**
 * The length of the label header that leads `bytes` up to `end`, 0 when none does; undefined when more bytes are
 * needed to tell.
 * @throws WireError `bad_label` for an empty label, or one that is not this cluster's
 */
export function readLabel(bytes: Uint8Array, end: number, check: LabelCheck): number | undefined {
  if (end === 0) return undefined;
  const own = labelHeader(check.label);
  if (bytes[0] !== MESSAGE_CODE.label) {
    if (own.length === 0 || check.skipLabelCheck) return 0;
    throw new WireError('bad_label', 'label: there is none, but this cluster has one');
  }
  if (end < 2) return undefined;
  const size = 2 + (bytes[1] as number);
  if (size === 2) throw new WireError('bad_label', 'label: the header announces an empty label');
  if (end < size) return undefined;
  if (check.skipLabelCheck) return size;
  let same = size === own.length;
  for (let i = 2; same && i < size; i += 1) same = bytes[i] === own[i];
  if (!same) throw new WireError('bad_label', 'label: it is not the label of this cluster');
  return size;
}
