/** Reads and writes values of one type under string keys. */
export interface KvClient<T> {
  /** The value now, without tombstones; `undefined` when the key does not exist. */
  get(key: string): Promise<T | undefined>;
  /** Keys that start with `prefix`, in no particular order, deleted but not yet purged ones included. */
  list(prefix: string): Promise<readonly string[]>;
  delete(key: string): Promise<void>;
  /**
   * Replaces the value atomically: `update` gets the value now and returns the next one, or `undefined` to leave
   * it as it is. It may be called again after a conflict, so it must be free of side effects. What it throws is
   * passed on and ends the operation.
   * @throws {CasConflictError} after the last retry.
   */
  cas(
    key: string,
    update: (current: T | undefined) => T | undefined,
    options?: { readonly signal?: AbortSignal },
  ): Promise<void>;
  /** The value now, then the latest after each change: a slow reader skips to the newest. */
  watchKey(key: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<T | undefined>;
  /** Every change of a key that starts with `prefix`; bounded, overflow is dropped and counted. */
  watchPrefix(
    prefix: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<{ readonly key: string; readonly value: T | undefined }>;
}
