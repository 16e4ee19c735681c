import type { KvClient } from '@ml/kv';
import type { RingDesc } from './core/desc.ts';
import { nearestIds } from './core/nearest.ts';
import { UnknownInstanceError } from './errors.ts';

/**
 * Takes an instance out of the ring, for all members. One that is alive comes back with its next heartbeat.
 * @throws {UnknownInstanceError} at once when the ring does not hold it
 */
export async function forgetInstance(
  client: KvClient<RingDesc>,
  key: string,
  id: string,
): Promise<void> {
  await client.cas(key, (ring) => {
    if (ring?.has(id) !== true) {
      throw new UnknownInstanceError(id, ring === undefined ? [] : nearestIds(ring, id));
    }
    return ring.delete(id);
  });
}
