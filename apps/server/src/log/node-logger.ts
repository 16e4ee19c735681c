import type { Logger } from '@ml/runtime';
import { pino } from 'pino';
import type { LogFormat, LogLevel } from './log-options.ts';
import { errorText, logfmtLogger } from './logfmt.ts';

/** The process's logger: to standard error unless told otherwise, UTC times. S-6 */
export function nodeLogger(options: {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes one line with its line break. */
  readonly write?: (line: string) => void;
}): Logger {
  const write = options.write ?? ((line: string) => process.stderr.write(line));
  if (options.format === 'logfmt') {
    return logfmtLogger({
      level: options.level,
      write,
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
  return pino(settings, { write });
}
