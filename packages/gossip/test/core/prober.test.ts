import { describe, expect, test } from 'vitest';
import { nextTick } from '../../src/core/prober.ts';
import type { Delegates } from '../../src/delegate.ts';
import type { PacketMessage } from '../../src/wire/index.ts';
import {
  ack,
  alive,
  dead,
  Harness,
  type HarnessOptions,
  left,
  type Sent,
  suspect,
} from './harness.ts';

/** A prober that knows the given nodes, with nothing left to piggyback, one second before its first probe. */
function prober(letters: string, options: HarnessOptions = {}): Harness {
  const harness = new Harness({
    ...options,
    config: { probeIntervalMs: 1000, ...options.config },
  });
  harness.receive(...[...letters].map((letter) => alive(letter)));
  harness.drainQueue();
  return harness;
}

function pings(packets: readonly Sent[]): readonly string[] {
  return packets.flatMap(({ messages }) =>
    messages.flatMap((message) => (message.type === 'ping' ? [message.node] : [])),
  );
}

function seqNoOf(packets: readonly Sent[]): number {
  for (const { messages } of packets) {
    for (const message of messages) if (message.type === 'ping') return message.seqNo;
  }
  throw new RangeError('no ping was sent');
}

function requests(packets: readonly Sent[]): readonly PacketMessage[] {
  return packets.flatMap(({ messages }) =>
    messages.filter((message) => message.type === 'indirectPing'),
  );
}

describe('a probe', () => {
  test('that is answered makes us healthier, and the next comes one interval later', () => {
    const harness = prober('bc');
    harness.receive(suspect('a', 1));
    harness.drainQueue();
    expect(harness.core.healthScore).toBe(1);
    harness.advance(1000);
    const packets = harness.sent();
    harness.receive(ack(seqNoOf(packets)));
    expect(harness.core.healthScore).toBe(0);
    expect(harness.core.member(pings(packets)[0] ?? '')?.state).toBe('alive');
    harness.advance(999);
    expect(pings(harness.sent())).toEqual([]);
    harness.advance(1);
    expect(pings(harness.sent())).toHaveLength(1);
  });

  test('asks helpers and tries a stream when the direct ping is not answered in time', () => {
    const harness = prober('bcdef');
    harness.advance(1000);
    const [target] = pings(harness.sent());
    harness.advance(500);
    const effects = harness.effects();
    expect(effects.filter((effect) => effect.type === 'streamPing')).toHaveLength(1);
    const asked = effects.filter((effect) => effect.type === 'packet');
    expect(asked).toHaveLength(3);
    expect(asked.map((effect) => effect.to.host)).not.toContain(
      harness.core.member(target ?? '')?.address.host,
    );
  });

  test('that nobody answers ends in a suspicion, and in a worse score when helpers sent no nacks', () => {
    const harness = prober('bcde');
    harness.advance(1000);
    const [target = ''] = pings(harness.sent());
    harness.advance(1000);
    expect(harness.core.member(target)?.state).toBe('suspect');
    expect(harness.core.healthScore).toBe(3);
  });

  test.each([
    [3, 0],
    [2, 1],
    [0, 3],
  ])('that fails with %i nacks of 3 costs %i points', (nacks, points) => {
    const harness = prober('bcde');
    harness.advance(1000);
    const seqNo = seqNoOf(harness.sent());
    harness.advance(500);
    for (let i = 0; i < nacks; i++) harness.receive({ type: 'nack', seqNo });
    harness.advance(500);
    expect(harness.core.healthScore).toBe(points);
  });

  test('that fails without helpers who know nacks costs one point', () => {
    const versions = Uint8Array.of(1, 3, 2, 0, 0, 0);
    const harness = new Harness({ config: { probeIntervalMs: 1000 } });
    harness.receive(...['b', 'c', 'd'].map((letter) => alive(letter, 1, { versions })));
    harness.drainQueue();
    harness.advance(1500);
    expect(requests(harness.sent())).toMatchObject([{ nack: false }, { nack: false }]);
    harness.advance(500);
    expect(harness.core.healthScore).toBe(1);
  });

  test('is saved by an ack that comes late or by way of a helper', () => {
    const harness = prober('bcde');
    harness.advance(1000);
    const packets = harness.sent();
    const [target = ''] = pings(packets);
    harness.advance(900);
    harness.receive(ack(seqNoOf(packets)));
    harness.advance(100);
    expect(harness.core.member(target)?.state).toBe('alive');
    expect(harness.core.healthScore).toBe(0);
  });

  test('is saved by an answer on the stream', () => {
    const harness = prober('bcde');
    harness.advance(1000);
    const packets = harness.sent();
    const [target = ''] = pings(packets);
    harness.advance(500);
    harness.run((core, now) => core.handleStreamPing(now, seqNoOf(packets), true));
    harness.advance(500);
    expect(harness.core.member(target)?.state).toBe('alive');
    expect(harness.core.healthScore).toBe(0);
  });

  test('is not saved by an ack or a stream answer of another number', () => {
    const harness = prober('bcde');
    harness.advance(1000);
    const packets = harness.sent();
    const [target = ''] = pings(packets);
    harness.advance(500);
    harness.receive(ack(seqNoOf(packets) + 1));
    harness.run((core, now) => core.handleStreamPing(now, seqNoOf(packets) + 1, true));
    harness.advance(500);
    expect(harness.core.member(target)?.state).toBe('suspect');
    expect(harness.rejected).toEqual(['unknown_ack']);
  });
});

describe('no stream is tried', () => {
  const streams = (harness: Harness): number => {
    harness.advance(1500);
    return harness.effects().filter((effect) => effect.type === 'streamPing').length;
  };

  test('when the configuration says so', () => {
    expect(streams(prober('bc', { config: { streamPing: false } }))).toBe(0);
  });

  test('when the application says so for this member', () => {
    const delegates: Delegates = {
      ping: {
        ackPayload: () => new Uint8Array(0),
        onPingComplete: () => {},
        allowStreamPing: () => false,
      },
    };
    expect(streams(prober('bc', { delegates }))).toBe(0);
  });

  test('with a member that is too old to answer there', () => {
    const harness = new Harness({ config: { probeIntervalMs: 1000 } });
    harness.receive(alive('b', 1, { versions: Uint8Array.of(1, 2, 2, 0, 0, 0) }));
    harness.drainQueue();
    expect(streams(harness)).toBe(0);
  });
});

describe('an unhealthy node', () => {
  test('gives each probe more time, and counts it', () => {
    const harness = prober('bcde');
    harness.receive(suspect('a', 1), suspect('a', 2));
    harness.drainQueue();
    harness.advance(1000);
    const [target = ''] = pings(harness.sent());
    harness.advance(2999);
    expect(harness.core.member(target)?.state).toBe('alive');
    harness.advance(1);
    expect(harness.core.member(target)?.state).toBe('suspect');
    expect(harness.count('degradedProbes')).toBeGreaterThanOrEqual(1);
  });

  test('starts its next probe as soon as the long one ends', () => {
    const harness = prober('bcde');
    harness.receive(suspect('a', 1));
    harness.drainQueue();
    harness.advance(1000);
    harness.effects();
    harness.advance(1999);
    expect(pings(harness.sent())).toEqual([]);
    harness.advance(1);
    expect(pings(harness.sent())).toHaveLength(1);
  });

  test('does no such thing without the awareness', () => {
    const config = {
      lifeguard: { awareness: false, dynamicSuspicion: true, buddy: true, nacks: true },
    };
    const harness = prober('bcde', { config });
    harness.receive(suspect('a', 1), suspect('a', 2));
    harness.drainQueue();
    harness.advance(1000);
    const [target = ''] = pings(harness.sent());
    harness.advance(1000);
    expect(harness.core.member(target)?.state).toBe('suspect');
  });
});

describe('the round of probes', () => {
  test('takes every living member once before it begins again', () => {
    const harness = prober('bcdefgh');
    for (let round = 0; round < 4; round++) {
      const names = new Set<string>();
      for (let i = 0; i < 7; i++) {
        harness.advance(1000);
        const packets = harness.sent();
        for (const name of pings(packets)) names.add(name);
        harness.receive(ack(seqNoOf(packets)));
      }
      expect(names.size).toBe(7);
    }
  });

  test('leaves out the dead and those who left, but not suspects', () => {
    const harness = prober('bcd');
    harness.receive(dead('b'), left('c'), suspect('d'));
    harness.drainQueue();
    const names = new Set<string>();
    for (let i = 0; i < 8; i++) {
      harness.advance(1000);
      const packets = harness.sent();
      for (const name of pings(packets)) {
        names.add(name);
        harness.receive(ack(seqNoOf(packets)));
      }
    }
    expect([...names]).toEqual(['node-d']);
  });

  test('forgets the dead and those who left after their time, and not before; never ourselves', () => {
    const harness = prober('bcd', { config: { gossipToTheDeadMs: 5000 } });
    harness.receive(dead('b'), left('c'));
    harness.drainQueue();
    const known = () => harness.core.members({ all: true }).map((member) => member.name);
    const answer = (ms: number) => {
      for (let i = 0; i < ms; i += 100) {
        harness.advance(100);
        for (const packet of harness.sent()) {
          for (const m of packet.messages) if (m.type === 'ping') harness.receive(ack(m.seqNo));
        }
      }
    };
    answer(5000);
    expect(known()).toHaveLength(4);
    answer(4000);
    expect(known().sort()).toEqual(['node-a', 'node-d']);
    harness.run((core, now) => core.leave(now));
    answer(20_000);
    expect(known()).toContain('node-a');
  });

  test('a node alone is never woken', () => {
    const harness = new Harness({ config: { probeIntervalMs: 1000, gossipIntervalMs: 200 } });
    expect(harness.core.nextTimeout()).toBeUndefined();
    harness.receive(alive('b'));
    expect(harness.core.nextTimeout()).toBe(200);
  });

  test('without intervals nothing is scheduled', () => {
    const harness = new Harness();
    harness.receive(alive('b'));
    expect(harness.core.nextTimeout()).toBeUndefined();
  });
});

test('a probe of a suspect tells it, unless that part is switched off', () => {
  const lifeguard = { awareness: true, dynamicSuspicion: true, buddy: false, nacks: true };
  const told = [true, false].map((buddy) => {
    const harness = prober('b', { config: { lifeguard: { ...lifeguard, buddy } } });
    harness.receive(suspect('b', 1));
    harness.drainQueue();
    harness.advance(1000);
    return harness.sent().flatMap(({ messages }) => messages.map((message) => message.type));
  });
  expect(told).toEqual([['ping', 'suspect'], ['ping']]);
});

test('helpers are not asked for nacks when that part is switched off', () => {
  const lifeguard = { awareness: true, dynamicSuspicion: true, buddy: true, nacks: false };
  const harness = prober('bcde', { config: { lifeguard } });
  harness.advance(1500);
  expect(requests(harness.sent())).toMatchObject(new Array(3).fill({ nack: false }));
  harness.advance(500);
  expect(harness.core.healthScore).toBe(1);
});

test('the ping delegate hears of direct answers with their round trip and payload, not of late ones', () => {
  const heard: string[] = [];
  const delegates: Delegates = {
    ping: {
      ackPayload: () => new Uint8Array(0),
      onPingComplete: (member, ms, payload) => {
        heard.push(`${member.name} ${ms} ${payload.length}`);
      },
    },
  };
  const harness = prober('bc', { delegates });
  harness.advance(1020);
  const packets = harness.sent();
  harness.receive({ type: 'ack', seqNo: seqNoOf(packets), payload: Uint8Array.of(1, 2) });
  harness.advance(1780);
  harness.receive(ack(seqNoOf(harness.sent())));
  expect(heard).toEqual([`${pings(packets)[0]} 20 2`]);
});

test('ticks keep their phase', () => {
  expect(nextTick(0, 300, 1000)).toBe(300);
  expect(nextTick(300, 300, 1000)).toBe(1300);
  expect(nextTick(1299, 300, 1000)).toBe(1300);
  expect(nextTick(60_000, 300, 1000)).toBe(60_300);
});
