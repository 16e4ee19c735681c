import type { RingDesc } from './desc.ts';
import { type InstanceDesc, sameVersions } from './instance.ts';

/** How far two versions of a ring differ. As `CompareResult` in dskit. R-29 */
export type RingDifference = 'equal' | 'states-and-heartbeats' | 'different';

/**
 * Compares two versions of a ring. Versions that come from one another share their layout and mostly their
 * instances, so this costs one look at each instance that was replaced.
 */
export function compareRings(a: RingDesc, b: RingDesc): RingDifference {
  if (a === b) return 'equal';
  if (a.size !== b.size) return 'different';
  let difference: RingDifference = 'equal';
  const own = a.instances;
  const others = b.instances;
  for (let i = 0; i < own.length; i++) {
    const mine = own[i];
    const other = others[i];
    if (mine === other) continue;
    if (mine === undefined || other === undefined || !sameTopology(mine, other)) return 'different';
    if (mine.stateCode !== other.stateCode || mine.heartbeatUnixS !== other.heartbeatUnixS) {
      difference = 'states-and-heartbeats';
    }
  }
  return difference;
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
