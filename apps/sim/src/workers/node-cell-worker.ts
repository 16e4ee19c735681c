import { parentPort } from 'node:worker_threads';
import { MlError } from '@ml/runtime';
import type { Progress } from '../run-scenario.ts';
import { type Cell, runCell } from '../sweep/cell.ts';

const port = parentPort;
if (port === null) throw new TypeError('this file runs as a worker thread only');

port.on('message', (message: unknown) => {
  const cell = readCell(message);
  runCell(cell, {
    onProgress: ({ nowMs }: Progress) => port.postMessage({ nowMs }),
  }).then(
    (outcome) => port.postMessage({ outcome }),
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      port.postMessage({ error: text, usage: isUsage(error) });
    },
  );
});

function isUsage(error: unknown): boolean {
  return MlError.is(error, 'ML_SIM_USAGE') || MlError.is(error, 'ML_SIM_SCENARIO');
}

function readCell(message: unknown): Cell {
  if (!isCell(message)) throw new TypeError('a worker is asked for something that is no run');
  return message;
}

function isCell(message: unknown): message is Cell {
  return (
    typeof message === 'object' &&
    message !== null &&
    'yaml' in message &&
    typeof message.yaml === 'string' &&
    'set' in message &&
    Array.isArray(message.set) &&
    'seed' in message &&
    typeof message.seed === 'number'
  );
}
