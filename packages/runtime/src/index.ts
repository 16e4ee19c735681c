export {
  abortReason,
  onAbort,
  type TimeoutOptions,
  throwIfAborted,
  timeoutSignal,
  withTimeout,
} from './abort.ts';
export { hashOfRange, isAsciiOf } from './ascii.ts';
export { noteAsync } from './async-note.ts';
export { Backoff, type BackoffOptions } from './backoff.ts';
export type { Clock } from './clock.ts';
export { Deferred } from './deferred.ts';
export { AbortedError, assert, assertNever, brandError, MlError, TimeoutError } from './errors.ts';
export { Latest } from './latest.ts';
export { CloseError, Closer } from './lifecycle.ts';
export {
  type Logger,
  type LogLine,
  type RecordingLogger,
  recordingLogger,
  silentLogger,
  stampedLogger,
} from './log.ts';
export { Mailbox, type MailboxOptions } from './mailbox.ts';
export { type Random, seededRandom } from './random.ts';
export type { ReadOptions } from './readers.ts';
export type { Runtime } from './runtime.ts';
export { sleep } from './sleep.ts';
export type { RepeatOptions, Timer, TimerOptions, Timers } from './timers.ts';
