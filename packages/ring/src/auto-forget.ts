import type { Runtime } from '@ml/runtime';
import type { RingDesc } from './core/desc.ts';
import type { InstanceDesc } from './core/instance.ts';
import { MAX_HEARTBEAT_AHEAD_MS } from './core/view.ts';
import type { BasicLifecyclerDelegate } from './delegates.ts';
import { RingOptionsError } from './errors.ts';

/** Events that are kept; older ones are dropped. */
const MAX_EVENTS = 100;
const DEFAULT_TIMEOUTS = 10;
const DEFAULT_MAX_SHARE = 1 / 3;

export interface AutoForgetOptions {
  /** The own instance, which is never forgotten. */
  readonly instanceId: string;
  /** From what age a heartbeat counts as stale, in milliseconds; above 0. */
  readonly heartbeatTimeoutMs: number;
  /** An instance is forgotten after this many timeouts without a heartbeat; at least 1. Default 10. */
  readonly timeouts?: number;
  /** Nothing is forgotten while fewer instances than this are active with a fresh heartbeat. */
  readonly replicationFactor: number;
  /**
   * Nothing is forgotten while more than this share of the ring would have to be: so many at once are rather a clock
   * or network fault of ours. One instance always may. 1: no such limit. Default 1/3.
   */
  readonly maxShare?: number;
  /** Whether to record only what would be forgotten. Default false. */
  readonly dryRun?: boolean;
  readonly runtime: Pick<Runtime, 'log'>;
}

/**
 * What auto-forget has decided:
 * - `forgotten`: these instances were taken out of the ring with the heartbeat of this time; with `dryRun` they would
 *   have been
 * - `held-back`: these are old enough, but too few others are healthy or too many would have to go at once
 */
export type AutoForgetEvent =
  | {
      readonly type: 'forgotten';
      readonly unixMs: number;
      readonly dryRun: boolean;
      readonly instances: readonly InstanceDesc[];
    }
  | {
      readonly type: 'held-back';
      readonly unixMs: number;
      readonly reason: 'too-few-healthy' | 'too-many';
      readonly instances: readonly InstanceDesc[];
    };

/** Forgets instances without heartbeats, carefully. */
export interface AutoForget {
  /** The delegate for a basic lifecycler; `next` follows it in the chain. */
  delegate(next: BasicLifecyclerDelegate): BasicLifecyclerDelegate;
  /** The latest 100 decisions, oldest first; one that is only repeated is not recorded again. */
  readonly events: readonly AutoForgetEvent[];
}

/**
 * Takes instances out of the ring, with each own heartbeat, that have had none for many timeouts; unlike dskit's
 * auto-forget it holds back when the ring would not survive it or the fault may be its own. All members may do this:
 * the first one's decision reaches the others. R-77
 * @throws {RingOptionsError} when the options make no sense
 */
export function createAutoForget(options: AutoForgetOptions): AutoForget {
  checkOptions(options);
  const events: AutoForgetEvent[] = [];
  const heartbeats = new SeenHeartbeats();
  const record = (event: AutoForgetEvent): void => {
    if (events.some((known) => isRepeated(known, event))) return;
    events.push(event);
    if (events.length > MAX_EVENTS) events.shift();
    const fields = { instances: event.instances.map(({ id }) => id).slice(0, 10) };
    if (event.type === 'held-back') {
      const { reason } = event;
      options.runtime.log.warn({ ...fields, reason }, 'instances without heartbeats are kept');
    } else {
      const { dryRun } = event;
      options.runtime.log.info({ ...fields, dryRun }, 'instances without heartbeats are forgotten');
    }
  };
  return {
    get events() {
      return [...events];
    },
    delegate: (next) => ({
      ...next,
      onHeartbeat: (ring, nowUnixMs) => {
        heartbeats.see(ring, nowUnixMs);
        const event = decide({ ring, heartbeats, nowUnixMs }, options);
        if (event !== undefined) record(event);
        if (event?.type !== 'forgotten' || event.dryRun) return next.onHeartbeat(ring, nowUnixMs);
        const gone = new Set(event.instances);
        const kept = ring.filter((instance) => !gone.has(instance));
        return next.onHeartbeat(kept, nowUnixMs);
      },
    }),
  };
}

function checkOptions(options: AutoForgetOptions): void {
  const { heartbeatTimeoutMs, timeouts = DEFAULT_TIMEOUTS, replicationFactor } = options;
  const { maxShare = DEFAULT_MAX_SHARE } = options;
  if (!(heartbeatTimeoutMs > 0)) {
    throw new RingOptionsError(
      `auto-forget with a heartbeat timeout of ${heartbeatTimeoutMs} ms; it must be above 0`,
    );
  }
  if (!(timeouts >= 1)) {
    throw new RingOptionsError(`auto-forget after ${timeouts} timeouts; it must be 1 or more`);
  }
  if (!(Number.isInteger(replicationFactor) && replicationFactor > 0)) {
    throw new RingOptionsError(
      `auto-forget with replication factor ${replicationFactor}; it must be a whole number above 0`,
    );
  }
  if (!(maxShare > 0 && maxShare <= 1)) {
    throw new RingOptionsError(
      `auto-forget of a share of ${maxShare}; it must be above 0 and at most 1`,
    );
  }
}

/**
 * When instances beat last by our own clock: a heartbeat from the far future counts as one of the moment at which it
 * was first seen, so that an instance whose clock ran wild before it died is forgotten too. R-38
 */
class SeenHeartbeats {
  /** What is far ahead, and when it was first seen; never more than the ring has instances. */
  #ahead: ReadonlyMap<string, { readonly heartbeatUnixS: number; readonly unixMs: number }> =
    new Map();

  see(ring: RingDesc, nowUnixMs: number): void {
    const limitUnixMs = nowUnixMs + MAX_HEARTBEAT_AHEAD_MS;
    const ahead = new Map<string, { readonly heartbeatUnixS: number; readonly unixMs: number }>();
    for (const { id, heartbeatUnixS } of ring.instances) {
      if (heartbeatUnixS * 1000 <= limitUnixMs) continue;
      const known = this.#ahead.get(id);
      const isSame = known?.heartbeatUnixS === heartbeatUnixS;
      ahead.set(id, isSame ? known : { heartbeatUnixS, unixMs: nowUnixMs });
    }
    this.#ahead = ahead;
  }

  unixMs({ id, heartbeatUnixS }: InstanceDesc): number {
    return this.#ahead.get(id)?.unixMs ?? heartbeatUnixS * 1000;
  }
}

/** What to do with a ring; nothing is old enough: `undefined`. */
function decide(
  seen: {
    readonly ring: RingDesc;
    readonly heartbeats: SeenHeartbeats;
    readonly nowUnixMs: number;
  },
  options: AutoForgetOptions,
): AutoForgetEvent | undefined {
  const { ring, heartbeats, nowUnixMs } = seen;
  const { heartbeatTimeoutMs, timeouts = DEFAULT_TIMEOUTS, dryRun = false } = options;
  const ageMs = (instance: InstanceDesc): number => nowUnixMs - heartbeats.unixMs(instance);
  const instances = ring.instances.filter(
    (instance) =>
      instance.id !== options.instanceId && ageMs(instance) > timeouts * heartbeatTimeoutMs,
  );
  if (instances.length === 0) return undefined;
  const healthy = ring.instances.filter(
    (instance) => instance.state === 'ACTIVE' && ageMs(instance) <= heartbeatTimeoutMs,
  ).length;
  const most = Math.max(1, Math.floor(ring.size * (options.maxShare ?? DEFAULT_MAX_SHARE)));
  if (healthy < options.replicationFactor) {
    return { type: 'held-back', unixMs: nowUnixMs, reason: 'too-few-healthy', instances };
  }
  if (instances.length > most) {
    return { type: 'held-back', unixMs: nowUnixMs, reason: 'too-many', instances };
  }
  return { type: 'forgotten', unixMs: nowUnixMs, dryRun, instances };
}

/** Whether `event` says of the same instances, at the same last heartbeats, what `known` said. */
function isRepeated(known: AutoForgetEvent, event: AutoForgetEvent): boolean {
  return (
    known.type === event.type &&
    (known.type !== 'held-back' || event.type !== 'held-back' || known.reason === event.reason) &&
    known.instances.length === event.instances.length &&
    known.instances.every(({ id, heartbeatUnixS }, i) => {
      const other = event.instances[i];
      return other?.id === id && other.heartbeatUnixS === heartbeatUnixS;
    })
  );
}
