import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delegates } from '../../src/delegate.ts';
import type { MemberEvent } from '../../src/events.ts';
import type { PacketMessage, PushPullRecord } from '../../src/wire/index.ts';
import {
  ack,
  alive,
  dead,
  Harness,
  type HarnessOptions,
  left,
  ping,
  suspect,
  VERSIONS,
} from './harness.ts';

const MAX = 0xffff_ffff;

function stateIn(harness: Harness, letter: string): string | undefined {
  const member = harness.core.member(`node-${letter}`);
  return member && `${member.state} ${member.incarnation}`;
}

function told(harness: Harness): readonly string[] {
  return harness.events().map(describeEvent);
}

function describeEvent(event: MemberEvent): string {
  if (event.type === 'dropped') return 'dropped';
  return `${event.type} ${event.type === 'conflict' ? event.other.name : event.member.name}`;
}

/** What the core would say with its next packets. */
function rumours(harness: Harness): readonly PacketMessage[] {
  harness.effects();
  harness.receive(ping(1));
  return harness.sent().flatMap(({ messages }) => messages.slice(1));
}

function withNodes(letters: string, options: HarnessOptions = {}): Harness {
  const harness = new Harness(options);
  harness.receive(...[...letters].map((letter) => alive(letter)));
  harness.drainQueue();
  harness.effects();
  return harness;
}

function record(letter: string, state: number, incarnation = 1): PushPullRecord {
  const { node, addr, port, meta, versions } = alive(letter);
  return { name: node, addr, port, meta, versions, incarnation, state };
}

/** Answers for everybody who was pinged, so that the core itself suspects nobody. */
function answerPings(harness: Harness): void {
  for (const { messages } of harness.sent()) {
    for (const message of messages) {
      if (message.type === 'ping') harness.receive(ack(message.seqNo));
    }
  }
}

describe('a sign of life', () => {
  test('of somebody new makes a member, tells the application and is passed on', () => {
    const harness = new Harness();
    harness.drainQueue();
    harness.receive(alive('b', 3));
    expect(told(harness)).toEqual(['join node-b']);
    expect(stateIn(harness, 'b')).toBe('alive 3');
    expect(rumours(harness)).toEqual([alive('b', 3)]);
  });

  test('that is old or known changes nothing', () => {
    const harness = new Harness();
    harness.receive(alive('b', 3));
    harness.drainQueue();
    harness.receive(alive('b', 3), alive('b', 2));
    expect(told(harness)).toEqual([]);
    expect(rumours(harness)).toEqual([]);
  });

  test('ends a suspicion without an event', () => {
    const harness = withNodes('bcd', { config: { probeIntervalMs: 1000 } });
    harness.receive(suspect('b', 1), alive('b', 2));
    expect(told(harness)).toEqual([]);
    expect(stateIn(harness, 'b')).toBe('alive 2');
    harness.run((core, now) => core.handleTimeout(now + 1000));
    expect(stateIn(harness, 'b')).toBe('alive 2');
  });

  test('with new meta data is an update; with a new address of versions alone it is no event', () => {
    const harness = withNodes('b');
    const meta = Uint8Array.of(1, 2);
    harness.receive(alive('b', 2, { meta }));
    expect(told(harness)).toEqual(['update node-b']);
    harness.receive(alive('b', 3, { meta, versions: Uint8Array.of(1, 4, 2, 0, 0, 0) }));
    expect(told(harness)).toEqual([]);
    expect(harness.core.member('node-b')?.meta).toEqual(meta);
    expect(harness.core.member('node-b')?.protocol.pMax).toBe(4);
  });

  test('of a dead member that is newer brings it back', () => {
    const harness = withNodes('b');
    harness.receive(dead('b', 1));
    harness.receive(alive('b', 1));
    expect(stateIn(harness, 'b')).toBe('dead 1');
    harness.receive(alive('b', 2));
    expect(told(harness)).toEqual(['leave node-b', 'join node-b']);
  });

  test('with port 0 stands for our own bind port, also when it is passed on', () => {
    const harness = new Harness({ config: { bindPort: 7000 } });
    harness.drainQueue();
    harness.receive(alive('b', 1, { port: 0 }));
    expect(harness.core.member('node-b')?.address.port).toBe(7000);
    expect(rumours(harness)).toEqual([alive('b', 1, { port: 7000 })]);
  });

  test('of incarnation 0 does not even leave a dead record', () => {
    const harness = new Harness();
    harness.receive(alive('b', 0));
    expect(stateIn(harness, 'b')).toBeUndefined();
    expect(harness.rejected).toEqual(['incarnation_zero']);
  });
});

describe('a sign of life from another address', () => {
  const moved = (incarnation: number) =>
    alive('b', incarnation, { addr: Uint8Array.of(10, 0, 0, 9) });

  test('is a conflict: the known member stays, and everybody concerned is told', () => {
    const conflicts: string[] = [];
    const delegates: Delegates = {
      conflict: {
        onConflict: (existing, other) => {
          conflicts.push(`${existing.address.host} ${other.address.host}`);
        },
      },
    };
    const harness = withNodes('b', { delegates });
    harness.receive(moved(9));
    expect(told(harness)).toEqual(['conflict node-b']);
    expect(conflicts).toEqual(['10.0.0.2 10.0.0.9']);
    expect(stateIn(harness, 'b')).toBe('alive 1');
    expect(harness.count('conflicts')).toBe(1);
  });

  test('is one too when only the form of the address differs', () => {
    const harness = withNodes('b');
    const addr = Uint8Array.from([...new Uint8Array(10), 0xff, 0xff, 10, 0, 0, 2]);
    harness.receive(alive('b', 2, { addr }));
    expect(told(harness)).toEqual(['conflict node-b']);
  });

  test('takes over the name of one who left, at once and even with a lower incarnation', () => {
    const harness = new Harness();
    harness.receive(alive('b', 5), left('b', 5));
    harness.effects();
    harness.receive(moved(1));
    expect(told(harness)).toEqual(['join node-b']);
    expect(stateIn(harness, 'b')).toBe('alive 1');
    expect(harness.core.member('node-b')?.address.host).toBe('10.0.0.9');
  });

  test('takes over the name of one who died, only after the reclaim time', () => {
    const harness = withNodes('b', { config: { deadNodeReclaimMs: 1000 } });
    harness.receive(dead('b', 1));
    harness.now = 1000;
    harness.receive(moved(2));
    expect(stateIn(harness, 'b')).toBe('dead 1');
    harness.now = 1001;
    harness.receive(moved(2));
    expect(stateIn(harness, 'b')).toBe('alive 2');
  });

  test('never takes over the name of one who died when there is no reclaim time', () => {
    const harness = withNodes('b');
    harness.receive(dead('b', 1));
    harness.now = 1e9;
    harness.receive(moved(2));
    expect(stateIn(harness, 'b')).toBe('dead 1');
  });

  test('in our own name is a conflict, and not refuted', () => {
    const harness = new Harness();
    harness.drainQueue();
    harness.receive(alive('a', 9, { addr: Uint8Array.of(10, 0, 0, 9) }));
    expect(told(harness)).toEqual(['conflict node-a']);
    expect(stateIn(harness, 'a')).toBe('alive 1');
    expect(rumours(harness)).toEqual([]);
  });
});

describe('a suspicion', () => {
  test('of a living member is taken and passed on as it came', () => {
    const harness = withNodes('bcd');
    harness.receive(suspect('b', 4, 'node-c'));
    expect(stateIn(harness, 'b')).toBe('suspect 4');
    expect(harness.count('suspectMessages')).toBe(1);
    expect(rumours(harness)).toEqual([suspect('b', 4, 'node-c')]);
  });

  test('that is old, of the dead or of strangers is ignored', () => {
    const harness = withNodes('bc');
    harness.receive(alive('b', 2), dead('c', 1));
    harness.drainQueue();
    harness.receive(suspect('b', 1), suspect('c', 5), suspect('x', 1));
    expect(stateIn(harness, 'b')).toBe('alive 2');
    expect(stateIn(harness, 'c')).toBe('dead 1');
    expect(stateIn(harness, 'x')).toBeUndefined();
    expect(rumours(harness)).toEqual([]);
  });

  test('is passed on again when it comes from somebody new, as long as that matters', () => {
    const harness = withNodes('bcdefg', { config: { probeIntervalMs: 1000 } });
    harness.receive(suspect('b', 1, 'node-c'));
    harness.drainQueue();
    harness.receive(suspect('b', 1, 'node-c'));
    expect(rumours(harness)).toEqual([]);
    harness.receive(suspect('b', 1, 'node-d'));
    expect(rumours(harness)).toEqual([suspect('b', 1, 'node-d')]);
    harness.drainQueue();
    harness.receive(suspect('b', 1, 'node-e'), suspect('b', 1, 'node-f'));
    expect(rumours(harness)).toEqual([suspect('b', 1, 'node-e')]);
  });

  test('that nobody refutes ends in death after its time, which accusers shorten', () => {
    const slow = withNodes('bcdefg', { config: { suspicionMult: 4 } });
    slow.receive(suspect('b'));
    expect(stateIn(slow, 'b')).toBe('suspect 1');
    const config = { probeIntervalMs: 1_000_000, gossipIntervalMs: 0 };
    const one = withNodes('bcdefg', { config });
    one.receive(suspect('b', 1, 'node-c'));
    const two = withNodes('bcdefg', { config });
    two.receive(suspect('b', 1, 'node-c'), suspect('b', 1, 'node-d'));
    const three = withNodes('bcdefg', { config });
    three.receive(suspect('b', 1, 'node-c'), suspect('b', 1, 'node-d'), suspect('b', 1, 'node-e'));
    const ends = [one, two, three].map((harness) => {
      for (let i = 0; i < 10_000 && stateIn(harness, 'b') !== 'dead 1'; i++) {
        harness.advance(10_000);
        answerPings(harness);
      }
      return harness.now;
    });
    expect(ends).toEqual([24_000_000, 11_390_000, 4_000_000]);
    expect([one, two, three].map((harness) => harness.count('degradedTimeouts'))).toEqual([
      1, 1, 0,
    ]);
  });
});

describe('a death', () => {
  test('is taken, told and passed on; a second one or a suspicion changes nothing', () => {
    const harness = withNodes('b');
    harness.receive(dead('b', 1), dead('b', 2), left('b', 2), suspect('b', 3));
    expect(told(harness)).toEqual(['leave node-b']);
    expect(stateIn(harness, 'b')).toBe('dead 1');
    expect(harness.count('deadMessages')).toBe(1);
    expect(rumours(harness)).toEqual([dead('b', 1)]);
  });

  test('in the words of the member itself means that it left', () => {
    const harness = withNodes('b');
    harness.receive(left('b', 1));
    expect(told(harness)).toEqual(['leave node-b']);
    expect(stateIn(harness, 'b')).toBe('left 1');
  });

  test('that is old or of a stranger is ignored', () => {
    const harness = withNodes('b');
    harness.receive(alive('b', 2), dead('b', 1), dead('x', 1));
    expect(stateIn(harness, 'b')).toBe('alive 2');
  });
});

describe('an accusation of ourselves', () => {
  test.each([
    ['suspect', suspect('a', 5)],
    ['dead', dead('a', 5)],
    ['left', left('a', 5)],
    ['alive of an earlier life', alive('a', 5)],
  ])('%s: is refuted with a larger incarnation', (_what, message) => {
    const harness = new Harness();
    harness.receive(message);
    expect(stateIn(harness, 'a')).toBe('alive 6');
    expect(harness.core.healthScore).toBe(1);
    expect(rumours(harness)).toEqual([alive('a', 6)]);
    expect(told(harness)).toEqual([]);
  });

  test('that is old is ignored; so is our own sign of life', () => {
    const harness = new Harness();
    harness.receive(suspect('a', 3));
    harness.receive(suspect('a', 3), dead('a', 2), alive('a', 4));
    expect(stateIn(harness, 'a')).toBe('alive 4');
    expect(harness.core.healthScore).toBe(1);
  });

  test('with our incarnation but other meta data is refuted', () => {
    const harness = new Harness();
    harness.receive(alive('a', 1, { meta: Uint8Array.of(1) }));
    expect(stateIn(harness, 'a')).toBe('alive 2');
  });

  test('with the largest incarnation is counted and logged, and changes nothing', () => {
    const harness = new Harness();
    harness.receive(suspect('a', MAX), dead('a', MAX), alive('a', MAX));
    expect(stateIn(harness, 'a')).toBe('alive 1');
    expect(harness.count('incarnationCeilings')).toBe(3);
    expect(harness.core.healthScore).toBe(0);
  });

  test('one below the largest is refuted, and then the incarnation stays', () => {
    const harness = new Harness();
    harness.receive(suspect('a', MAX - 1));
    expect(stateIn(harness, 'a')).toBe(`alive ${MAX}`);
    harness.run((core, now) => core.update(now));
    expect(stateIn(harness, 'a')).toBe(`alive ${MAX}`);
  });

  test('in a loop costs a few refutations at once, later ones wait and answer the worst', () => {
    const harness = new Harness();
    for (let i = 0; i < 1000; i++) harness.receive(suspect('a', 10 * i + 10));
    expect(harness.count('refutations')).toBe(5);
    expect(stateIn(harness, 'a')).toBe('alive 51');
    harness.advance(1000);
    expect(stateIn(harness, 'a')).toBe('alive 10001');
    expect(harness.count('refutations')).toBe(6);
  });

  test('never makes our incarnation smaller', () => {
    const messages = fc.array(
      fc.record({
        type: fc.constantFrom('suspect' as const, 'dead' as const, 'alive' as const),
        incarnation: fc.oneof(
          fc.integer({ min: 0, max: 20 }),
          fc.integer({ min: MAX - 3, max: MAX }),
        ),
        wait: fc.nat({ max: 3000 }),
        update: fc.boolean(),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(messages, (given) => {
        const harness = new Harness();
        let before = 1;
        for (const { type, incarnation, wait, update } of given) {
          if (type === 'suspect') harness.receive(suspect('a', incarnation));
          else if (type === 'dead') harness.receive(dead('a', incarnation));
          else harness.receive(alive('a', incarnation));
          if (update) harness.run((core, now) => core.update(now));
          harness.advance(wait);
          const { incarnation: after, state } = harness.core.self;
          expect(after).toBeGreaterThanOrEqual(before);
          expect(state).toBe('alive');
          before = after;
        }
      }),
    );
  });
});

describe('about others, the largest incarnation', () => {
  test('is neither stored nor passed on', () => {
    const harness = withNodes('b');
    harness.receive(alive('b', MAX), suspect('b', MAX), dead('b', MAX), alive('x', MAX));
    expect(stateIn(harness, 'b')).toBe('alive 1');
    expect(stateIn(harness, 'x')).toBeUndefined();
    expect(rumours(harness)).toEqual([]);
    expect(harness.rejected).toEqual(new Array(4).fill('incarnation_ceiling'));
  });
});

describe('a full state', () => {
  const merge = (harness: Harness, ...records: PushPullRecord[]) =>
    harness.run((core, now) =>
      core.handlePushPull(
        now,
        { type: 'pushPull', join: false, records, userState: new Uint8Array(0) },
        { join: false, from: { host: '10.0.0.9', port: 7946 } },
      ),
    );

  test('brings in the living, suspects and dead only as suspects, and those who left', () => {
    const harness = withNodes('bcd');
    expect(merge(harness, record('e', 0), record('b', 1), record('c', 2), record('d', 3))).toBe(
      undefined,
    );
    const states = ['b', 'c', 'd', 'e'].map((letter) => stateIn(harness, letter));
    expect(states).toEqual(['suspect 1', 'suspect 1', 'left 1', 'alive 1']);
    expect(rumours(harness)).toContainEqual(suspect('c', 1, 'node-a'));
  });

  test('with unknown states, and dead or suspect strangers, brings nothing', () => {
    const harness = withNodes('b');
    merge(harness, record('b', 9), record('b', -1), record('x', 2), record('y', 1), record('z', 3));
    expect(harness.core.members({ all: true })).toHaveLength(2);
    expect(stateIn(harness, 'b')).toBe('alive 1');
  });

  test('that says the same thing twice is taken once', () => {
    const harness = new Harness();
    harness.effects();
    merge(harness, record('b', 0), record('b', 0));
    expect(told(harness)).toEqual(['join node-b']);
  });

  test('that holds us dead makes us refute: so a restarted node is accepted again', () => {
    const harness = new Harness();
    merge(harness, record('a', 3, 7));
    expect(stateIn(harness, 'a')).toBe('alive 8');
  });

  test('is refused as a whole when versions do not go together', () => {
    const harness = withNodes('b');
    const old = { ...record('c', 0), versions: Uint8Array.of(1, 5, 9, 0, 0, 0) };
    const refusal = merge(harness, record('d', 0), old);
    expect(refusal?.by).toBe('protocol_versions');
    expect(refusal?.text).toMatch(/"node-c" speaks protocol version 9/);
    expect(stateIn(harness, 'd')).toBeUndefined();
  });

  test('is refused when a dead record speaks another delegate version', () => {
    const harness = withNodes('b');
    const serf = { ...record('c', 2), versions: Uint8Array.of(1, 5, 2, 2, 5, 4) };
    expect(merge(harness, serf)?.text).toMatch(/delegate protocol version 4/);
  });
});

describe('the table', () => {
  test('takes no more names than it may', () => {
    const limits = { ...new Harness().config.limits, maxMembers: 3 };
    const harness = new Harness({ config: { limits } });
    harness.receive(alive('b'), alive('c'), alive('d'), alive('e'));
    expect(harness.core.members()).toHaveLength(3);
    expect(harness.rejected).toEqual(['member_limit', 'member_limit']);
  });

  test('takes only members of the allowed networks, from there', () => {
    const harness = new Harness({ config: { cidrsAllowed: ['10.0.0.0/24', '10.9.9.0/24'] } });
    harness.receive(alive('b'), alive('c', 1, { addr: Uint8Array.of(10, 0, 1, 1) }));
    expect(stateIn(harness, 'b')).toBe('alive 1');
    expect(stateIn(harness, 'c')).toBeUndefined();
    expect(harness.rejected).toEqual(['cidr']);
  });
});

describe('an application', () => {
  test('may keep members out', () => {
    const asked: string[] = [];
    const delegates: Delegates = {
      alive: {
        refuseAlive: ({ name }) => {
          asked.push(name);
          return name === 'node-b' ? 'not welcome' : undefined;
        },
      },
    };
    const harness = new Harness({ delegates });
    harness.receive(alive('b'), alive('c'), alive('c'));
    expect(stateIn(harness, 'b')).toBeUndefined();
    expect(stateIn(harness, 'c')).toBe('alive 1');
    expect(asked).toEqual(['node-a', 'node-b', 'node-c', 'node-c']);
    expect(harness.rejected).toEqual(['alive_delegate']);
  });

  test('may keep ourselves out, and nothing breaks', () => {
    const delegates: Delegates = {
      alive: { refuseAlive: ({ name }) => (name === 'node-a' ? 'no' : undefined) },
    };
    const harness = new Harness({ delegates });
    harness.receive(alive('b'), suspect('a', 3), alive('a', 3));
    expect(harness.core.self.state).toBe('dead');
    const id = harness.run((core, now) => core.leave(now));
    expect(harness.effects()).toContainEqual({ type: 'spread', id });
    expect(harness.core.members()).toHaveLength(1);
  });

  test('that throws is noted, and the protocol goes on', () => {
    const fail = (): never => {
      throw new RangeError('broken');
    };
    const delegates: Delegates = {
      delegate: {
        nodeMeta: () => new Uint8Array(0),
        onMessage: fail,
        broadcasts: fail,
        localState: fail,
        mergeRemoteState: fail,
      },
      ping: { ackPayload: fail, onPingComplete: fail },
    };
    const harness = new Harness({ delegates });
    harness.receive({ type: 'user', payload: Uint8Array.of(1) }, ping(1));
    const state = harness.run((core, now) => core.localState(now, true));
    expect(state.userState).toHaveLength(0);
    expect(harness.sent()).toHaveLength(1);
    expect(harness.count('delegateFailures')).toBe(4);
  });

  test('that calls back into the protocol fails at once', () => {
    const holder: { harness?: Harness } = {};
    const delegates: Delegates = {
      delegate: {
        nodeMeta: () => new Uint8Array(0),
        onMessage: () => {
          holder.harness?.core.leave(0);
        },
        broadcasts: () => [],
        localState: () => new Uint8Array(0),
        mergeRemoteState: () => {},
      },
    };
    const harness = new Harness({ delegates });
    holder.harness = harness;
    harness.receive({ type: 'user', payload: Uint8Array.of(1) });
    expect(harness.core.self.state).toBe('alive');
    expect(harness.count('delegateFailures')).toBe(1);
  });
});

describe('leaving and updating', () => {
  test('a good-bye is done when it has been sent as often as it should', () => {
    const harness = withNodes('b');
    const id = harness.run((core, now) => core.leave(now));
    expect(told(harness)).toEqual(['leave node-a']);
    expect(harness.core.self.state).toBe('left');
    for (let i = 0; i < 3; i++) harness.receive(ping(1));
    expect(harness.effects().filter((effect) => effect.type === 'spread')).toEqual([]);
    harness.receive(ping(1));
    expect(harness.effects()).toContainEqual({ type: 'spread', id });
  });

  test('a good-bye to nobody, and a second one, are done at once', () => {
    const harness = new Harness();
    expect(harness.run((core, now) => core.leave(now))).toBeUndefined();
    expect(harness.run((core, now) => core.leave(now))).toBeUndefined();
  });

  test('after a good-bye nothing said of us brings us back', () => {
    const harness = withNodes('b');
    harness.run((core, now) => core.leave(now));
    harness.receive(alive('a', 9), suspect('a', 9), dead('a', 9));
    expect(harness.core.self.state).toBe('left');
  });

  test('an update that a newer one overtakes is done too', () => {
    const harness = withNodes('b');
    const first = harness.run((core, now) => core.update(now));
    const second = harness.run((core, now) => core.update(now));
    const done = () =>
      harness.effects().flatMap((effect) => (effect.type === 'spread' ? [effect.id] : []));
    expect(done()).toEqual([first]);
    harness.drainQueue();
    expect(second).not.toBe(first);
  });

  test('an update carries the new meta data under a new incarnation', () => {
    let meta = Uint8Array.of(1);
    const delegates: Delegates = {
      delegate: {
        nodeMeta: () => meta,
        onMessage: () => {},
        broadcasts: () => [],
        localState: () => new Uint8Array(0),
        mergeRemoteState: () => {},
      },
    };
    const harness = withNodes('b', { delegates });
    meta = Uint8Array.of(2);
    harness.run((core, now) => core.update(now));
    expect(told(harness)).toEqual(['update node-a']);
    expect(rumours(harness)).toEqual([alive('a', 2, { meta, versions: VERSIONS })]);
  });
});
