/**
 * How far heartbeats may run ahead of the wall clock, in seconds. Heartbeats have whole seconds and merges refuse a
 * second write of the same second, so every own write is stamped at least one second later than the one before. A
 * mere heartbeat is left out instead while the entry is already this far ahead; only changes of content go further,
 * one second each, because unsaid they would be worse than early. So after a clock was set back by more, heartbeats
 * pause until it has caught up; peers see a fresh entry all the while. R-45
 */
export const MAX_STAMP_AHEAD_S = 10;

/** The stamp of an own write: now, but later than what is stored. */
export function nextStamp(nowUnixMs: number, storedUnixS: number): number {
  return Math.max(Math.floor(nowUnixMs / 1000), storedUnixS + 1);
}

/** Whether a write that only carries a heartbeat would run too far ahead. */
export function isTooFarAhead(stampUnixS: number, nowUnixMs: number): boolean {
  return stampUnixS > Math.floor(nowUnixMs / 1000) + MAX_STAMP_AHEAD_S;
}
