const LENGTH_BYTES = 4;

/** Encoded pairs as the user state of a push/pull: each with its length in front, big-endian. // K-9 */
export function joinPairs(pairs: readonly Uint8Array[]): Uint8Array {
  const total = pairs.reduce((sum, pair) => sum + LENGTH_BYTES + pair.length, 0);
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const pair of pairs) {
    view.setUint32(at, pair.length);
    out.set(pair, at + LENGTH_BYTES);
    at += LENGTH_BYTES + pair.length;
  }
  return out;
}

/** A full state taken apart: the pairs before any damage (not copied), and what the damage is. */
export interface SplitState {
  readonly pairs: readonly Uint8Array[];
  /** `undefined`: the state was whole. */
  readonly problem: string | undefined;
}

/** Never fails: what comes before a cut or a false length is good. */
export function splitPairs(state: Uint8Array): SplitState {
  const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
  const pairs: Uint8Array[] = [];
  let at = 0;
  while (at < state.length) {
    const left = state.length - at - LENGTH_BYTES;
    if (left < 0)
      return { pairs, problem: `${left + LENGTH_BYTES} bytes are left where a length should be` };
    const length = view.getUint32(at);
    if (length > left) return { pairs, problem: `a pair claims ${length} bytes; ${left} are left` };
    at += LENGTH_BYTES;
    pairs.push(state.subarray(at, at + length));
    at += length;
  }
  return { pairs, problem: undefined };
}
