import type { Logger } from '@ml/runtime';

/** Tells when the process was asked to stop. Disposing it gives the signals back to Node. */
export interface StopSignal extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * SIGINT and SIGTERM ask for an orderly stop; the second of them ends the process at once with exit code 1. SIGQUIT
 * calls `dump` and the process goes on. S-5
 */
export function stopSignal(log: Logger, dump: () => void): StopSignal {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      log.error({ signal: name }, 'asked to stop a second time: ending at once');
      process.exit(1);
    }
    log.info({ signal: name }, '=== received signal, leaving ===');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGQUIT', dump);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
      process.off('SIGQUIT', dump);
    },
  };
}
