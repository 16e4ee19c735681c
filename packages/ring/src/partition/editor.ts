import type { KvClient } from '@ml/kv';
import type { Clock } from '@ml/runtime';
import { PartitionRingDesc } from './desc.ts';
import { PartitionLockedError, PartitionTransitionError, UnknownPartitionError } from './errors.ts';
import type { PartitionDesc, PartitionState } from './partition.ts';

/** The state changes that can be asked for. */
const ALLOWED: Readonly<Record<PartitionState, readonly PartitionState[]>> = {
  Unknown: [],
  Pending: ['Active', 'Inactive'],
  Active: ['Inactive'],
  Inactive: ['Active'],
  Deleted: [],
};

/** States that a partition can be put in from `state`, as a page offers them. */
export function allowedTransitions(state: PartitionState): readonly PartitionState[] {
  return ALLOWED[state];
}

/** What an operator can change in a partition ring. Each call is one atomic write. As `PartitionRingEditor` in dskit. R-73 */
export interface PartitionRingEditor {
  /**
   * Puts a partition in another state; the one it is in already is fine.
   * @throws {UnknownPartitionError | PartitionTransitionError | PartitionLockedError}
   */
  changeState(partitionId: number, to: PartitionState): Promise<void>;
  /**
   * As {@link changeState}, and locks the new state in the same write.
   * @throws {UnknownPartitionError | PartitionTransitionError | PartitionLockedError}
   */
  changeStateAndLock(partitionId: number, to: PartitionState): Promise<void>;
  /**
   * Locks the state against changes, also by lifecyclers, or unlocks it. Peers before dskit of 2025-12 ignore locks.
   * @throws {UnknownPartitionError}
   */
  setLock(partitionId: number, locked: boolean): Promise<void>;
}

export function partitionRingEditor(options: {
  readonly client: KvClient<PartitionRingDesc>;
  /** The whole key in the KV store. */
  readonly key: string;
  readonly clock: Clock;
}): PartitionRingEditor {
  const { client, key, clock } = options;
  const edit = (
    change: (ring: PartitionRingDesc, nowUnixMs: number) => PartitionRingDesc,
  ): Promise<void> =>
    client.cas(key, (current) => {
      const ring = current ?? PartitionRingDesc.empty;
      const changed = change(ring, clock.unixMs());
      return changed === ring ? undefined : changed;
    });
  return {
    changeState: (partitionId, to) =>
      edit((ring, nowUnixMs) => requestState(ring, { partitionId, to, nowUnixMs })),
    changeStateAndLock: (partitionId, to) =>
      edit((ring, nowUnixMs) =>
        requestState(ring, { partitionId, to, nowUnixMs }).setPartitionLock(
          partitionId,
          true,
          nowUnixMs,
        ),
      ),
    setLock: (partitionId, locked) =>
      edit((ring, nowUnixMs) => {
        requirePartition(ring, partitionId);
        return ring.setPartitionLock(partitionId, locked, nowUnixMs);
      }),
  };
}

/**
 * The ring with a partition in the state that was asked for.
 * @throws {UnknownPartitionError | PartitionTransitionError | PartitionLockedError}
 */
export function requestState(
  ring: PartitionRingDesc,
  request: {
    readonly partitionId: number;
    readonly to: PartitionState;
    readonly nowUnixMs: number;
  },
): PartitionRingDesc {
  const { partitionId, to, nowUnixMs } = request;
  const { state, locked } = requirePartition(ring, partitionId);
  if (state === to) return ring;
  if (!allowedTransitions(state).includes(to)) {
    throw new PartitionTransitionError(partitionId, state, to);
  }
  if (locked) throw new PartitionLockedError(partitionId);
  return ring.setPartitionState(partitionId, to, nowUnixMs);
}

function requirePartition(ring: PartitionRingDesc, partitionId: number): PartitionDesc {
  const found = ring.partition(partitionId);
  if (found === undefined) throw new UnknownPartitionError(partitionId);
  return found;
}
