import { describe, expect, test } from 'vitest';
import type { Delegate } from '../../src/delegate.ts';
import { alive, dead, Harness, left } from './harness.ts';

const GOSSIP = { gossipIntervalMs: 200 };

function delegate(waiting: Uint8Array[]): Delegate {
  return {
    nodeMeta: () => new Uint8Array(0),
    onMessage: () => {},
    broadcasts: () => waiting.slice(0, 1),
    localState: () => new Uint8Array(0),
    mergeRemoteState: () => {},
  };
}

/** A core with one other member, whose application has these messages to send. */
function gossiping(waiting: Uint8Array[]): Harness {
  const harness = new Harness({ config: GOSSIP, delegates: { delegate: delegate(waiting) } });
  harness.receive(alive('b'));
  return harness;
}

describe('gossip', () => {
  test('goes to so many different members at each tick, until it was sent as often as it should', () => {
    const harness = new Harness({ config: GOSSIP });
    harness.receive(...[...'bcdefgh'].map((letter) => alive(letter)));
    harness.effects();
    harness.advance(200);
    const targets = harness.sent().map((packet) => packet.to);
    expect(new Set(targets).size).toBe(3);
    harness.advance(10_000);
    const perMessage = harness.sent().length + 3;
    expect(perMessage).toBe(4);
    expect(harness.core.queuedBroadcasts).toBe(0);
  });

  test('with nothing to say sleeps, and keeps its phase when there is something again', () => {
    const harness = new Harness({ config: GOSSIP });
    harness.receive(alive('b'));
    harness.advance(2000);
    expect(harness.core.nextTimeout()).toBeUndefined();
    harness.advance(130);
    harness.receive(alive('c'));
    expect(harness.core.nextTimeout()).toBe(2200);
  });

  test('of the application does not wait for the tick when it was quiet', () => {
    const waiting: Uint8Array[] = [];
    const harness = gossiping(waiting);
    harness.advance(2130);
    harness.receive(alive('c'));
    expect(harness.core.nextTimeout()).toBe(2200);
    waiting.push(Uint8Array.of(1));
    harness.run((core, now) => core.notifyBroadcasts(now));
    expect(harness.core.nextTimeout()).toBe(2130);
  });

  test('of the application does not wait for the repetition of older news either, and takes its round from the repetitions', () => {
    const waiting = [Uint8Array.of(1)];
    const harness = gossiping(waiting);
    harness.drainQueue();
    harness.advance(2000);
    harness.run((core, now) => core.notifyBroadcasts(now));
    harness.advance(250);
    expect(harness.core.nextTimeout()).toBe(2400);
    harness.run((core, now) => core.notifyBroadcasts(now));
    expect(harness.core.nextTimeout()).toBe(2250);
    harness.advance(0);
    expect(harness.core.nextTimeout()).toBe(2600);
  });

  test('about members never waits for rounds that news of the application has taken', () => {
    const waiting = [Uint8Array.of(1)];
    const harness = gossiping(waiting);
    harness.drainQueue();
    harness.advance(2000);
    for (const wait of [0, 250]) {
      harness.advance(wait);
      harness.run((core, now) => core.notifyBroadcasts(now));
      harness.advance(0);
    }
    expect(harness.core.nextTimeout()).toBe(2600);
    harness.receive(alive('c'));
    expect(harness.core.nextTimeout()).toBe(2450);
  });

  test('has one round an interval on average, however fast news comes', () => {
    const waiting = [Uint8Array.of(1)];
    const harness = gossiping(waiting);
    harness.drainQueue();
    harness.advance(2000);
    const before = harness.core.gossipRounds;
    for (let at = 0; at < 20_000; at += 130) {
      harness.run((core, now) => core.notifyBroadcasts(now));
      harness.advance(130);
      const rounds = harness.core.gossipRounds - before;
      expect(rounds).toBeLessThanOrEqual((at + 130) / GOSSIP.gossipIntervalMs + 2);
    }
    expect(harness.core.gossipRounds - before).toBeGreaterThanOrEqual(99);
  });

  test('never has rounds with news closer than its interval, whatever the application has to say', () => {
    const waiting = [Uint8Array.of(1)];
    const harness = gossiping(waiting);
    harness.drainQueue();
    harness.advance(2000);
    harness.run((core, now) => core.notifyBroadcasts(now));
    harness.advance(0);
    harness.effects();
    for (let at = 2010; at < 2200; at += 10) {
      harness.advance(10);
      harness.run((core, now) => core.notifyBroadcasts(now));
      expect(harness.core.nextTimeout()).toBe(2200);
    }
    expect(harness.sent()).toHaveLength(0);
  });

  test('is not held back by a round that found nothing to send', () => {
    const waiting: Uint8Array[] = [];
    const harness = gossiping(waiting);
    harness.advance(2000);
    harness.effects();
    harness.receive({ type: 'user', payload: Uint8Array.of(7) });
    harness.advance(210);
    expect(harness.sent()).toHaveLength(0);
    waiting.push(Uint8Array.of(1));
    harness.run((core, now) => core.notifyBroadcasts(now));
    expect(harness.core.nextTimeout()).toBe(2210);
  });

  test('that nobody may be sent to is tried again at the next interval', () => {
    const waiting = [Uint8Array.of(1)];
    const harness = new Harness({ config: GOSSIP, delegates: { delegate: delegate(waiting) } });
    harness.receive(alive('b'), alive('c'), left('b'), left('c'));
    harness.advance(2000);
    harness.run((core, now) => core.notifyBroadcasts(now));
    harness.advance(50);
    expect(harness.core.nextTimeout()).toBe(2200);
  });

  test('of a node that is about to leave goes out at once, then four times as often, and no more of it', () => {
    const waiting = [Uint8Array.of(1)];
    const harness = gossiping(waiting);
    harness.advance(2030);
    harness.drainQueue();
    harness.effects();
    harness.run((core, now) => core.hasten(now));
    expect(harness.core.nextTimeout()).toBe(2030);
    harness.advance(0);
    expect(harness.sent()).toHaveLength(1);
    harness.advance(1000);
    expect(harness.sent()).toHaveLength(20);
    harness.run((core, now) => core.hasten(now));
    expect(harness.core.nextTimeout()).toBe(3080);
  });

  test('of the application wakes it when it says so, and goes on while it has more', () => {
    const waiting: Uint8Array[] = [];
    const harness = gossiping(waiting);
    harness.advance(2000);
    expect(harness.core.nextTimeout()).toBeUndefined();
    waiting.push(Uint8Array.of(1));
    harness.run((core, now) => core.notifyBroadcasts(now));
    harness.effects();
    harness.advance(1000);
    expect(harness.sent()).toHaveLength(6);
    waiting.length = 0;
    harness.advance(1000);
    expect(harness.sent()).toHaveLength(0);
    expect(harness.core.nextTimeout()).toBeUndefined();
  });

  test('is looked for after a user message, which may have queued something', () => {
    const waiting: Uint8Array[] = [];
    const harness = gossiping(waiting);
    harness.advance(2000);
    harness.receive({ type: 'user', payload: Uint8Array.of(7) });
    expect(harness.core.nextTimeout()).toBe(2200);
  });

  test('reaches the dead within their time and not after, and never those who left', () => {
    const config = { ...GOSSIP, gossipToTheDeadMs: 1000, retransmitMult: 100 };
    const harness = new Harness({ config });
    harness.receive(alive('b'), alive('c'), dead('b'), left('c'));
    harness.effects();
    harness.advance(1000);
    const early = harness.sent().map((packet) => packet.to);
    expect(new Set(early)).toEqual(new Set(['10.0.0.2:7946']));
    expect(early).toHaveLength(5);
    harness.advance(1000);
    expect(harness.sent()).toEqual([]);
  });

  test('fills each packet up to its budget and leaves the rest for the next', () => {
    const harness = new Harness({ config: GOSSIP, maxPacketBytes: 200 });
    harness.receive(...[...'bcdefgh'].map((letter) => alive(letter)));
    harness.effects();
    harness.advance(200);
    for (const { bytes, messages } of harness.sent()) {
      expect(bytes.length).toBeLessThanOrEqual(200 + 7);
      expect(messages.length).toBe(3);
    }
  });
});
