import type { Logger, Random } from '@ml/runtime';
import type { Address } from '@ml/transport';
import type { GossipConfig } from '../config.ts';
import type { Delegates } from '../delegate.ts';
import type { GossipMetrics } from '../metrics.ts';
import type { Awareness } from './awareness.ts';
import type { BroadcastQueue } from './broadcast-queue.ts';
import type { Effect } from './effects.ts';
import type { LogGate } from './log-gate.ts';
import type { MemberPool } from './member-pool.ts';
import type { MemberTable } from './members.ts';
import type { Sequence } from './sequence.ts';
import type { TimerTable } from './timer-table.ts';

/** Who we are. */
export interface Self {
  readonly name: string;
  readonly address: Address;
  /** As it travels: 4 or 16 bytes. */
  readonly ip: Uint8Array;
  /** pMin, pMax, pCur, dMin, dMax, dCur. */
  readonly versions: Uint8Array;
}

/** What the parts of one core share. */
export interface CoreContext {
  readonly self: Self;
  readonly config: GossipConfig;
  readonly delegates: Delegates;
  readonly maxPacketBytes: number;
  readonly random: Random;
  readonly log: Logger;
  readonly gate: LogGate;
  readonly metrics: GossipMetrics;
  readonly pool: MemberPool;
  readonly members: MemberTable;
  readonly timers: TimerTable;
  readonly sequence: Sequence;
  readonly awareness: Awareness;
  readonly queue: BroadcastQueue;
  emit(effect: Effect): void;
  /** Calls the application; what it throws is logged and counted, and the result is `fallback`. */
  ask<T>(now: number, call: string, fallback: T, run: () => T): T;
}
