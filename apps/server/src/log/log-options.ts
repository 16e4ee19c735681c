/** What is logged, least severe first. As -log.level in dskit. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** How lines are written. As -log.format in dskit. */
export const LOG_FORMATS = ['logfmt', 'json'] as const;

export type LogFormat = (typeof LOG_FORMATS)[number];
