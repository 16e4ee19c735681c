import { assert } from '@ml/runtime';
import { DEFAULT_WIRE_LIMITS } from '../src/wire/limits.ts';
import { encodeStreamMessage } from '../src/wire/stream.ts';
import { StreamDecoder, type StreamProgress } from '../src/wire/stream-decoder.ts';

const limits = { ...DEFAULT_WIRE_LIMITS, maxStreamBytes: 1 << 20, maxRecords: 1000 };
const PIECES = [1, 7, 4096] as const;

/** A stream never makes the decoder throw, and means the same in pieces of any size. */
export function fuzzStream(bytes: Uint8Array): void {
  const seen = new Set(PIECES.map((size) => show(read(bytes, size))));
  assert(seen.size === 1, `the pieces do not matter: ${[...seen].join(' | ')}`);
}

function read(bytes: Uint8Array, size: number): StreamProgress {
  const decoder = new StreamDecoder({ expectLabel: true, label: '', skipLabelCheck: true, limits });
  for (let at = 0; at < bytes.length; at += size) decoder.push(bytes.subarray(at, at + size));
  const progress = decoder.end();
  assert(progress.type !== 'more', 'the end decides');
  return progress;
}

function show(progress: StreamProgress): string {
  if (progress.type === 'message') {
    const bytes = encodeStreamMessage(progress.message, { compress: false });
    return `${progress.faults.length} ${Buffer.from(bytes).toString('hex')}`;
  }
  // Which fault is met first may depend on what had arrived by then; that there is one may not.
  return progress.type;
}
