import { wallMs } from '../node-wall-clock.ts';
import type { Cell } from '../sweep/cell.ts';

const BAR_WIDTH = 24;
/** Real milliseconds between two updates. */
const EVERY_MS = 200;

/** The progress of many runs as one line that is written over and over. */
export class SweepProgress {
  readonly #write: (text: string) => void;
  readonly #runs: number;
  readonly #totalMs: number;
  readonly #startedMs: number = wallMs();
  readonly #underWay = new Map<Cell, number>();
  #doneMs = 0;
  #done = 0;
  #shownAtMs = 0;

  /** `totalMs`: virtual time of all runs together. */
  constructor(write: (text: string) => void, runs: number, totalMs: number) {
    this.#write = write;
    this.#runs = runs;
    this.#totalMs = totalMs;
  }

  /** A run is so far. */
  at(cell: Cell, nowMs: number): void {
    this.#underWay.set(cell, nowMs);
    const now = wallMs();
    if (now - this.#shownAtMs < EVERY_MS) return;
    this.#shownAtMs = now;
    this.#show(now);
  }

  /** A run is over. */
  done(cell: Cell, endMs: number): void {
    this.#underWay.delete(cell);
    this.#doneMs += endMs;
    this.#done += 1;
    this.#show(wallMs());
  }

  /** Takes the line away. */
  clear(): void {
    this.#write('\r\u001b[K');
  }

  #show(now: number): void {
    let virtualMs = this.#doneMs;
    for (const ms of this.#underWay.values()) virtualMs += ms;
    const share = Math.min(1, virtualMs / Math.max(1, this.#totalMs));
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`;
    const ratio = virtualMs / Math.max(1, now - this.#startedMs);
    this.#write(
      `\r\u001b[K[${bar}] ${Math.round(share * 100)}% ${this.#done} of ${this.#runs} runs, ${ratio.toFixed(0)}x real time`,
    );
  }
}
