import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, test } from 'vitest';
import { transportConformance } from '../../src/conformance.ts';
import { SimNetwork } from '../../src/sim/index.ts';

describe.each([
  ['datagram', 'datagram'],
  ['tcp', 'tcp'],
] as const)('the simulated transport in mode %s', (_name, mode) => {
  test.each(transportConformance)('$name', async ({ run }) => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const network = new SimNetwork({ runtime, mode, link: { latencyMs: [1, 20] } });
    const a = network.transport({ host: '10.0.0.1', port: 7946 });
    const b = network.transport({ host: '10.0.0.2', port: 7946 });
    await run(a, b, {
      settle: async (promise) => {
        const state = { done: false };
        const note = (): void => {
          state.done = true;
        };
        promise.then(note, note);
        await runtime.runUntil(() => state.done, { limitMs: 120_000 });
        return await promise;
      },
      rest: () => runtime.runFor(1000),
      refused: { host: '10.0.0.2', port: 1 },
      silent: { host: '10.0.0.99', port: 7946 },
      pair: async () => [
        network.transport({ host: '10.0.0.3', port: 7946 }),
        network.transport({ host: '10.0.0.4', port: 7946 }),
      ],
    });
  });
});
