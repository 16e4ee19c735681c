import type { KvClient } from '@ml/kv';
import { MlError, type Runtime, sleep } from '@ml/runtime';
import { RingDesc } from './core/desc.ts';
import type { TokenGenerator } from './core/token-generator.ts';

const POLL_MS = 1000;
const LIMIT_MS = 300_000;

/**
 * Waits until the token generator lets the instance take tokens: looks at the ring once a second, for 5 minutes at
 * most, then goes on with a warning. As dskit, but a stop request ends the wait. R-42
 */
export async function waitUntilCanJoin(options: {
  readonly client: KvClient<RingDesc>;
  readonly key: string;
  readonly name: string;
  readonly runtime: Runtime;
  readonly generator: TokenGenerator;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { runtime, generator, signal } = options;
  if (!generator.waitsForOthers) return;
  const started = runtime.clock.now();
  for (;;) {
    signal.throwIfAborted();
    const obstacle = await findObstacle(options);
    if (obstacle === undefined) return;
    if (runtime.clock.now() - started >= LIMIT_MS) {
      runtime.log.warn(
        { ring: options.name, err: obstacle, limitMs: LIMIT_MS },
        'joining although the instances before are not there yet',
      );
      return;
    }
    await sleep(runtime, POLL_MS, { signal });
  }
}

async function findObstacle(options: {
  readonly client: KvClient<RingDesc>;
  readonly key: string;
  readonly generator: TokenGenerator;
}): Promise<unknown> {
  try {
    const ring = await options.client.get(options.key);
    options.generator.checkCanJoin(ring ?? RingDesc.empty);
    return undefined;
  } catch (error) {
    // What is no failure of the store or the generator is a fault of the program.
    if (!MlError.is(error)) throw error;
    return error;
  }
}
