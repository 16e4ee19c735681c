// Our side of paired measurements: runs named benchmarks on request, a line of JSON each way.
import { createInterface } from 'node:readline';
import { hashRingBenchmarks } from './hashring.ts';
import { kvBenchmarks } from './kv.ts';
import { Params, type Prepare, type Run, sample } from './measure.ts';
import { messageBenchmarks } from './messages.ts';
import { ringBenchmarks } from './ring.ts';

const benchmarks: Readonly<Record<string, Prepare>> = {
  ...messageBenchmarks,
  ...ringBenchmarks,
  ...kvBenchmarks,
  ...hashRingBenchmarks,
};

interface Request {
  readonly bench: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

let prepared: { readonly key: string; readonly run: Run } | undefined;

async function answer(request: Request): Promise<object> {
  const key = JSON.stringify([request.bench, request.params]);
  if (prepared?.key !== key) {
    const prepare = benchmarks[request.bench];
    if (prepare === undefined) return { error: `unknown benchmark ${request.bench}` };
    prepared = undefined;
    globalThis.gc?.();
    prepared = { key, run: await prepare(new Params(request.params)) };
  }
  return sample(prepared.run, request.ms);
}

for await (const line of createInterface({ input: process.stdin })) {
  const request: Request = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await answer(request))}\n`);
}

// Stores and rings that were measured would go on.
process.exit(0);
