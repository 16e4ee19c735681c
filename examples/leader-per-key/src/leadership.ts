import {
  EmptyRingError,
  hashKey,
  Operation,
  type Ring,
  TooFewHealthyInstancesError,
} from '@ml/ring';

/** Only an ACTIVE instance may lead. */
const Lead = Operation.of(['ACTIVE']);

/**
 * Who leads `key` now: the first live one of its replicas on the ring. Nobody (`undefined`) while less than a majority
 * of the replicas lives, so a minority that is cut off elects nobody.
 */
export function leaderOf(ring: Ring, key: string): string | undefined {
  try {
    return ring.get(hashKey(key), Lead).instances[0]?.id;
  } catch (error) {
    if (error instanceof EmptyRingError || error instanceof TooFewHealthyInstancesError)
      return undefined;
    throw error;
  }
}
