import type { InstanceDesc } from './instance.ts';

/** How long heartbeats count. */
export interface FreshnessOptions {
  /** An instance whose heartbeat is older is unhealthy, in milliseconds; 0: never. */
  readonly heartbeatTimeoutMs: number;
  /** A heartbeat that runs further ahead of our clock counts as one of the moment at which it was first seen. R-38 */
  readonly maxHeartbeatAheadMs: number;
}

/** A heartbeat that ran too far ahead of our clock when it was first seen. */
interface Ahead {
  readonly heartbeatUnixS: number;
  readonly untilUnixMs: number;
}

/**
 * Until when the heartbeats of a ring's instances count, immutable. What an instance says for itself is not kept: after
 * a heartbeat the next version is mostly made of two numbers.
 */
export class Freshness {
  /** No heartbeat is later, in Unix seconds; 0 or that of an earlier version if all are earlier. */
  readonly latestUnixS: number = 0;
  readonly #options: FreshnessOptions;
  /** By id; undefined while there is none. */
  readonly #ahead: ReadonlyMap<string, Ahead> | undefined;

  private constructor(
    options: FreshnessOptions,
    latestUnixS: number,
    ahead: ReadonlyMap<string, Ahead> | undefined,
  ) {
    this.#options = options;
    this.latestUnixS = latestUnixS;
    this.#ahead = ahead?.size === 0 ? undefined : ahead;
  }

  /**
   * @param nowUnixMs when the heartbeats were seen; absent: they are taken as they are.
   * @param before the earlier version, which knows when heartbeats were seen first.
   */
  static of(
    instances: readonly InstanceDesc[],
    options: FreshnessOptions,
    nowUnixMs?: number,
    before?: Freshness,
  ): Freshness {
    let latestUnixS = 0;
    for (const { heartbeatUnixS } of instances) {
      if (heartbeatUnixS > latestUnixS) latestUnixS = heartbeatUnixS;
    }
    const known = before === undefined ? undefined : before.#ahead;
    const ahead = new Map<string, Ahead>();
    if (isAhead(latestUnixS, options, nowUnixMs)) {
      for (const instance of instances) {
        if (!isAhead(instance.heartbeatUnixS, options, nowUnixMs)) continue;
        ahead.set(instance.id, seenAhead(instance, options, nowUnixMs, known));
      }
    }
    return new Freshness(options, latestUnixS, ahead);
  }

  /** The next version, in which the instances at some positions are other ones. */
  after(
    instances: readonly InstanceDesc[],
    replaced: readonly number[],
    nowUnixMs: number | undefined,
  ): Freshness {
    const options = this.#options;
    const before = this.#ahead;
    let { latestUnixS } = this;
    let ahead: Map<string, Ahead> | undefined;
    for (const position of replaced) {
      const instance = instances[position];
      if (instance === undefined) continue;
      const { id, heartbeatUnixS } = instance;
      if (heartbeatUnixS > latestUnixS) latestUnixS = heartbeatUnixS;
      const runsAhead = isAhead(heartbeatUnixS, options, nowUnixMs);
      if (!runsAhead && before === undefined) continue;
      ahead ??= new Map(before);
      if (runsAhead) ahead.set(id, seenAhead(instance, options, nowUnixMs, before));
      else ahead.delete(id);
    }
    return new Freshness(options, latestUnixS, ahead ?? before);
  }

  /** Until when an instance counts as fresh, in Unix milliseconds. */
  untilUnixMs(instance: InstanceDesc): number {
    const { heartbeatTimeoutMs } = this.#options;
    if (heartbeatTimeoutMs === 0) return Number.POSITIVE_INFINITY;
    const ahead = this.#ahead?.get(instance.id);
    return ahead?.untilUnixMs ?? instance.heartbeatUnixS * 1000 + heartbeatTimeoutMs;
  }
}

function isAhead(
  heartbeatUnixS: number,
  { maxHeartbeatAheadMs }: FreshnessOptions,
  nowUnixMs: number | undefined,
): boolean {
  return nowUnixMs !== undefined && heartbeatUnixS * 1000 > nowUnixMs + maxHeartbeatAheadMs;
}

function seenAhead(
  { id, heartbeatUnixS }: InstanceDesc,
  { heartbeatTimeoutMs }: FreshnessOptions,
  nowUnixMs: number | undefined,
  before: ReadonlyMap<string, Ahead> | undefined,
): Ahead {
  const known = before?.get(id);
  if (known?.heartbeatUnixS === heartbeatUnixS) return known;
  return { heartbeatUnixS, untilUnixMs: (nowUnixMs ?? 0) + heartbeatTimeoutMs };
}
