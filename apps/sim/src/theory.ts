import { assert } from '@ml/runtime';

/** What the closed forms of suspicion and detection go by; every GossipConfig has it. */
export interface DetectorSettings {
  readonly probeIntervalMs: number;
  readonly suspicionMult: number;
  readonly suspicionMaxTimeoutMult: number;
}

/**
 * Periods until some member probes a crashed one, counted from 1, when all probe at one moment and each picks its target
 * at random: 1 / (1 − (1 − 1/(n−1))^(n−1)), which tends to e/(e−1). SWIM §3.1; `members` counts the crashed one.
 */
export function firstProbePeriods(members: number): number {
  return 1 / (1 - (1 - 1 / (members - 1)) ** (members - 1));
}

/**
 * The same when each goes round its members in random order, SWIM §4.3: a member waits for its turn evenly between 1 and
 * n−1 periods, and the first of n−1 members counts.
 */
export function firstRoundRobinPeriods(members: number): number {
  const others = members - 1;
  let periods = 0;
  for (let k = 0; k < others; k++) periods += (1 - k / others) ** others;
  return periods;
}

/**
 * Mean time until some member probes a crashed one, in milliseconds, when rounds have random phases: the smallest of
 * n−1 even waits between 0 and (n−1)·T, so T·(n−1)/n.
 */
export function firstProbeMs(members: number, probeIntervalMs: number): number {
  return (probeIntervalMs * (members - 1)) / members;
}

/** The time until that probe which is not exceeded with probability `share`. */
export function firstProbeQuantileMs(
  members: number,
  probeIntervalMs: number,
  share: number,
): number {
  const others = members - 1;
  return probeIntervalMs * others * (1 - (1 - share) ** (1 / others));
}

/** The shortest suspicion, in milliseconds: mult · max(1, log10 n) · T, the logarithm cut to three digits. G-7 */
export function shortestSuspicionMs(settings: DetectorSettings, members: number): number {
  const scale = Math.trunc(1000 * Math.max(1, Math.log10(members))) / 1000;
  return settings.suspicionMult * scale * settings.probeIntervalMs;
}

/**
 * Length of a suspicion with `confirmations` independent accusers besides the first: from β times the shortest down to
 * the shortest, by the logarithm. Lifeguard §IV-B with K = mult − 2, as in memberlist.
 */
export function suspicionMs(
  settings: DetectorSettings,
  members: number,
  confirmations: number,
): number {
  const min = shortestSuspicionMs(settings, members);
  const wanted = settings.suspicionMult - 2;
  if (wanted < 1 || members - 2 < wanted) return min;
  const max = settings.suspicionMaxTimeoutMult * min;
  const fraction = Math.log(confirmations + 1) / Math.log(wanted + 1);
  return Math.max(min, max - fraction * (max - min));
}

/** Mean time from a crash until the first member holds the crashed one for dead: first probe, probe interval, shortest suspicion. */
export function crashToDeadMs(settings: DetectorSettings, members: number): number {
  const { probeIntervalMs } = settings;
  return (
    firstProbeMs(members, probeIntervalMs) +
    probeIntervalMs +
    shortestSuspicionMs(settings, members)
  );
}

/** The time from crash to death that is not exceeded with probability `share`. */
export function crashToDeadQuantileMs(
  settings: DetectorSettings,
  members: number,
  share: number,
): number {
  const { probeIntervalMs } = settings;
  const probe = firstProbeQuantileMs(members, probeIntervalMs, share);
  return probe + probeIntervalMs + shortestSuspicionMs(settings, members);
}

/**
 * Share of members that know a piece of news, a time after the first one did, when rounds have random phases: logistic,
 * as each who knows tells `fanout` others an interval.
 */
export function informedShare(options: {
  readonly members: number;
  readonly fanout: number;
  readonly intervalMs: number;
  readonly afterMs: number;
}): number {
  const { members, fanout, intervalMs, afterMs } = options;
  return 1 / (1 + (members - 1) * Math.exp((-fanout * afterMs) / intervalMs));
}

/** The time after which that share is reached; the inverse of {@link informedShare}. */
export function informedAfterMs(options: {
  readonly members: number;
  readonly fanout: number;
  readonly intervalMs: number;
  readonly share: number;
}): number {
  const { members, fanout, intervalMs, share } = options;
  assert(share > 0 && share < 1, `${share} is no share between 0 and 1`);
  return (intervalMs / fanout) * Math.log(((members - 1) * share) / (1 - share));
}

/**
 * Members that know a piece of news after so many rounds in which all tell at one moment: it grows by the factor 1 +
 * fanout at first, then every member is missed by all with probability e^(−fanout·x/n).
 */
export function informedAfterRounds(members: number, fanout: number, rounds: number): number {
  let informed = 1;
  for (let round = 0; round < rounds; round++) {
    informed += (members - informed) * (1 - Math.exp((-fanout * informed) / (members - 1)));
  }
  return informed;
}

/**
 * Probability that one probe of a live member fails: direct ping and ack or else each of k detours of four messages is
 * lost. SWIM §3.1, with all members up.
 */
export function probeFailure(loss: number, helpers: number): number {
  const arrives = 1 - loss;
  return (1 - arrives ** 2) * (1 - arrives ** 4) ** helpers;
}

/** Probability that a live member is suspected by somebody within a period of random probes: SWIM §3.1's PM(T). */
export function falseSuspicion(loss: number, helpers: number): number {
  return probeFailure(loss, helpers) * (1 - Math.exp(-1));
}

/** How often each member sends a piece of news: mult · ceil(log10(n + 1)). G-16 */
export function transmissions(retransmitMult: number, members: number): number {
  return retransmitMult * Math.ceil(Math.log10(members + 1));
}

/** Time between two full exchanges that a member begins: one interval more with each doubling beyond 32. G-9 */
export function exchangeIntervalMs(intervalMs: number, members: number): number {
  return members <= 32 ? intervalMs : intervalMs * (Math.ceil(Math.log2(members) - 5) + 1);
}
