import { TokenRangesError, UnknownInstanceError } from '../errors.ts';
import { nearestIds } from './nearest.ts';
import { TOKEN_SPACE } from './tokens.ts';
import type { RingView } from './view.ts';
import { tokensByZone } from './zone-tokens.ts';

/** An inclusive range of keys. */
export type TokenRange = readonly [from: number, to: number];

const MAX_KEY = TOKEN_SPACE - 1;

/** How many keys each instance owns in its zone, by position. A lone token owns all of them. R-20 */
export function ownedKeys(view: RingView): Float64Array {
  const owned = new Float64Array(view.instances.length);
  for (const { tokens, owners } of tokensByZone(view.topology, true)) {
    let previous = tokens.at(-1) ?? 0;
    for (const [i, token] of tokens.entries()) {
      const distance = token > previous ? token - previous : TOKEN_SPACE - previous + token;
      const owner = owners[i] ?? 0;
      owned[owner] = (owned[owner] ?? 0) + distance;
      previous = token;
    }
  }
  return owned;
}

/**
 * The keys that an instance holds when each zone has one replica of everything: ascending, adjacent ranges joined. R-21
 * @throws {UnknownInstanceError | TokenRangesError}
 */
export function tokenRanges(view: RingView, id: string): readonly TokenRange[] {
  const position = view.desc.layout.positionOf(id);
  const instance = view.instances[position];
  if (instance === undefined) throw new UnknownInstanceError(id, nearestIds(view.desc, id));
  const { replicationFactor, zoneAwarenessEnabled } = view.options;
  const { zones } = view.topology;
  if (instance.zone === '')
    throw new TokenRangesError(`instance ${JSON.stringify(id)} has no zone`);
  if (!zoneAwarenessEnabled || zones.length !== replicationFactor) {
    throw new TokenRangesError(
      `token ranges need zone awareness and as many zones as replicas; this ring has zone awareness ${zoneAwarenessEnabled ? 'on' : 'off'}, ${zones.length} zones and ${replicationFactor} replicas`,
    );
  }
  const ofZone = view.placement.zoneTokens[zones.indexOf(instance.zone)];
  if (ofZone === undefined || ofZone.tokens.length === 0) {
    throw new TokenRangesError(`zone ${JSON.stringify(instance.zone)} has no tokens`);
  }
  const { tokens, owners } = ofZone;
  const ranges: [from: number, to: number][] = [];
  const add = (from: number, to: number): void => {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === from) last[1] = to;
    else ranges.push([from, to]);
  };
  for (const [i, token] of tokens.entries()) {
    if (owners[i] !== position || token === 0) continue;
    add(i === 0 ? 0 : (tokens[i - 1] ?? 0), token - 1);
  }
  // The keys from the last token on belong to the first one.
  if (owners[0] === position) add(tokens.at(-1) ?? 0, MAX_KEY);
  return ranges;
}

/** Whether `key` is in one of the ranges, which are ascending. */
export function rangesInclude(ranges: readonly TokenRange[], key: number): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.[1] ?? 0) < key) low = middle + 1;
    else high = middle;
  }
  const range = ranges[low];
  return range !== undefined && range[0] <= key;
}
