import type { Runtime } from '@ml/runtime';

/** Topics that are remembered; when there are more the oldest is forgotten (and may be logged again). */
const MAX_TOPICS = 1000;

/**
 * Log lines that peers can provoke: of each topic one line per interval, which says how many were left out since
 * the last. So a flood fills counters, not disks. // K-24
 */
export class LimitedLog {
  readonly #runtime: Pick<Runtime, 'clock' | 'log'>;
  readonly #topics = new Map<string, { readonly loggedAt: number; leftOut: number }>();

  constructor(runtime: Pick<Runtime, 'clock' | 'log'>) {
    this.#runtime = runtime;
  }

  warn(
    topic: { readonly name: string; readonly intervalMs: number },
    fields: object,
    message: string,
  ): void {
    const { clock, log } = this.#runtime;
    const now = clock.now();
    const last = this.#topics.get(topic.name);
    if (last !== undefined && now - last.loggedAt < topic.intervalMs) {
      last.leftOut += 1;
      return;
    }
    this.#topics.delete(topic.name);
    this.#topics.set(topic.name, { loggedAt: now, leftOut: 0 });
    if (this.#topics.size > MAX_TOPICS) {
      for (const oldest of this.#topics.keys()) {
        this.#topics.delete(oldest);
        break;
      }
    }
    log.warn({ ...fields, left_out: last?.leftOut ?? 0 }, message);
  }
}
