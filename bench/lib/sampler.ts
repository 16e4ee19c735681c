import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a side is asked: run one benchmark with these parameters for about `ms` milliseconds. */
export interface SampleRequest {
  readonly bench: string;
  readonly params: Readonly<Record<string, number | string | boolean>>;
  readonly ms: number;
}

interface SampleAnswer {
  readonly nsPerOp: number;
  readonly operations: number;
  readonly error?: string;
}

/** One side of a pair: a fresh process that measures on request, a line of JSON each way. */
export interface Sampler extends AsyncDisposable {
  sample(request: SampleRequest): Promise<number>;
}

/** A side that has not ended by so long after its last request never will. */
const EXIT_MS = 10_000;

/** Starts `command` as a sampler; its standard error goes to ours. */
export function startSampler(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Sampler {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    async sample(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const line = await lines.next();
      if (line.done) throw new TypeError(`${command} ended while it measured ${request.bench}`);
      const answer: SampleAnswer = JSON.parse(line.value);
      if (answer.error) throw new TypeError(`${command}: ${answer.error}`);
      return answer.nsPerOp;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      const overdue = setTimeout(() => child.kill('SIGKILL'), EXIT_MS);
      await exited;
      clearTimeout(overdue);
    },
  };
}
