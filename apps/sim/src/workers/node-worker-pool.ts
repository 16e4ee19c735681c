import { Worker } from 'node:worker_threads';
import { MlError, onAbort } from '@ml/runtime';

/** A worker thread died. */
export class SimWorkerError extends MlError<'ML_SIM_WORKER'> {
  /** `at`: what it was at work on. */
  constructor(at: string, options: ErrorOptions) {
    const { cause } = options;
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('ML_SIM_WORKER', `a worker thread ended at ${at}: ${reason}`, options);
  }
}

/** How jobs are given to threads. */
export interface WorkerPoolOptions<Job, Result> {
  readonly workers: number;
  /** What the threads run: a module that answers each message, one job, with messages of its own. */
  readonly script: URL;
  /** Names a job in errors. */
  readonly name: (job: Job) => string;
  /** Reads a message of a thread; `undefined`: the job goes on. What it throws ends all. */
  readonly read: (job: Job, message: unknown) => Result | undefined;
  /** Ends the work: threads are stopped where they are, and what they were at is lost. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs jobs on worker threads, each job on one of them, and yields results in the order in which they come. Jobs are
 * taken from the iterable when a thread is free.
 * @throws {SimWorkerError} when a thread dies; what `read` throws
 */
export async function* runOnWorkers<Job, Result>(
  jobs: Iterable<Job>,
  options: WorkerPoolOptions<Job, Result>,
): AsyncGenerator<Result> {
  const { script, name, read, signal } = options;
  const queue = jobs[Symbol.iterator]();
  const results: Result[] = [];
  const waiting: (() => void)[] = [];
  let failure: Error | undefined;
  let busy = 0;
  const wake = (): void => {
    for (const run of waiting.splice(0)) run();
  };
  const fail = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new SimWorkerError('a job', { cause: error });
    wake();
  };
  const feed = (worker: Worker): void => {
    const next = queue.next();
    if (next.done === true) return;
    const job = next.value;
    busy += 1;
    const over = (): void => {
      worker.off('error', failed);
      worker.off('message', heard);
    };
    const failed = (cause: unknown): void => {
      over();
      fail(new SimWorkerError(name(job), { cause }));
    };
    const answered = (message: unknown): Result | undefined => {
      try {
        return read(job, message);
      } catch (error) {
        fail(error);
        return undefined;
      }
    };
    const heard = (message: unknown): void => {
      const result = answered(message);
      if (result === undefined) return;
      over();
      busy -= 1;
      results.push(result);
      feed(worker);
      wake();
    };
    worker.on('error', failed);
    worker.on('message', heard);
    worker.postMessage(job);
  };
  const workers = Array.from({ length: options.workers }, () => new Worker(script));
  using _aborted = onAbort(signal, wake);
  try {
    for (const worker of workers) feed(worker);
    for (;;) {
      if (failure !== undefined) throw failure;
      const result = results.shift();
      if (result !== undefined) yield result;
      else if (busy === 0 || signal?.aborted === true) return;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
