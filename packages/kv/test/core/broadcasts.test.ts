import { describe, expect, test } from 'vitest';
import { Broadcasts, type PairMessage } from '../../src/core/broadcasts.ts';
import { utf8 } from '../support/bytes.ts';

const OVERHEAD = 3;
const LIMIT = 1400;

function message(text: string, more: Partial<PairMessage> = {}): PairMessage {
  return { key: text, version: 1, content: [text], bytes: utf8(text), ...more };
}

function make(options: { members?: number; maxQueued?: number; maxMessageBytes?: number } = {}) {
  return new Broadcasts({
    retransmitFactor: 1,
    members: () => options.members ?? 1,
    maxMessageBytes: options.maxMessageBytes ?? 1000,
    maxQueued: options.maxQueued ?? 100,
  });
}

const texts = (taken: readonly Uint8Array[]) =>
  taken.map((bytes) => new TextDecoder().decode(bytes));

describe('queues of changes', () => {
  test('hand out own changes before forwarded ones, longer before shorter', () => {
    const queues = make();
    queues.queue('gossip', message('forwarded, and long'));
    queues.queue('local', message('own'));
    queues.queue('local', message('own, longer'));
    expect(texts(queues.take(OVERHEAD, LIMIT))).toEqual([
      'own, longer',
      'own',
      'forwarded, and long',
    ]);
  });

  test('hand out each change as often as members of the cluster ask for', () => {
    const queues = make({ members: 10 });
    queues.queue('local', message('twice'));
    expect(texts(queues.take(OVERHEAD, LIMIT))).toEqual(['twice']);
    expect(texts(queues.take(OVERHEAD, LIMIT))).toEqual(['twice']);
    expect(queues.take(OVERHEAD, LIMIT)).toEqual([]);
  });

  test('keep within the limit, counting the overhead of each', () => {
    const queues = make();
    for (const text of ['1234567890', 'abcdefghij']) queues.queue('local', message(text));
    queues.queue('gossip', message('ABCDEFGHIJ'));
    expect(queues.take(OVERHEAD, 13 * 2)).toHaveLength(2);
    expect(queues.take(OVERHEAD, 12)).toEqual([]);
    expect(queues.take(OVERHEAD, 13)).toHaveLength(1);
  });

  test('count messages by queue and bytes over both', () => {
    const queues = make();
    queues.queue('local', message('12345'));
    queues.queue('gossip', message('123'));
    queues.queue('gossip', message('12'));
    expect([queues.size('local'), queues.size('gossip'), queues.bytes]).toEqual([1, 2, 10]);
  });

  test('refuse a change that no packet can hold', () => {
    const queues = make({ maxMessageBytes: 4 });
    expect(queues.queue('local', message('12345'))).toEqual({ type: 'tooLarge' });
    expect(queues.size('local')).toBe(0);
  });

  test('drop what was sent most often when there are too many', () => {
    const queues = make({ maxQueued: 2, members: 10 });
    queues.queue('gossip', message('old'));
    queues.take(OVERHEAD, LIMIT);
    queues.queue('gossip', message('new 1'));
    expect(queues.queue('gossip', message('new 2'))).toEqual({ type: 'crowdedOut', dropped: 1 });
    expect(new Set(texts(queues.take(OVERHEAD, LIMIT)))).toEqual(new Set(['new 1', 'new 2']));
  });
});

describe('a new change', () => {
  const cases: readonly {
    readonly claim: string;
    readonly older: Partial<PairMessage>;
    readonly newer: Partial<PairMessage>;
    readonly left: number;
  }[] = [
    {
      claim: 'replaces one of the same items and an older version',
      older: { content: ['a'], version: 1 },
      newer: { content: ['a'], version: 2 },
      left: 1,
    },
    {
      claim: 'replaces one of fewer items',
      older: { content: ['a'], version: 1 },
      newer: { content: ['b', 'a'], version: 2 },
      left: 1,
    },
    {
      claim: 'replaces one of the same version',
      older: { content: ['a'], version: 2 },
      newer: { content: ['a'], version: 2 },
      left: 1,
    },
    {
      claim: 'replaces one without items',
      older: { content: [], version: 1 },
      newer: { content: ['a'], version: 1 },
      left: 1,
    },
    {
      claim: 'leaves one of a newer version',
      older: { content: ['a'], version: 3 },
      newer: { content: ['a'], version: 2 },
      left: 2,
    },
    {
      claim: 'leaves one with an item of its own',
      older: { content: ['a', 'c'], version: 1 },
      newer: { content: ['a', 'b'], version: 2 },
      left: 2,
    },
    {
      claim: 'leaves one of another key',
      older: { content: ['a'], version: 1, key: 'other' },
      newer: { content: ['a'], version: 2 },
      left: 2,
    },
  ];
  test.each(cases)('$claim', ({ older, newer, left }) => {
    const queues = make();
    queues.queue('local', message('x', { key: 'key', ...older }));
    queues.queue('local', message('y', { key: 'key', ...newer }));
    expect(queues.size('local')).toBe(left);
  });

  test('leaves those of the other queue', () => {
    const queues = make();
    queues.queue('local', message('x', { key: 'key', content: ['a'] }));
    queues.queue('gossip', message('y', { key: 'key', content: ['a'], version: 2 }));
    expect([queues.size('local'), queues.size('gossip')]).toEqual([1, 1]);
  });
});
