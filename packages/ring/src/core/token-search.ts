/** Where the first token greater than `key` is among the ascending ones from `from` up to `to`; `to`: none is. */
export function firstAbove(tokens: Uint32Array, key: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tokens[middle] ?? 0) > key) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** As {@link firstAbove}, for the first token that is `token` or greater. */
export function firstNotBelow(
  tokens: Uint32Array,
  token: number,
  from: number,
  to: number,
): number {
  return firstAbove(tokens, token - 1, from, to);
}
