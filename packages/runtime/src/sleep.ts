import { abortReason, onAbort } from './abort.ts';
import { Deferred } from './deferred.ts';
import type { Runtime } from './runtime.ts';

/** Resolves after `ms` milliseconds; rejects when the signal fires first, also if it had fired before. */
export async function sleep(
  runtime: Pick<Runtime, 'timers'>,
  ms: number,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { signal } = options;
  const woken = new Deferred<void>();
  using _timer = runtime.timers.after(ms, () => woken.resolve(), { plain: true });
  using _link = onAbort(signal, () => {
    if (signal !== undefined) woken.reject(abortReason(signal, 'a sleep'));
  });
  await woken.promise;
}
