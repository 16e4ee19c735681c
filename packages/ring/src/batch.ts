import { abortReason, Deferred, onAbort, throwIfAborted } from '@ml/runtime';
import type { InstanceDesc } from './core/instance.ts';
import type { Operation } from './core/operation.ts';
import type { ReplicationSet } from './core/replication-set.ts';
import { EmptyRingError } from './errors.ts';
import type { ReadRing } from './read-ring.ts';
import { BatchFailedError, type ReplicaFailure } from './request-errors.ts';

/** What a batch needs of a ring. */
export type BatchRing = Pick<ReadRing, 'instances' | 'get'>;

/** Sends the keys at `indexes` (ascending) of a batch to one instance; what it resolves with is not used. */
export type SendKeys = (
  instance: InstanceDesc,
  indexes: readonly number[],
  options: { readonly signal: AbortSignal },
) => Promise<unknown>;

export interface BatchOptions {
  /** Gives up: the batch rejects with the signal's reason, the sends are told. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether an error is the client's fault. Such errors and others are counted apart, and the first family that
   * exceeds what a key tolerates decides. Default: errors with a `status` or `statusCode` from 400 to 499.
   */
  readonly isClientError?: (error: unknown) => boolean;
  /** Runs once when all sends are over, also after a failure: frees what the sends use. */
  readonly cleanup?: () => void;
}

/**
 * Writes keys to their replicas: one send for each address, with all the keys that it holds. Resolves as soon as every
 * key has reached its quorum, rejects as soon as one cannot. Sends that are under way then go on, so that the
 * remaining replicas get the data too; only {@link BatchOptions.signal} ends them. As `DoBatch` in dskit. R-81
 * @throws {BatchFailedError} when a key did not reach enough replicas
 * @throws {EmptyRingError | TooFewHealthyInstancesError} before anything is sent
 */
export async function doBatch(
  target: { readonly ring: BatchRing; readonly operation: Operation },
  keys: readonly number[],
  send: SendKeys,
  options: BatchOptions = {},
): Promise<void> {
  let batch: Batch;
  try {
    throwIfAborted(options.signal, 'sending a batch');
    const { ring, operation } = target;
    if (ring.instances.length === 0) throw new EmptyRingError();
    const sets = keys.map((key) => ring.get(key, operation));
    batch = new Batch(keys, sets, options);
  } catch (error) {
    options.cleanup?.();
    throw error;
  }
  await batch.run(send);
}

/** Whether the error carries an HTTP status of the client's family. */
function hasClientStatus(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const status: unknown =
    'status' in error ? error.status : 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500;
}

/** All keys for one address. */
interface Send {
  readonly instance: InstanceDesc;
  readonly indexes: number[];
  failure: { readonly error: unknown } | undefined;
}

/** How far one key has come. */
interface KeyProgress {
  readonly key: number;
  readonly minSuccess: number;
  readonly maxFailures: number;
  remaining: number;
  succeeded: number;
  clientErrors: number;
  otherErrors: number;
  lastError: unknown;
}

class Batch {
  readonly #options: BatchOptions;
  readonly #keys: readonly KeyProgress[];
  readonly #sends: readonly Send[];
  readonly #done = new Deferred<void>();
  #pending: number;
  #hasFailed: boolean = false;

  constructor(keys: readonly number[], sets: readonly ReplicationSet[], options: BatchOptions) {
    this.#options = options;
    this.#keys = keys.map((key, i) => {
      const { instances = [], maxErrors = 0 } = sets[i] ?? {};
      return {
        key,
        minSuccess: instances.length - maxErrors,
        maxFailures: maxErrors,
        remaining: instances.length,
        succeeded: 0,
        clientErrors: 0,
        otherErrors: 0,
        lastError: undefined,
      };
    });
    this.#pending = this.#keys.reduce((count, key) => count + (key.minSuccess > 0 ? 1 : 0), 0);
    const byAddress = new Map<string, Send>();
    for (const [index, { instances }] of sets.entries()) {
      for (const instance of instances) {
        const known = byAddress.get(instance.addr);
        if (known !== undefined) known.indexes.push(index);
        else byAddress.set(instance.addr, { instance, indexes: [index], failure: undefined });
      }
    }
    this.#sends = Array.from(byAddress.values());
  }

  async run(send: SendKeys): Promise<void> {
    const { signal } = this.#options;
    const controller = new AbortController();
    const link = onAbort(signal, () => {
      const reason = signal && abortReason(signal, 'sending a batch');
      controller.abort(reason);
      this.#done.reject(reason);
    });
    if (this.#pending === 0) this.#done.resolve();
    void this.#sendAll(send, controller.signal, link);
    await this.#done.promise;
  }

  async #sendAll(send: SendKeys, signal: AbortSignal, link: Disposable): Promise<void> {
    try {
      await Promise.all(this.#sends.map((one) => this.#send(one, send, signal)));
      link[Symbol.dispose]();
      this.#options.cleanup?.();
    } catch (fault) {
      // Of the caller's own functions; the caller hears of it unless the batch is over.
      link[Symbol.dispose]();
      this.#done.reject(fault);
    }
  }

  async #send(one: Send, send: SendKeys, signal: AbortSignal): Promise<void> {
    try {
      await send(one.instance, one.indexes, { signal });
    } catch (error) {
      one.failure = { error };
      const clientError = (this.#options.isClientError ?? hasClientStatus)(error);
      for (const index of one.indexes) this.#failed(index, error, clientError);
      return;
    }
    for (const index of one.indexes) this.#succeeded(index);
  }

  #succeeded(index: number): void {
    const key = this.#keys[index];
    if (key === undefined) return;
    key.succeeded++;
    if (key.succeeded > key.minSuccess) return;
    if (key.succeeded < key.minSuccess) {
      key.remaining--;
      if (key.remaining === 0) this.#fail(index, key.lastError);
      return;
    }
    // From here on nothing can make this key fail: `remaining` no longer falls to 0.
    this.#pending--;
    if (this.#pending === 0) this.#done.resolve();
  }

  #failed(index: number, error: unknown, clientError: boolean): void {
    const key = this.#keys[index];
    if (key === undefined) return;
    key.remaining--;
    key.lastError = error;
    const family = clientError ? ++key.clientErrors : ++key.otherErrors;
    if (family > key.maxFailures || key.remaining === 0) this.#fail(index, error);
  }

  #fail(index: number, cause: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const key = this.#keys[index]?.key ?? 0;
    const failures = this.#sends.flatMap<ReplicaFailure>(({ instance, indexes, failure }) =>
      failure !== undefined && indexes.includes(index) ? [{ instance, error: failure.error }] : [],
    );
    const clientError = (this.#options.isClientError ?? hasClientStatus)(cause);
    this.#done.reject(new BatchFailedError({ index, key, failures, clientError, cause }));
  }
}
