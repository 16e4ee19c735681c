import type { TimerRow, TimerTable } from './timer-table.ts';

/** What to do about a ping of ours. */
export interface PingWaiter {
  onAck(now: number, payload: Uint8Array | undefined, receivedAt: number): void;
  /** A helper got no answer. Without it, nacks are ignored. */
  onNack?(): void;
  /** The lifetime ended without an ack. */
  onExpire?(now: number): void;
}

interface Pending {
  readonly waiter: PingWaiter;
  readonly expiry: TimerRow;
}

/** Sequence numbers of pings and who waits for their answers. The first ack ends a wait, nacks do not. G-13. */
export class Sequence {
  readonly #timers: TimerTable;
  readonly #pending = new Map<number, Pending>();
  #last = 0;

  constructor(timers: TimerTable) {
    this.#timers = timers;
  }

  /** Pings whose answer is awaited. */
  get pending(): number {
    return this.#pending.size;
  }

  /** The next number: 1 first, wrapping at 2^32, never one that is in use. */
  next(): number {
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#pending.has(this.#last));
    return this.#last;
  }

  wait(seqNo: number, expiresAt: number, waiter: PingWaiter): void {
    const expiry = this.#timers.set(`ack:${seqNo}`, expiresAt, (now) => {
      this.#pending.delete(seqNo);
      waiter.onExpire?.(now);
    });
    this.#pending.set(seqNo, { waiter, expiry });
  }

  /** Ends the wait; false when nobody waits for this number. */
  ack(now: number, seqNo: number, payload: Uint8Array | undefined, receivedAt: number): boolean {
    const pending = this.#pending.get(seqNo);
    if (pending === undefined) return false;
    this.forget(seqNo);
    pending.waiter.onAck(now, payload, receivedAt);
    return true;
  }

  /** False when nobody waits for this number. */
  nack(seqNo: number): boolean {
    const pending = this.#pending.get(seqNo);
    pending?.waiter.onNack?.();
    return pending !== undefined;
  }

  forget(seqNo: number): void {
    this.#timers.cancel(this.#pending.get(seqNo)?.expiry);
    this.#pending.delete(seqNo);
  }
}
