import type { InstanceDesc } from './instance.ts';

/** The instances to ask, and how many of them may fail. The two tolerances exclude each other. */
export interface ReplicationSet {
  readonly instances: readonly InstanceDesc[];
  /** How many instances may fail. */
  readonly maxErrors: number;
  /** How many whole zones may fail. */
  readonly maxUnavailableZones: number;
  /** Whether failures are counted by zone. */
  readonly zoneAwarenessEnabled: boolean;
}
