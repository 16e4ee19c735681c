/**
 * The items that no other item beats: none is as good in every objective and better in one. Smaller is better. Items that
 * are equal in all objectives stay together. In the order given.
 */
export function paretoFront<T>(
  items: readonly T[],
  objectives: (item: T) => readonly number[],
): readonly T[] {
  const scored = items.map((item) => ({ item, scores: objectives(item) }));
  return scored
    .filter(({ scores }) => !scored.some((other) => dominates(other.scores, scores)))
    .map(({ item }) => item);
}

/** Whether `a` is nowhere worse than `b` and somewhere better. Smaller is better. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false;
  for (const [index, score] of a.entries()) {
    const other = b[index] ?? Number.POSITIVE_INFINITY;
    if (score > other) return false;
    if (score < other) better = true;
  }
  return better;
}
