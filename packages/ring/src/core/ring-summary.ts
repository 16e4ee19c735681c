import type { RingDesc } from './desc.ts';
import { type InstanceDesc, isHeartbeatFresh } from './instance.ts';
import { compareUtf8 } from './utf8.ts';

/** A ring in numbers, as an instance of it sees it. */
export interface RingSummary {
  readonly instances: number;
  /** Active ones with a fresh heartbeat. */
  readonly healthy: number;
  readonly readOnly: number;
  readonly instancesInZone: number;
  readonly healthyInZone: number;
  readonly readOnlyInZone: number;
  /** Zones in byte order. */
  readonly zones: readonly string[];
}

/** Counts the ring, all of it and the zone of the one who asks. */
export function summarise(
  ring: RingDesc,
  options: {
    readonly zone: string;
    readonly nowUnixMs: number;
    readonly heartbeatTimeoutMs: number;
  },
): RingSummary {
  const all = ring.instances;
  const inZone = all.filter(({ zone }) => zone === options.zone);
  const healthy = (instance: InstanceDesc): boolean =>
    instance.state === 'ACTIVE' &&
    isHeartbeatFresh(instance, options.nowUnixMs, options.heartbeatTimeoutMs);
  const readOnly = (instance: InstanceDesc): boolean => instance.readOnly;
  return {
    instances: all.length,
    healthy: all.filter(healthy).length,
    readOnly: all.filter(readOnly).length,
    instancesInZone: inZone.length,
    healthyInZone: inZone.filter(healthy).length,
    readOnlyInZone: inZone.filter(readOnly).length,
    zones: [...new Set(all.map(({ zone }) => zone))].sort(compareUtf8),
  };
}
