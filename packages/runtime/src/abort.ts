import { AbortedError, MlError, TimeoutError } from './errors.ts';
import type { Runtime } from './runtime.ts';

/**
 * What a wait rejects with when its signal has fired: the signal's own reason or, if the caller gave none, an
 * {@link AbortedError} about `what`.
 */
export function abortReason(signal: AbortSignal, what: string): unknown {
  const reason: unknown = signal.reason;
  const isDefault =
    reason === undefined ||
    (reason instanceof Error && reason.name === 'AbortError' && !MlError.is(reason));
  return isDefault ? new AbortedError(what, { cause: reason }) : reason;
}

/** Throws {@link abortReason} if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted === true) throw abortReason(signal, what);
}

/** Who waits for each signal that somebody has waited for, in the order they came. */
const waiting = new WeakMap<AbortSignal, Set<{ readonly run: () => void }>>();

/**
 * Calls `run` when the signal fires, at once if it has; disposing the result forgets `run`. However many wait for one
 * signal, it gets one listener: Node.js takes more than ten for a leak and warns of it.
 */
export function onAbort(signal: AbortSignal | undefined, run: () => void): Disposable {
  if (signal === undefined) return { [Symbol.dispose]: () => {} };
  if (signal.aborted) {
    run();
    return { [Symbol.dispose]: () => {} };
  }
  const waiters = waiting.get(signal) ?? listen(signal);
  const waiter = { run };
  waiters.add(waiter);
  return { [Symbol.dispose]: () => waiters.delete(waiter) };
}

function listen(signal: AbortSignal): Set<{ readonly run: () => void }> {
  const waiters = new Set<{ readonly run: () => void }>();
  waiting.set(signal, waiters);
  const fire = (): void => {
    waiting.delete(signal);
    runAll(waiters);
  };
  signal.addEventListener('abort', fire, { once: true });
  return waiters;
}

/** Runs every one that is still waiting when its turn comes, whether those before it throw or not. @throws the first error */
function runAll(waiters: Set<{ readonly run: () => void }>): void {
  const errors: unknown[] = [];
  for (const waiter of waiters) {
    waiters.delete(waiter);
    try {
      waiter.run();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** Where and how long: see {@link timeoutSignal}. */
export interface TimeoutOptions {
  /** Milliseconds. 0 or less, or infinity: no limit. */
  readonly limitMs: number;
  /** What is being waited for, for the error's message ("a push/pull with 10.0.0.1:7946"). */
  readonly what: string;
  /** Fires the resulting signal too, with its own reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A signal that fires with a {@link TimeoutError} after the limit. Dispose it when the wait is over. */
export function timeoutSignal(
  runtime: Pick<Runtime, 'timers'>,
  options: TimeoutOptions,
): Disposable & { readonly signal: AbortSignal } {
  const { limitMs, what, signal } = options;
  const controller = new AbortController();
  const link = onAbort(signal, () => {
    if (signal !== undefined) controller.abort(abortReason(signal, what));
  });
  const limited = limitMs > 0 && Number.isFinite(limitMs) && !controller.signal.aborted;
  const timer = limited
    ? runtime.timers.after(limitMs, () => controller.abort(new TimeoutError(what, limitMs)))
    : undefined;
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      link[Symbol.dispose]();
      timer?.[Symbol.dispose]();
    },
  };
}

/**
 * Runs `work` with a signal that fires after `limitMs`. The outcome is always that of `work`, which is expected to
 * reject with the signal's reason; work that finishes in spite of the signal counts as finished. So nothing is left
 * running behind the caller's back.
 */
export async function withTimeout<T>(
  runtime: Pick<Runtime, 'timers'>,
  options: TimeoutOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using limit = timeoutSignal(runtime, options);
  return await work(limit.signal);
}
