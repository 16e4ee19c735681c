/**
 * What an instance says of itself. `LEFT` is a tombstone that only gossip and the KV store see; `UNKNOWN` stands
 * for a number that this version has no name for (it is kept on the wire). As `InstanceState` in dskit.
 */
export type InstanceState = 'ACTIVE' | 'LEAVING' | 'PENDING' | 'JOINING' | 'LEFT' | 'UNKNOWN';

/** A state that an instance can be put in. */
export type KnownInstanceState = Exclude<InstanceState, 'UNKNOWN'>;

/** Wire numbers by state. R-2 */
export const STATE_CODES: Readonly<Record<KnownInstanceState, number>> = {
  ACTIVE: 0,
  LEAVING: 1,
  PENDING: 2,
  JOINING: 3,
  LEFT: 4,
};

/** States by wire number. */
export const STATE_NAMES: readonly KnownInstanceState[] = [
  'ACTIVE',
  'LEAVING',
  'PENDING',
  'JOINING',
  'LEFT',
];

/** The state behind a wire number. */
export function stateOfCode(code: number): InstanceState {
  return STATE_NAMES[code] ?? 'UNKNOWN';
}
