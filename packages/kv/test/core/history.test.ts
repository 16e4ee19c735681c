import { describe, expect, test } from 'vitest';
import { History, type HistoryMessage } from '../../src/core/history.ts';

function message(sizeBytes: number): Omit<HistoryMessage, 'id'> {
  const pair = {
    key: 'k',
    value: new Uint8Array(0),
    codec: 'c',
    deleted: false,
    updateTimeMillis: undefined,
  };
  return { unixMs: 0, sizeBytes, pair, version: 1, changes: [] };
}

describe('the history of messages', () => {
  test('drops the oldest while the sizes add up to more than its bound', () => {
    const history = new History(100);
    for (const size of [50, 50, 25]) history.add('sent', message(size));
    expect(history.messages('sent').map(({ sizeBytes }) => sizeBytes)).toEqual([50, 25]);
  });

  test('loses everything to a message that is larger than the bound', () => {
    const history = new History(100);
    for (const size of [50, 101]) history.add('received', message(size));
    expect(history.messages('received')).toEqual([]);
    history.add('received', message(100));
    expect(history.messages('received')).toHaveLength(1);
  });

  test('bounds each direction by itself and counts ids over both', () => {
    const history = new History(100);
    history.add('sent', message(100));
    history.add('received', message(100));
    history.add('sent', message(100));
    expect(history.messages('sent').map(({ id }) => id)).toEqual([3]);
    expect(history.messages('received').map(({ id }) => id)).toEqual([2]);
    expect(history.find(2)?.id).toBe(2);
    expect(history.find(1)).toBeUndefined();
  });

  test('keeps nothing with a bound of 0', () => {
    const history = new History(0);
    history.add('sent', message(0));
    expect(history.enabled).toBe(false);
    expect(history.messages('sent')).toEqual([]);
  });

  test('forgets both directions when cleared, and goes on counting', () => {
    const history = new History(100);
    history.add('sent', message(1));
    history.clear();
    history.add('sent', message(1));
    expect(history.messages('sent').map(({ id }) => id)).toEqual([2]);
  });
});
