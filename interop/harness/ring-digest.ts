import { createHash } from 'node:crypto';

/** One ring entry as the Go peer shows it. Times are Unix seconds, 0 when unset. */
export interface RingInstance {
  readonly id: string;
  readonly addr: string;
  readonly timestamp: number;
  readonly state: string;
  readonly tokens: readonly number[];
  readonly zone: string;
  readonly registeredTimestamp: number;
  readonly readOnlyUpdatedTimestamp: number;
  readonly readOnly: boolean;
}

/** The one text of a ring that both languages agree on: compact JSON, instances by id in byte order, tokens ascending. */
export function canonicalRing(instances: readonly RingInstance[]): string {
  const sorted = instances
    .map((i) => ({
      id: i.id,
      addr: i.addr,
      timestamp: i.timestamp,
      state: i.state,
      tokens: [...i.tokens].sort((a, b) => a - b),
      zone: i.zone,
      registeredTimestamp: i.registeredTimestamp,
      readOnlyUpdatedTimestamp: i.readOnlyUpdatedTimestamp,
      readOnly: i.readOnly,
    }))
    .sort((a, b) => Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)));
  return JSON.stringify({ instances: sorted });
}

/** SHA-256 of the canonical text, in hexadecimal: equal on every member when rings are equal. */
export function ringDigest(instances: readonly RingInstance[]): string {
  return createHash('sha256').update(canonicalRing(instances)).digest('hex');
}
