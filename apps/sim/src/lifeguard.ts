import { type GossipConfig, gossipPresets, type LifeguardConfig } from '@ml/gossip';
import { seededRandom } from '@ml/runtime';
import { Lab, type LabMember } from './lab.ts';

/** The failure detectors that are compared: SWIM, each part of Lifeguard alone, and all parts together. */
export const DETECTORS = ['swim', 'awareness', 'suspicion', 'buddy', 'lifeguard'] as const;

/** One of {@link DETECTORS}. `awareness` is the paper's LHA-Probe (with nacks), `suspicion` its LHA-Suspicion. */
export type Detector = (typeof DETECTORS)[number];

const OFF: LifeguardConfig = {
  awareness: false,
  dynamicSuspicion: false,
  buddy: false,
  nacks: false,
};

/** Which parts of Lifeguard a detector has. */
export const DETECTOR_PARTS: Readonly<Record<Detector, LifeguardConfig>> = {
  swim: OFF,
  awareness: { ...OFF, awareness: true, nacks: true },
  suspicion: { ...OFF, dynamicSuspicion: true },
  buddy: { ...OFF, buddy: true },
  lifeguard: { awareness: true, dynamicSuspicion: true, buddy: true, nacks: true },
};

/** One point of the sweep. */
export interface LifeguardCell {
  readonly detector: Detector;
  /** Members whose messages are held up at one time. */
  readonly concurrent: number;
  /** How long at a time. */
  readonly durationMs: number;
  /** How long they work normally in between. */
  readonly intervalMs: number;
  readonly seed: number;
}

/** How big the experiment is. */
export interface LifeguardScale {
  readonly members: number;
  /** Anomalies go on for this time, and until the last one that began in it is over. */
  readonly anomaliesMs: number;
  /** Then everything is normal for this time. */
  readonly settleMs: number;
}

/** 128 members as in the paper; the anomalies of a point go on for one minute. */
export const LIFEGUARD_SCALE: LifeguardScale = {
  members: 128,
  anomaliesMs: 60_000,
  settleMs: 20_000,
};

/** The paper's baseline: α is `suspicionMult`, β is `suspicionMaxTimeoutMult`. */
export const LIFEGUARD_ALPHA = 5;
/** See {@link LIFEGUARD_ALPHA}. */
export const LIFEGUARD_BETA = 6;

/** What a point came to. */
export interface LifeguardOutcome {
  /** Times that a member that was well all the time was held for dead by anybody. */
  readonly falsePositives: number;
  /** Of these: by members that were well themselves. The paper's FP−. */
  readonly falsePositivesAtHealthy: number;
  /** From the first anomaly's beginning until the first healthy member held each slow one for dead, where that happened. */
  readonly firstDetectionMs: readonly number[];
  /** The same until every healthy member did, where that happened. */
  readonly fullDetectionMs: readonly number[];
}

/**
 * One run of the experiment in §V of Lifeguard (arXiv 1707.00788): some members' message processing stops and goes on
 * again and again, all at once, while their timers run.
 */
export async function runLifeguardCell(
  cell: LifeguardCell,
  scale: LifeguardScale = LIFEGUARD_SCALE,
): Promise<LifeguardOutcome> {
  const lab = await Lab.create({
    seed: cell.seed,
    members: scale.members,
    gossip: lifeguardGossip(cell.detector),
  });
  const random = seededRandom(cell.seed).fork('slow members');
  const slow = random.shuffle(lab.members).slice(0, cell.concurrent);
  const tally = new Tally(lab, slow);
  using _observing = lab.observe((event) => {
    if (event.type === 'dead') tally.dead(event.by, event.about, event.atMs);
  });
  const endMs = lab.runtime.now + scale.anomaliesMs;
  while (lab.runtime.now < endMs) {
    const stalls = slow.map((member) => lab.stall(member));
    await lab.runFor(cell.durationMs);
    for (const stall of stalls) stall[Symbol.dispose]();
    tally.firstIsOver();
    await lab.runFor(cell.intervalMs);
  }
  await lab.runFor(scale.settleMs);
  return tally.outcome();
}

function lifeguardGossip(detector: Detector): GossipConfig {
  return {
    ...gossipPresets.lan,
    suspicionMult: LIFEGUARD_ALPHA,
    suspicionMaxTimeoutMult: LIFEGUARD_BETA,
    // Bytes do not matter here, and the processor's time does.
    compression: false,
    lifeguard: DETECTOR_PARTS[detector],
  };
}

class Tally {
  readonly #slow: ReadonlySet<number>;
  readonly #healthy: number;
  readonly #startedAtMs: number;
  /** Of each slow member: which healthy ones have held it for dead in the first anomaly. */
  readonly #seenBy = new Map<number, Set<number>>();
  readonly #first: number[] = [];
  readonly #full: number[] = [];
  #inFirst = true;
  #falsePositives = 0;
  #atHealthy = 0;

  constructor(lab: Lab, slow: readonly LabMember[]) {
    this.#slow = new Set(slow.map(({ number }) => number));
    this.#healthy = lab.members.length - slow.length;
    this.#startedAtMs = lab.runtime.now;
  }

  dead(by: number, about: number, atMs: number): void {
    const bySlow = this.#slow.has(by);
    if (!this.#slow.has(about)) {
      this.#falsePositives += 1;
      if (!bySlow) this.#atHealthy += 1;
      return;
    }
    if (bySlow || !this.#inFirst) return;
    const seen = this.#seenBy.get(about) ?? new Set<number>();
    this.#seenBy.set(about, seen);
    if (seen.size === 0) this.#first.push(atMs - this.#startedAtMs);
    seen.add(by);
    if (seen.size === this.#healthy) this.#full.push(atMs - this.#startedAtMs);
  }

  /** Later deaths may come of what earlier anomalies left behind. */
  firstIsOver(): void {
    this.#inFirst = false;
  }

  outcome(): LifeguardOutcome {
    return {
      falsePositives: this.#falsePositives,
      falsePositivesAtHealthy: this.#atHealthy,
      firstDetectionMs: this.#first,
      fullDetectionMs: this.#full,
    };
  }
}
