import { expect, test } from 'vitest';
import { Sequence } from '../../src/core/sequence.ts';
import { TimerTable } from '../../src/core/timer-table.ts';

test('the first ack ends a wait, nacks do not', () => {
  const sequence = new Sequence(new TimerTable());
  const heard: string[] = [];
  const seqNo = sequence.next();
  sequence.wait(seqNo, 100, {
    onAck: () => heard.push('ack'),
    onNack: () => heard.push('nack'),
  });
  expect(sequence.nack(seqNo)).toBe(true);
  expect(sequence.nack(seqNo)).toBe(true);
  expect(sequence.ack(1, seqNo, undefined, 1)).toBe(true);
  expect(sequence.ack(1, seqNo, undefined, 1)).toBe(false);
  expect(sequence.nack(seqNo)).toBe(false);
  expect(heard).toEqual(['nack', 'nack', 'ack']);
});

test('a wait expires once, and an answer after that is unknown', () => {
  const timers = new TimerTable();
  const sequence = new Sequence(timers);
  let expired = 0;
  const seqNo = sequence.next();
  sequence.wait(seqNo, 100, {
    onAck: () => {
      throw new RangeError('answered');
    },
    onExpire: () => {
      expired += 1;
    },
  });
  timers.runDue(100);
  timers.runDue(200);
  expect(expired).toBe(1);
  expect(sequence.ack(200, seqNo, undefined, 200)).toBe(false);
  expect(sequence.pending).toBe(0);
});

test('numbers begin at 1 and a forgotten wait never expires', () => {
  const timers = new TimerTable();
  const sequence = new Sequence(timers);
  expect(sequence.next()).toBe(1);
  sequence.wait(2, 10, { onAck: () => {} });
  expect(sequence.next()).toBe(3);
  sequence.forget(2);
  expect(timers.size).toBe(0);
});
