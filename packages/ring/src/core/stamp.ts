/**
 * How far heartbeats may run ahead of the wall clock, in seconds. Heartbeats have whole seconds and merges refuse a
 * second write of the same second, so every own write is stamped at least one second later than the one before. A
 * mere heartbeat is left out instead while the entry is already this far ahead; only changes of content go further,
 * one second each, because unsaid they would be worse than early. So after a clock was set back by more, heartbeats
 * pause until it has caught up; peers see a fresh entry all the while. R-45
 */
export const MAX_STAMP_AHEAD_S = 10;

/**
 * From here on heartbeats do not pause any more, in seconds. Readers count an entry that is over an hour ahead as one of
 * the moment at which they first saw it, so that only going on, a second each, keeps it healthy. Half of that hour,
 * because clocks of readers differ. R-45
 */
export const MAX_PAUSE_AHEAD_S = 1800;

/** The stamp of an own write: now, but later than what is stored. */
export function nextStamp(nowUnixMs: number, storedUnixS: number): number {
  return Math.max(Math.floor(nowUnixMs / 1000), storedUnixS + 1);
}

/** Whether a write that only carries a heartbeat is left out: it would run too far ahead, and peers trust what is stored. */
export function isTooFarAhead(stampUnixS: number, nowUnixMs: number): boolean {
  const aheadS = stampUnixS - Math.floor(nowUnixMs / 1000);
  return aheadS > MAX_STAMP_AHEAD_S && aheadS <= MAX_PAUSE_AHEAD_S;
}

/**
 * The stamp of a write whose like has been refused so many times in a row: a tombstone of the entry, which writers do
 * not see, is dated later, by somebody whose clock is, or was, ahead. Doubles its lead until it is past that, so that
 * the instance comes back at once and overshoots by no more than the tombstone was ahead. R-45
 */
export function stampAfterRefusals(stampUnixS: number, refusals: number): number {
  return refusals === 0 ? stampUnixS : stampUnixS + 2 ** refusals;
}
