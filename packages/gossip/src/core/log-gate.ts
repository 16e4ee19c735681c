import type { Logger } from '@ml/runtime';

/** One line of each kind in this time. */
const QUIET_MS = 10_000;

interface Gate {
  openAt: number;
  suppressed: number;
}

/** Logs what peers can provoke: at most one line per message text in ten seconds, with the number of those left out. */
export class LogGate {
  readonly #log: Logger;
  readonly #gates = new Map<string, Gate>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `message` is a constant. */
  warn(now: number, fields: object, message: string): void {
    this.#write('warn', now, fields, message);
  }

  error(now: number, fields: object, message: string): void {
    this.#write('error', now, fields, message);
  }

  #write(level: 'warn' | 'error', now: number, fields: object, message: string): void {
    const gate = this.#gates.get(message) ?? { openAt: now, suppressed: 0 };
    this.#gates.set(message, gate);
    if (now < gate.openAt) {
      gate.suppressed += 1;
      return;
    }
    const { suppressed } = gate;
    gate.openAt = now + QUIET_MS;
    gate.suppressed = 0;
    this.#log[level](suppressed > 0 ? { ...fields, suppressed } : fields, message);
  }
}
