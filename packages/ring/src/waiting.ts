import { Backoff, type Runtime, sleep, TimeoutError } from '@ml/runtime';
import type { InstanceDesc } from './core/instance.ts';
import type { InstanceState } from './core/instance-state.ts';
import type { Operation } from './core/operation.ts';
import type { ReadRing } from './read-ring.ts';

const STABILITY_POLL_MS = 1000;

/**
 * Waits until the ring shows the instance in the state. Polls with a back-off from 100 ms to 1 s. As
 * `WaitInstanceState` in dskit.
 */
export async function waitInstanceState(
  ring: ReadRing,
  wanted: { readonly id: string; readonly state: InstanceState },
  options: { readonly runtime: Runtime; readonly signal?: AbortSignal },
): Promise<void> {
  const { runtime, signal } = options;
  const backoff = new Backoff({ minMs: 100, maxMs: 1000, maxRetries: 0 }, runtime.random);
  while (ring.instance(wanted.id)?.state !== wanted.state) {
    await backoff.wait(runtime, { signal });
  }
}

/** What counts as the same ring while waiting for it to settle. */
export type StabilityOf = 'ring' | 'tokens' | 'tokens-and-zones';

export interface StabilityOptions {
  readonly runtime: Runtime;
  readonly operation: Operation;
  /** How long the healthy instances must stay the same, in milliseconds. */
  readonly minMs: number;
  /** When to give up, in milliseconds. */
  readonly maxMs: number;
  /**
   * `ring` (default): every field but the heartbeat; `tokens`: the state does not count either;
   * `tokens-and-zones`: nor the address.
   */
  readonly of?: StabilityOf;
  readonly signal?: AbortSignal;
}

/**
 * Waits until the healthy instances of an operation have not changed for a while; looks once a second. As
 * `WaitRingStability` in dskit.
 * @throws {TimeoutError} after `maxMs`; callers usually warn and go on
 */
export async function waitRingStability(ring: ReadRing, options: StabilityOptions): Promise<void> {
  const { runtime, signal } = options;
  const started = runtime.clock.now();
  let since = started;
  let before = snapshot(ring, options);
  while (runtime.clock.now() - since < options.minMs) {
    if (runtime.clock.now() - started >= options.maxMs) {
      throw new TimeoutError('waiting for a stable ring', options.maxMs);
    }
    await sleep(runtime, STABILITY_POLL_MS, { signal });
    const now = snapshot(ring, options);
    if (!same(before, now, options.of ?? 'ring')) since = runtime.clock.now();
    before = now;
  }
}

function snapshot(ring: ReadRing, options: StabilityOptions): readonly InstanceDesc[] {
  return ring.instances.length === 0 ? [] : ring.getAllHealthy(options.operation).instances;
}

function same(
  before: readonly InstanceDesc[],
  now: readonly InstanceDesc[],
  of: StabilityOf,
): boolean {
  return (
    before.length === now.length &&
    before.every((a, i) => {
      const b = now[i];
      return (
        b !== undefined &&
        a.id === b.id &&
        a.zone === b.zone &&
        a.registeredUnixS === b.registeredUnixS &&
        a.readOnly === b.readOnly &&
        a.readOnlyUpdatedUnixS === b.readOnlyUpdatedUnixS &&
        a.tokens.equals(b.tokens) &&
        (of !== 'ring' || a.stateCode === b.stateCode) &&
        (of === 'tokens-and-zones' || a.addr === b.addr)
      );
    })
  );
}
