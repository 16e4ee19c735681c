import { ClassicLifecycler } from './classic-lifecycler.ts';
import { RingOptionsError } from './errors.ts';
import type { InstanceIdentity, Lifecycler, LifecyclerOptions } from './lifecycler-types.ts';

/**
 * Registers the instance and resolves when its entry is in the ring; joining goes on in the background
 * (see {@link Lifecycler.waitActive}).
 * @throws {RingOptionsError | JoinRingError}
 */
export async function createLifecycler(options: LifecyclerOptions): Promise<Lifecycler> {
  checkRegistrant(options.name, options.identity, options.config.numTokens);
  const lifecycler = new ClassicLifecycler(options);
  await lifecycler.start();
  return lifecycler;
}

/** @throws {RingOptionsError} when an instance cannot register like this */
export function checkRegistrant(ring: string, identity: InstanceIdentity, numTokens: number): void {
  const fault = (problem: string): RingOptionsError =>
    new RingOptionsError(`ring ${JSON.stringify(ring)}: ${problem}`);
  if (identity.id === '') throw fault('the instance id is empty');
  if (identity.addr === '') throw fault('the address of the instance is empty');
  if (!(Number.isInteger(numTokens) && numTokens >= 0)) {
    throw fault(`${numTokens} tokens is not a whole number from 0`);
  }
}
