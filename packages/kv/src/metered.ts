import type { Histogram, Registerer } from '@ml/metrics';
import type { Clock } from '@ml/runtime';
import type { KvClient } from './client.ts';
import { CasAbortedError } from './errors.ts';

/** Names of operations as the metric spells them. */
type Operation = 'GET' | 'CAS' | 'List' | 'Delete' | 'WatchKey' | 'WatchPrefix';
type Durations = Histogram<'operation' | 'status_code' | 'type' | 'role'>;

export interface MeteredKvOptions {
  /** Where `kv_request_duration_seconds` goes; give it the label `kv_name` with `withPrefix` of @ml/metrics. */
  readonly metrics: Registerer;
  readonly clock: Clock;
  /** The backend: `memberlist`, `inmemory`, `multi`. */
  readonly type: string;
  /** Which part it plays in a {@link multiKv}; otherwise `primary`. */
  readonly role: 'primary' | 'secondary';
}

/**
 * A client whose operations are timed. The status is 200, 500, or what a failure carries as its HTTP status; a CAS
 * that its update gave up with {@link CasAbortedError} counts as 200. A watch is timed as a whole when it ends. As
 * the metrics client in dskit. // K-41
 */
export function meteredKv<T>(client: KvClient<T>, options: MeteredKvOptions): KvClient<T> {
  const { clock, type, role } = options;
  const durations: Durations = options.metrics.histogram({
    name: 'kv_request_duration_seconds',
    help: 'Time spent on key-value requests.',
    labels: ['operation', 'status_code', 'type', 'role'],
  });
  const observe = (operation: Operation, startedAt: number, error: unknown): void => {
    const status_code = error === undefined ? '200' : statusOf(operation, error);
    durations
      .labels({ operation, status_code, type, role })
      .observe((clock.now() - startedAt) / 1000);
  };
  const timed = async <R>(operation: Operation, run: () => Promise<R>): Promise<R> => {
    const startedAt = clock.now();
    let result: R;
    try {
      result = await run();
    } catch (error) {
      observe(operation, startedAt, error);
      throw error;
    }
    observe(operation, startedAt, undefined);
    return result;
  };
  async function* watched<R>(operation: Operation, source: AsyncIterable<R>): AsyncGenerator<R> {
    const startedAt = clock.now();
    let failure: unknown;
    try {
      yield* source;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      observe(operation, startedAt, failure);
    }
  }
  return {
    get: (key) => timed('GET', () => client.get(key)),
    list: (prefix) => timed('List', () => client.list(prefix)),
    delete: (key) => timed('Delete', () => client.delete(key)),
    cas: (key, update, wait) => timed('CAS', () => client.cas(key, update, wait)),
    watchKey: (key, wait) => watched('WatchKey', client.watchKey(key, wait)),
    watchPrefix: (prefix, wait) => watched('WatchPrefix', client.watchPrefix(prefix, wait)),
  };
}

function statusOf(operation: Operation, error: unknown): string {
  if (operation === 'CAS' && error instanceof CasAbortedError) return '200';
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') {
    return String(error.statusCode);
  }
  return '500';
}
