export type { Clock } from './clock.ts';
export { AbortedError, assert, assertNever, MlError, TimeoutError } from './errors.ts';
export { type Logger, silentLogger } from './log.ts';
export type { Random } from './random.ts';
export type { Runtime } from './runtime.ts';
export type { Timer, Timers } from './timers.ts';
