import { describe, expect, test } from 'vitest';
import type { IndirectPing, PacketMessage } from '../../src/wire/index.ts';
import { ack, alive, Harness, ipBytes, ping } from './harness.ts';

const REQUEST: IndirectPing = {
  type: 'indirectPing',
  seqNo: 7,
  target: ipBytes('10.0.0.2'),
  port: 7946,
  node: 'node-b',
  nack: true,
  sourceAddr: ipBytes('10.0.0.3'),
  sourcePort: 7000,
  sourceNode: 'node-c',
};

function quiet(config: Harness['config'] | object = {}): Harness {
  const harness = new Harness({ config });
  harness.drainQueue();
  return harness;
}

function answers(harness: Harness): readonly (readonly [string, PacketMessage | undefined])[] {
  return harness.sent().map(({ to, messages }) => [to, messages[0]] as const);
}

describe('a ping', () => {
  test('is answered where it says it came from, or where it seems to come from', () => {
    const harness = quiet();
    harness.receive(ping(3));
    harness.receive({
      type: 'ping',
      seqNo: 4,
      node: '',
      sourceAddr: ipBytes('10.0.0.3'),
      sourcePort: 7000,
      sourceNode: 'node-c',
    });
    expect(answers(harness)).toEqual([
      ['10.9.9.9:1111', ack(3)],
      ['10.0.0.3:7000', ack(4)],
    ]);
  });

  test('for a node of another name is not answered', () => {
    const harness = quiet();
    harness.receive(ping(3, 'node-x'));
    expect(answers(harness)).toEqual([]);
    expect(harness.rejected).toEqual(['other_name']);
    expect(harness.log.lines).toHaveLength(1);
  });

  test('three times in a packet is answered three times', () => {
    const harness = quiet();
    harness.receive(ping(1), ping(2), ping(3));
    expect(answers(harness)).toHaveLength(3);
  });
});

describe('an indirect ping', () => {
  test('is passed on, and the answer goes back under its own number', () => {
    const harness = quiet();
    harness.receive(REQUEST);
    expect(answers(harness)).toMatchObject([['10.0.0.2:7946', { type: 'ping', seqNo: 1 }]]);
    harness.receive(ack(1));
    expect(answers(harness)).toEqual([['10.0.0.3:7000', ack(7)]]);
    harness.receive(ack(1));
    expect(harness.rejected).toEqual(['unknown_ack']);
  });

  test('that asked for no nack gets none', () => {
    const harness = quiet();
    harness.receive({ ...REQUEST, nack: false });
    harness.effects();
    harness.advance(10_000);
    expect(answers(harness)).toEqual([]);
  });

  test('too often from one peer is refused, and taken again after a while', () => {
    const harness = quiet();
    for (let i = 0; i < 100; i++) harness.receive(REQUEST);
    expect(answers(harness)).toHaveLength(20);
    expect(harness.rejected).toEqual(new Array(80).fill('rate_limit'));
    harness.advance(1000);
    harness.effects();
    harness.receive(REQUEST);
    expect(answers(harness)).toHaveLength(1);
  });

  test('beyond the pings that may be pending is refused', () => {
    const limits = { ...new Harness().config.limits, maxPendingPings: 2 };
    const harness = quiet({ limits });
    for (let i = 0; i < 5; i++) harness.receive(REQUEST);
    expect(answers(harness)).toHaveLength(2);
    expect(harness.rejected).toEqual(new Array(3).fill('pending_limit'));
  });

  test('of a stranger is refused where only members may be asked for', () => {
    const limits = { ...new Harness().config.limits, relayToMembersOnly: true };
    const harness = quiet({ limits });
    harness.receive(REQUEST);
    expect(harness.rejected).toEqual(['relay_target']);
    harness.receive(alive('b'));
    harness.drainQueue();
    harness.receive(REQUEST);
    expect(answers(harness)).toHaveLength(1);
  });
});

describe('a ping that the application asks for', () => {
  test('reports its round trip', () => {
    const harness = quiet();
    const id = harness.run((core, now) =>
      core.ping(now, 'node-b', { host: '10.0.0.2', port: 7946 }),
    );
    harness.advance(30);
    harness.receive(ack(1));
    expect(harness.effects()).toContainEqual({ type: 'pingDone', id, roundTripMs: 30 });
  });

  test('reports when there was no answer in time', () => {
    const harness = quiet();
    const id = harness.run((core, now) =>
      core.ping(now, 'node-b', { host: '10.0.0.2', port: 7946 }),
    );
    harness.advance(500);
    expect(harness.effects()).toContainEqual({ type: 'pingDone', id, roundTripMs: undefined });
  });
});
