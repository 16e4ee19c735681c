import type { Logger } from '@ml/runtime';
import { pino } from 'pino';
import type { LogFormat, LogLevel } from './log-options.ts';
import { errorText, logfmtLogger } from './logfmt.ts';

/** The process's logger: to standard error, UTC times. */
export function nodeLogger(options: {
  readonly level: LogLevel;
  readonly format: LogFormat;
}): Logger {
  if (options.format === 'logfmt') {
    return logfmtLogger({
      level: options.level,
      write: (line) => process.stderr.write(line),
      unixMs: Date.now,
    });
  }
  const settings = {
    level: options.level,
    base: null,
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
    serializers: { err: (error: unknown) => (error instanceof Error ? errorText(error) : error) },
  };
  return pino(settings, pino.destination({ fd: 2, sync: true }));
}
