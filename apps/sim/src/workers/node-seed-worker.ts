import { parentPort } from 'node:worker_threads';
import { CANARIES, runPlan } from '../swarm.ts';
import { drawPlan } from '../swarm-plan.ts';

const port = parentPort;
if (port === null) throw new TypeError('this file runs as a worker thread only');

port.on('message', (message: unknown) => {
  const { seed, canary } = readRequest(message);
  runPlan(drawPlan(seed), { canary }).then(
    (outcome) => port.postMessage({ seed, outcome }),
    (error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      port.postMessage({ seed, error: text });
    },
  );
});

function readRequest(message: unknown): {
  seed: number;
  canary: (typeof CANARIES)[number] | undefined;
} {
  if (typeof message !== 'object' || message === null || !('seed' in message)) {
    throw new TypeError('a worker is asked without a seed');
  }
  const name = 'canary' in message ? message.canary : undefined;
  return { seed: Number(message.seed), canary: CANARIES.find((each) => each === name) };
}
