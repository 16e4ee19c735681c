/** Suspicion of one member: how many independent confirmations shorten it, and between which bounds. */
export interface SuspicionPlan {
  /** Confirmations beside the first accusation that bring the timeout down to `minMs`; 0: it starts there. */
  readonly confirmations: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface SuspicionScale {
  readonly suspicionMult: number;
  readonly suspicionMaxTimeoutMult: number;
  readonly probeIntervalMs: number;
  /** Lifeguard's shrinking timeout. Off: the timeout is `minMs` from the start, as in SWIM. */
  readonly dynamic: boolean;
}

/**
 * The suspicion of one member in a table of `members` rows, of which `confirmers` count as able to accuse
 * (the same number in the reference). G-7.
 */
export function suspicionPlan(
  scale: SuspicionScale,
  members: number,
  confirmers: number,
): SuspicionPlan {
  const nodeScale = Math.max(1, Math.log10(Math.max(1, members)));
  const minMs = (scale.suspicionMult * Math.trunc(nodeScale * 1000) * scale.probeIntervalMs) / 1000;
  const wanted = scale.suspicionMult - 2;
  const reachable = scale.dynamic && confirmers - 2 >= wanted;
  return {
    confirmations: reachable ? Math.max(0, wanted) : 0,
    minMs,
    maxMs: scale.suspicionMaxTimeoutMult * minMs,
  };
}

/** Length of a suspicion from its start, after `count` confirmations. G-7. */
export function suspicionTimeoutMs(plan: SuspicionPlan, count: number): number {
  if (plan.confirmations < 1) return plan.minMs;
  const fraction = Math.log(count + 1) / Math.log(plan.confirmations + 1);
  const maxS = plan.maxMs / 1000;
  const rawS = maxS - fraction * (maxS - plan.minMs / 1000);
  return Math.max(plan.minMs, Math.floor(1000 * rawS));
}

/** How often a broadcast is sent in a cluster of `members`. G-16. */
export function retransmitLimit(retransmitMult: number, members: number): number {
  return retransmitMult * Math.ceil(Math.log10(members + 1));
}

/** From this many members on the push/pull interval grows. */
const PUSH_PULL_SCALE_THRESHOLD = 32;

/** The push/pull interval in a cluster of `members`: it grows with every doubling beyond 32. G-9. */
export function pushPullIntervalMs(intervalMs: number, members: number): number {
  if (members <= PUSH_PULL_SCALE_THRESHOLD) return intervalMs;
  const doublings = Math.ceil(Math.log2(members) - Math.log2(PUSH_PULL_SCALE_THRESHOLD));
  return intervalMs * (doublings + 1);
}
