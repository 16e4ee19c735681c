import { abortReason, onAbort } from './abort.ts';
import { Deferred } from './deferred.ts';
import type { Runtime } from './runtime.ts';

/** Resolves after `ms` milliseconds; rejects when the signal fires first, also if it had fired before. */
export function sleep(
  runtime: Pick<Runtime, 'timers'>,
  ms: number,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { signal } = options;
  const woken = new Deferred<void>();
  if (signal?.aborted === true) {
    woken.reject(abortReason(signal, 'a sleep'));
    return woken.promise;
  }
  const timer = runtime.timers.after(
    ms,
    () => {
      link[Symbol.dispose]();
      woken.resolve();
    },
    { plain: true },
  );
  const link = onAbort(signal, () => {
    timer[Symbol.dispose]();
    if (signal !== undefined) woken.reject(abortReason(signal, 'a sleep'));
  });
  return woken.promise;
}
