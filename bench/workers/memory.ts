// What a ring and its shards hold, in bytes, as one line of JSON.

import { Write } from '@ml/ring';
import { Params } from './measure.ts';
import { startRing } from './ring.ts';
import { KeySequence } from './rings.ts';

const TENANTS = 10_000;
const LOOK_UPS = 200_000;

function held(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const params = new Params({ instances: 1000, tokens: 512, zones: 3 });
const before = held();
const { ring } = await startRing(params);
const stored = held();
const keys = new KeySequence(1);
ring.getBatch(new KeySequence(1).take(LOOK_UPS), Write);
const indexed = held();
for (let i = 0; i < TENANTS; i += 1) ring.shuffleShard(`tenant-${i}`, 9);
const resting = held();
for (let i = 0; i < TENANTS; i += 1) ring.shuffleShard(`tenant-${i}`, 9).get(keys.next(), Write);
const busy = held();
process.stdout.write(
  `${JSON.stringify({
    value: stored - before,
    look_ups: indexed - stored,
    ten_thousand_tenants: resting - indexed,
    their_indexes: busy - resting,
  })}\n`,
);
process.exit(0);
