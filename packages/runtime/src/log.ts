/** Structured logging: fields first, then a constant lower-case sentence. A pino instance fits as it is. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger;
}

/** Drops every line. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

/** Adds to every line the fields that `stamp` returns at that moment. */
export function stampedLogger(inner: Logger, stamp: () => object): Logger {
  return {
    debug: (fields, message) => inner.debug({ ...stamp(), ...fields }, message),
    info: (fields, message) => inner.info({ ...stamp(), ...fields }, message),
    warn: (fields, message) => inner.warn({ ...stamp(), ...fields }, message),
    error: (fields, message) => inner.error({ ...stamp(), ...fields }, message),
    child: (fields) => stampedLogger(inner.child(fields), stamp),
  };
}

/** A line that a {@link RecordingLogger} has kept. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps its lines: for tests, and for tools that show them. */
export interface RecordingLogger extends Logger {
  /** The newest lines, oldest first, those of child loggers included. */
  readonly lines: readonly LogLine[];
}

/** Keeps the newest `capacity` lines (default 10 000). */
export function recordingLogger(capacity = 10_000): RecordingLogger {
  const lines: LogLine[] = [];
  const keep = (level: LogLine['level'], fields: object, message: string): void => {
    if (lines.length >= capacity) lines.shift();
    lines.push({ level, fields: { ...fields }, message });
  };
  const logger = (base: object): RecordingLogger => ({
    lines,
    debug: (fields, message) => keep('debug', { ...base, ...fields }, message),
    info: (fields, message) => keep('info', { ...base, ...fields }, message),
    warn: (fields, message) => keep('warn', { ...base, ...fields }, message),
    error: (fields, message) => keep('error', { ...base, ...fields }, message),
    child: (fields) => logger({ ...base, ...fields }),
  });
  return logger({});
}
