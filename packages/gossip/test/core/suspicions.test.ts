import { describe, expect, test } from 'vitest';
import { ack, alive, dead, Harness, left, suspect } from './harness.ts';

/** A core that knows node-b to node-e, so that two confirmations shorten a suspicion from 24 to 4 intervals. */
function amongFive(): Harness {
  const harness = new Harness({ config: { suspicionMult: 4, probeIntervalMs: 1000 } });
  harness.receive(...[...'bcde'].map((letter) => alive(letter)));
  return harness;
}

/** Lets time pass while everybody who is probed answers. */
function advanceAnswering(harness: Harness, ms: number): void {
  for (const end = harness.now + ms; harness.now < end; ) {
    harness.advance(10);
    for (const { messages } of harness.sent()) {
      for (const message of messages) {
        if (message.type === 'ping') harness.receive(ack(message.seqNo));
      }
    }
  }
}

describe('the log of a suspicion', () => {
  test('tells who accused, each new confirmation, and the verdict with its time', () => {
    const harness = amongFive();
    harness.receive(suspect('b', 1, 'node-c'));
    advanceAnswering(harness, 500);
    harness.receive(suspect('b', 1, 'node-d'), suspect('b', 1, 'node-d'));
    advanceAnswering(harness, 12_000);
    const counted = { member: 'node-b', confirmationsWanted: 2 };
    const verdict = { ...counted, confirmations: 1, suspectMs: 11_381 };
    expect(harness.log.lines).toEqual([
      {
        level: 'debug',
        fields: { ...counted, from: 'node-c', confirmations: 0 },
        message: 'member is suspect',
      },
      {
        level: 'debug',
        fields: { ...counted, from: 'node-d', confirmations: 1 },
        message: 'suspicion is confirmed',
      },
      {
        level: 'info',
        fields: verdict,
        message: 'member is dead: nobody refuted the suspicion in time',
      },
    ]);
  });

  test('tells that it was refuted, and what others say of an end', () => {
    const harness = amongFive();
    harness.receive(suspect('b', 1, 'node-c'), alive('b', 2));
    harness.receive(dead('c', 1, 'node-d'), left('d'));
    expect(harness.log.lines.slice(1)).toEqual([
      { level: 'debug', fields: { member: 'node-b' }, message: 'member refuted a suspicion' },
      {
        level: 'debug',
        fields: { member: 'node-c', from: 'node-d' },
        message: 'member is dead: another says so',
      },
      {
        level: 'debug',
        fields: { member: 'node-d', from: 'node-d' },
        message: 'member has left',
      },
    ]);
  });
});
