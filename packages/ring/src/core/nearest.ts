import type { RingDesc } from './desc.ts';

const MAX_SUGGESTIONS = 3;
/** Longer ids are compared by this many characters. */
const MAX_COMPARED = 64;
/** No more ids are compared: this runs on requests. */
const MAX_CANDIDATES = 2000;

/** The ids of a ring that look most like `id`, best first; none that differs in more than half of it. */
export function nearestIds(ring: RingDesc, id: string): readonly string[] {
  const limit = Math.max(2, Math.floor(Math.min(id.length, MAX_COMPARED) / 2));
  return ring.instances
    .slice(0, MAX_CANDIDATES)
    .map((instance) => ({ id: instance.id, distance: editDistance(id, instance.id) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_SUGGESTIONS)
    .map((suggestion) => suggestion.id);
}

/** Levenshtein's distance. */
function editDistance(first: string, second: string): number {
  const a = first.slice(0, MAX_COMPARED);
  const b = second.slice(0, MAX_COMPARED);
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
