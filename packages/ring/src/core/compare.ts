import type { RingDesc } from './desc.ts';
import { type InstanceDesc, sameVersions } from './instance.ts';

/** How far two versions of a ring differ. As `CompareResult` in dskit. R-29 */
export type RingDifference = 'equal' | 'states-and-heartbeats' | 'different';

/** What changed from one version of a ring to another. */
export interface RingChange {
  readonly difference: RingDifference;
  /** Positions of the instances that are other objects now; complete unless the rings are `different`. */
  readonly replaced: readonly number[];
}

/** Compares two versions of a ring. */
export function compareRings(a: RingDesc, b: RingDesc): RingDifference {
  return changeOf(a, b).difference;
}

/**
 * What changed from `a` to `b`. Versions that come from one another share their layout and mostly their instances, so
 * this costs one look at each instance that was replaced.
 */
export function changeOf(a: RingDesc, b: RingDesc): RingChange {
  if (a === b) return { difference: 'equal', replaced: [] };
  if (a.size !== b.size) return { difference: 'different', replaced: [] };
  let difference: RingDifference = 'equal';
  const replaced: number[] = [];
  const own = a.instances;
  const others = b.instances;
  for (let i = 0; i < own.length; i++) {
    const mine = own[i];
    const other = others[i];
    if (mine === other) continue;
    replaced.push(i);
    if (mine === undefined || other === undefined || !sameTopology(mine, other)) {
      return { difference: 'different', replaced };
    }
    if (mine.stateCode !== other.stateCode || mine.heartbeatUnixS !== other.heartbeatUnixS) {
      difference = 'states-and-heartbeats';
    }
  }
  return { difference, replaced };
}

function sameTopology(a: InstanceDesc, b: InstanceDesc): boolean {
  return (
    a.id === b.id &&
    a.addr === b.addr &&
    a.zone === b.zone &&
    a.registeredUnixS === b.registeredUnixS &&
    a.readOnly === b.readOnly &&
    a.readOnlyUpdatedUnixS === b.readOnlyUpdatedUnixS &&
    sameVersions(a.versions, b.versions) &&
    a.tokens.equals(b.tokens)
  );
}
