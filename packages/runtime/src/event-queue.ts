import { assert } from './errors.ts';

/** Where an event stands; `held` ones belong to a paused owner and are in no heap. */
const FREE = 0;
const QUEUED = 1;
const HELD = 2;
const CANCELLED = 3;

/** Not worth a rebuild below this many cancelled events. */
const MIN_CANCELLED = 1024;

/**
 * The pending events of a simulation, earliest first and, at equal times, in the order of their registration.
 * A 4-ary heap over typed arrays; times are whole microseconds. A cancelled event leaves the heap when it comes up,
 * or when half of the heap is cancelled ones, so the heap is never more than twice what is pending.
 */
export class EventQueue<Owner> {
  // The heap: keys lie next to each other, so that sifting does not jump through memory.
  #times = new Float64Array(64);
  #sequences = new Float64Array(64);
  #slots = new Uint32Array(64);
  #size = 0;
  // The events, by slot.
  readonly #runs: (() => void)[] = [];
  readonly #owners: (Owner | undefined)[] = [];
  readonly #plain: boolean[] = [];
  readonly #states: number[] = [];
  readonly #stamps: number[] = [];
  readonly #free: number[] = [];
  #sequence = 0;
  #cancelled = 0;

  /** The slot that {@link pop} took last; its event's parts are read by the accessors below. */
  slot = -1;

  /** Events that are still to run, those held excluded. */
  get length(): number {
    return this.#size - this.#cancelled;
  }

  /** Adds an event and returns its slot; {@link stampOf} tells it from later events in the same slot. */
  push(timeUs: number, run: () => void, owner: Owner | undefined, plain: boolean): number {
    const slot = this.#free.pop() ?? this.#runs.length;
    this.#runs[slot] = run;
    this.#owners[slot] = owner;
    this.#plain[slot] = plain;
    this.#stamps[slot] = this.#sequence;
    this.#insert(timeUs, slot);
    return slot;
  }

  stampOf(slot: number): number {
    return this.#stamps[slot] ?? -1;
  }

  /** Whether the event of this stamp is still to run. */
  isPending(slot: number, stamp: number): boolean {
    const state = this.#states[slot];
    return this.#stamps[slot] === stamp && (state === QUEUED || state === HELD);
  }

  /** Cancels the event unless it has run already. */
  cancel(slot: number, stamp: number): void {
    if (!this.isPending(slot, stamp)) return;
    const held = this.#states[slot] === HELD;
    this.#states[slot] = CANCELLED;
    this.#runs[slot] = nothing;
    this.#owners[slot] = undefined;
    if (held) return;
    this.#cancelled++;
    if (this.#cancelled >= MIN_CANCELLED && this.#cancelled * 2 > this.#size) this.#sweep();
  }

  /** The earliest pending time in microseconds, or infinity. */
  peekUs(): number {
    while (this.#size > 0 && this.#states[this.#slots[0] ?? 0] === CANCELLED) {
      this.#cancelled--;
      this.#release(this.#removeFirst());
    }
    return this.#size > 0 ? (this.#times[0] ?? 0) : Number.POSITIVE_INFINITY;
  }

  /** Takes the event that {@link peekUs} spoke of out of the heap; follow with {@link take} or {@link hold}. */
  pop(): void {
    assert(this.peekUs() < Number.POSITIVE_INFINITY, 'an event is taken from an empty queue');
    this.slot = this.#removeFirst();
  }

  get owner(): Owner | undefined {
    return this.#owners[this.slot];
  }

  get plain(): boolean {
    return this.#plain[this.slot] ?? false;
  }

  /** Ends the popped event and returns what it is to run. */
  take(): () => void {
    const run = this.#runs[this.slot] ?? nothing;
    this.#release(this.slot);
    return run;
  }

  /** Puts the popped event aside and returns its slot; it can still be cancelled. */
  hold(): number {
    this.#states[this.slot] = HELD;
    return this.slot;
  }

  /** Puts a held event back, due at `timeUs`; a cancelled one ends here. */
  unhold(slot: number, timeUs: number): void {
    if (this.#states[slot] === HELD) this.#insert(timeUs, slot);
    else this.#release(slot);
  }

  /** Ends a held event without running it. */
  discard(slot: number): void {
    this.#release(slot);
  }

  #release(slot: number): void {
    this.#states[slot] = FREE;
    this.#runs[slot] = nothing;
    this.#owners[slot] = undefined;
    this.#free.push(slot);
  }

  #insert(timeUs: number, slot: number): void {
    if (this.#size === this.#times.length) this.#grow();
    this.#states[slot] = QUEUED;
    this.#siftUp(this.#size++, timeUs, this.#sequence++, slot);
  }

  #siftUp(from: number, time: number, sequence: number, slot: number): void {
    const times = this.#times;
    const sequences = this.#sequences;
    const slots = this.#slots;
    let hole = from;
    while (hole > 0) {
      const parent = (hole - 1) >> 2;
      const parentTime = times[parent] ?? 0;
      if (parentTime < time || (parentTime === time && (sequences[parent] ?? 0) < sequence)) break;
      times[hole] = parentTime;
      sequences[hole] = sequences[parent] ?? 0;
      slots[hole] = slots[parent] ?? 0;
      hole = parent;
    }
    times[hole] = time;
    sequences[hole] = sequence;
    slots[hole] = slot;
  }

  #removeFirst(): number {
    const first = this.#slots[0] ?? 0;
    const last = --this.#size;
    if (last > 0) {
      const time = this.#times[last] ?? 0;
      this.#siftDown(0, time, this.#sequences[last] ?? 0, this.#slots[last] ?? 0);
    }
    return first;
  }

  #siftDown(from: number, time: number, sequence: number, slot: number): void {
    const times = this.#times;
    const sequences = this.#sequences;
    const slots = this.#slots;
    const size = this.#size;
    let hole = from;
    for (;;) {
      const child = 4 * hole + 1;
      if (child >= size) break;
      const end = Math.min(child + 4, size);
      let best = child;
      let bestTime = times[child] ?? 0;
      let bestSequence = sequences[child] ?? 0;
      for (let other = child + 1; other < end; other++) {
        const otherTime = times[other] ?? 0;
        if (otherTime > bestTime) continue;
        const otherSequence = sequences[other] ?? 0;
        if (otherTime === bestTime && otherSequence > bestSequence) continue;
        best = other;
        bestTime = otherTime;
        bestSequence = otherSequence;
      }
      if (time < bestTime || (time === bestTime && sequence < bestSequence)) break;
      times[hole] = bestTime;
      sequences[hole] = bestSequence;
      slots[hole] = slots[best] ?? 0;
      hole = best;
    }
    times[hole] = time;
    sequences[hole] = sequence;
    slots[hole] = slot;
  }

  /** Throws the cancelled events out and restores the heap's order from the leaves up. */
  #sweep(): void {
    let kept = 0;
    for (let i = 0; i < this.#size; i++) {
      const slot = this.#slots[i] ?? 0;
      if (this.#states[slot] === CANCELLED) {
        this.#release(slot);
        continue;
      }
      this.#times[kept] = this.#times[i] ?? 0;
      this.#sequences[kept] = this.#sequences[i] ?? 0;
      this.#slots[kept] = slot;
      kept++;
    }
    this.#size = kept;
    this.#cancelled = 0;
    for (let i = (kept - 2) >> 2; i >= 0; i--) {
      const time = this.#times[i] ?? 0;
      this.#siftDown(i, time, this.#sequences[i] ?? 0, this.#slots[i] ?? 0);
    }
  }

  #grow(): void {
    const length = this.#times.length * 2;
    const times = new Float64Array(length);
    const sequences = new Float64Array(length);
    const slots = new Uint32Array(length);
    times.set(this.#times);
    sequences.set(this.#sequences);
    slots.set(this.#slots);
    this.#times = times;
    this.#sequences = sequences;
    this.#slots = slots;
  }
}

function nothing(): void {}
