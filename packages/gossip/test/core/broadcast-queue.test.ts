import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Broadcast, BroadcastQueue } from '../../src/core/broadcast-queue.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function queueOf(members = 1, retransmitMult = 4): BroadcastQueue {
  return new BroadcastQueue({ retransmitMult, members: () => members });
}

function plain(text: string): Broadcast {
  return { bytes: encoder.encode(text) };
}

function take(queue: BroadcastQueue, overhead: number, limit: number): readonly string[] {
  return queue.take(overhead, limit).map((bytes) => decoder.decode(bytes));
}

describe('what is handed out', () => {
  test('goes by transmissions, then length, then age, as far as there is room', () => {
    const queue = queueOf();
    for (const text of ['aa1', 'b', 'aa2', 'cccc']) queue.queue(plain(text));
    expect(take(queue, 2, 10)).toEqual(['cccc', 'b']);
    expect(take(queue, 2, 10)).toEqual(['aa2', 'aa1']);
    expect(take(queue, 2, 10)).toEqual(['cccc', 'b']);
  });

  test('is handed out as often as the number of members asks for, then forgotten', () => {
    const queue = queueOf(10);
    queue.queue(plain('x'));
    for (let i = 0; i < 8; i++) expect(take(queue, 2, 100)).toEqual(['x']);
    expect(take(queue, 2, 100)).toEqual([]);
    expect(queue.size).toBe(0);
    expect(queue.bytes).toBe(0);
  });

  test('is handed out once at least, even in a cluster of none', () => {
    const queue = queueOf(0);
    queue.queue(plain('x'));
    expect(take(queue, 2, 100)).toEqual(['x']);
    expect(queue.size).toBe(0);
  });

  test('waits when it does not fit, and nothing is lost by that', () => {
    const queue = queueOf();
    queue.queue(plain('long message'));
    queue.queue(plain('s'));
    expect(take(queue, 2, 5)).toEqual(['s']);
    expect(take(queue, 2, 2)).toEqual([]);
    expect(take(queue, 2, 14)).toEqual(['long message']);
  });

  test('is never handed out twice in one packet', () => {
    const queue = queueOf();
    queue.queue(plain('x'));
    expect(take(queue, 0, 1000)).toEqual(['x']);
  });
});

describe('a newer message', () => {
  test('takes the place of the one of its name, which is finished', () => {
    const queue = queueOf();
    const finished: string[] = [];
    const named = (name: string, text: string): Broadcast => ({
      ...plain(text),
      name,
      finished: () => finished.push(text),
    });
    queue.queue(named('node', 'old'));
    queue.queue(named('other', 'kept'));
    queue.queue(named('node', 'new'));
    expect(finished).toEqual(['old']);
    expect(take(queue, 2, 100)).toEqual(['kept', 'new']);
  });

  test('removes the nameless ones of its topic that it covers, and no others', () => {
    const queue = queueOf();
    const finished: string[] = [];
    const about = (topic: string, text: string): Broadcast => ({
      ...plain(text),
      topic,
      invalidates: (older) => text.startsWith(decoder.decode(older.bytes)),
      finished: () => finished.push(text),
    });
    queue.queue({ ...plain('ab'), name: 'ab' });
    queue.queue(about('k', 'a'));
    queue.queue(about('k', 'c'));
    queue.queue(about('l', 'a'));
    queue.queue(about('k', 'abc'));
    expect(finished).toEqual(['a']);
    expect(queue.size).toBe(4);
  });

  test('removes those of other topics that it covers', () => {
    const queue = queueOf();
    const finished: string[] = [];
    const about = (topic: string, covers: readonly string[]): Broadcast => ({
      ...plain(topic),
      topic,
      covers,
      invalidates: () => true,
      finished: () => finished.push(topic),
    });
    for (const topic of ['a', 'b', 'c']) queue.queue(about(topic, [topic]));
    queue.queue(about('a', ['c', 'a', 'none']));
    expect(finished).toEqual(['c', 'a']);
    expect(queue.size).toBe(2);
  });

  test('never makes an older one vanish when the queue runs empty in between', () => {
    const queue = queueOf();
    const finished: string[] = [];
    const named = (name: string, text: string): Broadcast => ({
      ...plain(text),
      name,
      finished: () => finished.push(text),
    });
    queue.queue(named('a', 'a1'));
    queue.queue(named('a', 'a2'));
    queue.queue(named('b', 'b1'));
    expect(finished).toEqual(['a1']);
    expect(take(queue, 2, 100)).toEqual(['b1', 'a2']);
  });
});

test('pruning drops what was sent most often, then the shortest, then the oldest', () => {
  const queue = queueOf();
  const finished: string[] = [];
  const noted = (text: string): Broadcast => ({
    ...plain(text),
    finished: () => finished.push(text),
  });
  queue.queue(noted('sent'));
  take(queue, 2, 100);
  for (const text of ['o1', 'n1', 'long']) queue.queue(noted(text));
  queue.prune(1);
  expect(finished).toEqual(['sent', 'o1', 'n1']);
  expect(take(queue, 2, 100)).toEqual(['long']);
  queue.reset();
  expect(finished).toEqual(['sent', 'o1', 'n1', 'long']);
  queue.prune(0);
  expect(queue.size).toBe(0);
});

test('messages are finished exactly once, whatever ends them', () => {
  const queue = queueOf(1, 1);
  const finished: string[] = [];
  const named = (name: string): Broadcast => ({
    ...plain(name),
    name,
    finished: () => finished.push(name),
  });
  queue.queue(named('sent'));
  take(queue, 2, 100);
  queue.queue(named('replaced'));
  queue.queue(named('replaced'));
  queue.queue(named('dropped'));
  queue.reset();
  queue.reset();
  expect(finished).toEqual(['sent', 'replaced', 'dropped', 'replaced']);
});

/** The order of the specification, by sorting a list. */
class NaiveQueue {
  #entries: { text: string; name: string | undefined; transmits: number; id: number }[] = [];
  #nextId = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  queue(text: string, name: string | undefined): void {
    if (name !== undefined) this.#entries = this.#entries.filter((entry) => entry.name !== name);
    this.#entries.push({ text, name, transmits: 0, id: this.#nextId++ });
  }

  take(overhead: number, limit: number): string[] {
    this.#sort();
    const taken: string[] = [];
    const tiers = this.#entries.map((entry) => entry.transmits);
    let used = 0;
    const out = new Set<number>();
    for (let tier = Math.min(...tiers); tier <= Math.max(...tiers); ) {
      const free = limit - used - overhead;
      if (free <= 0) break;
      const next = this.#entries.find(
        (entry) => !out.has(entry.id) && entry.transmits === tier && entry.text.length <= free,
      );
      if (next === undefined) {
        tier += 1;
        continue;
      }
      out.add(next.id);
      used += overhead + next.text.length;
      taken.push(next.text);
    }
    for (const entry of this.#entries) if (out.has(entry.id)) entry.transmits += 1;
    this.#entries = this.#entries.filter((entry) => entry.transmits < this.#limit);
    return taken;
  }

  prune(max: number): void {
    this.#sort();
    this.#entries.length = Math.min(max, this.#entries.length);
  }

  get size(): number {
    return this.#entries.length;
  }

  #sort(): void {
    this.#entries.sort(
      (a, b) => a.transmits - b.transmits || b.text.length - a.text.length || b.id - a.id,
    );
  }
}

test('the queue does what sorting a list would do', () => {
  const step = fc.oneof(
    fc.record({
      type: fc.constant('queue' as const),
      text: fc.string({ maxLength: 6, unit: 'grapheme-ascii' }),
      name: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    }),
    fc.record({
      type: fc.constant('take' as const),
      overhead: fc.nat({ max: 3 }),
      limit: fc.nat({ max: 30 }),
    }),
    fc.record({ type: fc.constant('prune' as const), max: fc.nat({ max: 10 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = queueOf(1);
      const model = new NaiveQueue(4);
      for (const given of steps) {
        if (given.type === 'queue') {
          const { text, name } = given;
          queue.queue(name === undefined ? plain(text) : { ...plain(text), name });
          model.queue(text, name);
        } else if (given.type === 'take') {
          const { overhead, limit } = given;
          expect(take(queue, overhead, limit)).toEqual(model.take(overhead, limit));
        } else {
          queue.prune(given.max);
          model.prune(given.max);
        }
        expect(queue.size).toBe(model.size);
      }
    }),
    { numRuns: 300 },
  );
});
