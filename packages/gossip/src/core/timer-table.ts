import { assert } from '@ml/runtime';

/** One pending deadline. Opaque to its holder but for {@link TimerRow.deadline}. */
export interface TimerRow {
  /** What the row waits for, as it shows up in a dump of the table: `probe`, `suspicion:name`, … */
  readonly name: string;
  readonly deadline: number;
}

class Row implements TimerRow {
  readonly name: string;
  readonly deadline: number;
  readonly order: number;
  readonly run: (now: number) => void;
  /** Place in the heap, −1 when not in it. */
  index = -1;

  constructor(name: string, deadline: number, order: number, run: (now: number) => void) {
    this.name = name;
    this.deadline = deadline;
    this.order = order;
    this.run = run;
  }
}

/**
 * The deadlines of one node, earliest first; among equal ones the row that was set first goes first.
 * Nothing runs by itself: {@link TimerTable.runDue} does when it is called.
 */
export class TimerTable {
  readonly #heap: Row[] = [];
  #rowsSet = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline, undefined when there is none. */
  get next(): number | undefined {
    return this.#heap[0]?.deadline;
  }

  set(name: string, deadline: number, run: (now: number) => void): TimerRow {
    assert(Number.isFinite(deadline), `timer ${name} has the deadline ${deadline}`);
    const row = new Row(name, deadline, this.#rowsSet++, run);
    this.#heap.push(row);
    row.index = this.#heap.length - 1;
    this.#up(row);
    return row;
  }

  /** Deletes the row; one that has run or was deleted before is left alone. */
  cancel(row: TimerRow | undefined): void {
    if (!(row instanceof Row) || row.index < 0) return;
    this.#remove(row);
  }

  /** Runs every row with a deadline up to `now`, also those that such a run sets. */
  runDue(now: number): void {
    for (let row = this.#heap[0]; row !== undefined && row.deadline <= now; row = this.#heap[0]) {
      this.#remove(row);
      row.run(now);
    }
  }

  clear(): void {
    for (const row of this.#heap) row.index = -1;
    this.#heap.length = 0;
  }

  #remove(row: Row): void {
    const { index } = row;
    row.index = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === row) return;
    this.#heap[index] = last;
    last.index = index;
    this.#up(last);
    this.#down(last);
  }

  #up(row: Row): void {
    while (row.index > 0) {
      const parentIndex = (row.index - 1) >> 1;
      const parent = this.#heap[parentIndex];
      if (parent === undefined || !before(row, parent)) return;
      this.#swap(row, parent);
    }
  }

  #down(row: Row): void {
    for (;;) {
      const left = this.#heap[2 * row.index + 1];
      const right = this.#heap[2 * row.index + 2];
      const child = left !== undefined && right !== undefined && before(right, left) ? right : left;
      if (child === undefined || !before(child, row)) return;
      this.#swap(child, row);
    }
  }

  #swap(a: Row, b: Row): void {
    const { index } = a;
    a.index = b.index;
    b.index = index;
    this.#heap[a.index] = a;
    this.#heap[b.index] = b;
  }
}

function before(a: Row, b: Row): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}
