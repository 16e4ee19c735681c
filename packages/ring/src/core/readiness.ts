import { NotReadyError } from '../errors.ts';
import type { RingDesc } from './desc.ts';
import { type InstanceDesc, isHeartbeatFresh } from './instance.ts';
import type { Tokens } from './tokens.ts';

export interface ReadinessInput {
  readonly id: string;
  /** The tokens that the instance believes to hold. */
  readonly tokens: Tokens;
  readonly ring: RingDesc | undefined;
  /** Whether every instance must be fine, or the own one only. */
  readonly wholeRing: boolean;
  readonly heartbeatTimeoutMs: number;
  readonly nowUnixMs: number;
}

/**
 * Whether the instance can take part. As `CheckReady` of dskit's Lifecycler, in the same order. R-43
 * @throws {NotReadyError} the first thing that is missing
 */
export function checkReadiness(input: ReadinessInput): void {
  const { id, ring } = input;
  if (input.tokens.isEmpty) {
    throw new NotReadyError('no-tokens', 'the instance holds no tokens yet');
  }
  if (ring === undefined) {
    throw new NotReadyError('no-ring', 'the KV store holds no ring yet');
  }
  if (!input.wholeRing) {
    const own = ring.get(id);
    if (own === undefined) {
      throw new NotReadyError(
        'instance-missing',
        `the ring does not hold instance ${JSON.stringify(id)}`,
      );
    }
    checkInstance(own, input);
    return;
  }
  for (const instance of ring) checkInstance(instance, input);
  if (ring.instances.every((instance) => instance.tokens.isEmpty)) {
    throw new NotReadyError('ring-without-tokens', 'no instance of the ring holds tokens');
  }
}

function checkInstance(instance: InstanceDesc, input: ReadinessInput): void {
  const who = `instance ${JSON.stringify(instance.id)} (${instance.addr})`;
  if (!isHeartbeatFresh(instance, input.nowUnixMs, input.heartbeatTimeoutMs)) {
    throw new NotReadyError('heartbeat-stale', `the last heartbeat of ${who} is too old`);
  }
  if (instance.state !== 'ACTIVE') {
    throw new NotReadyError('wrong-state', `${who} is in state ${instance.state}, not ACTIVE`);
  }
}
