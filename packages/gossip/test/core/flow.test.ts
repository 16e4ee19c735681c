import { describe, expect, test } from 'vitest';
import type { Delegate } from '../../src/delegate.ts';
import { encodeMessage, encodeStreamMessage, StreamDecoder } from '../../src/wire/index.ts';
import { fromHex, toHex, vector } from '../vectors/load.ts';
import { ack, alive, Harness, type HarnessOptions, ipBytes, ping, suspect } from './harness.ts';

const PING_42 = ping(42);

/** A delegate that hands out once what lies in `waiting`, and notes how it was asked. */
function broadcaster(): {
  readonly delegate: Delegate;
  readonly waiting: string[];
  readonly calls: string[];
} {
  const calls: string[] = [];
  const waiting: string[] = [];
  const delegate: Delegate = {
    nodeMeta: () => new Uint8Array(0),
    onMessage: () => {},
    broadcasts: (overhead, limit) => {
      calls.push(`${overhead}/${limit}`);
      return waiting.splice(0).map((text) => new TextEncoder().encode(text));
    },
    localState: () => new TextEncoder().encode('STATE'),
    mergeRemoteState: () => {},
  };
  return { delegate, waiting, calls };
}

function withMeta(meta: string): Delegate {
  return { ...broadcaster().delegate, nodeMeta: () => new TextEncoder().encode(meta) };
}

function packetIn(name: string): Uint8Array {
  const { packetIn: hex } = vector(name).input;
  return fromHex(String(hex));
}

/** A core that has nothing left to say. */
function quiet(options: HarnessOptions = {}): Harness {
  const harness = new Harness(options);
  harness.drainQueue();
  return harness;
}

function sentHex(harness: Harness): readonly string[] {
  return harness.sent().map((packet) => toHex(packet.bytes));
}

describe('what the core sends is what the reference sends, byte for byte', () => {
  test('flow/ack-with-piggyback: to the source that the ping names', () => {
    const harness = new Harness({ delegates: { delegate: withMeta('zone-a') } });
    harness.packet(packetIn('flow/ack-with-piggyback'));
    const [sent] = harness.sent();
    expect(toHex(sent?.bytes ?? new Uint8Array(0))).toBe(vector('flow/ack-with-piggyback').hex);
    expect(sent?.to).toBe('10.0.0.2:7946');
  });

  test('flow/ack-alone: once the queue is empty', () => {
    const harness = quiet();
    harness.packet(packetIn('flow/ack-alone'));
    expect(sentHex(harness)).toEqual([vector('flow/ack-alone').hex]);
  });

  test('flow/ack-with-user-broadcasts: in the room that is left, each a part of its own', () => {
    const { delegate, waiting, calls } = broadcaster();
    const harness = quiet({ delegates: { delegate } });
    calls.length = 0;
    waiting.push('hello', 'world!');
    harness.packet(packetIn('flow/ack-with-user-broadcasts'));
    expect(calls).toEqual(['3/1380']);
    expect(sentHex(harness)).toEqual([vector('flow/ack-with-user-broadcasts').hex]);
  });

  test('flow/indirect-forwarded-ping: with a number and source of our own', () => {
    const harness = quiet();
    harness.packet(packetIn('flow/indirect-forwarded-ping'));
    const [sent] = harness.sent();
    expect(sent?.to).toBe('10.0.0.3:7946');
    expect(toHex(sent?.bytes ?? new Uint8Array(0))).toBe(
      vector('flow/indirect-forwarded-ping').hex,
    );
  });

  test('flow/nack: when the target stays silent for our own probe timeout', () => {
    const harness = quiet();
    harness.packet(packetIn('flow/indirect-forwarded-ping'));
    harness.effects();
    harness.advance(499);
    expect(harness.sent()).toEqual([]);
    harness.advance(1);
    const [sent] = harness.sent();
    expect(sent?.to).toBe('10.0.0.9:7947');
    expect(toHex(sent?.bytes ?? new Uint8Array(0))).toBe(vector('flow/nack').hex);
  });

  test('flow/user-besteffort-crc: with a checksum for a member of protocol 5', () => {
    const harness = quiet();
    harness.receive(alive('b'));
    harness.effects();
    const [to] = harness.core.members().filter((member) => member.name === 'node-b');
    harness.run((core, now) => to && core.sendUserMessage(now, to, new TextEncoder().encode('hi')));
    expect(sentHex(harness)).toEqual([vector('flow/user-besteffort-crc').hex]);
  });

  test('flow/user-toaddress-nocrc: without a checksum for somebody unknown', () => {
    const harness = quiet();
    const to = { ...harness.core.self, name: 'stranger' };
    harness.run((core, now) => core.sendUserMessage(now, to, new TextEncoder().encode('hi')));
    expect(sentHex(harness)).toEqual([vector('flow/user-toaddress-nocrc').hex]);
  });

  test('flow/pushpull-response: our state without the joiner, the join flag echoed', () => {
    const harness = quiet({ delegates: { delegate: withMeta('zone-a') } });
    harness.receive(alive('b'));
    const state = harness.run((core, now) => core.localState(now, true));
    expect(toHex(encodeStreamMessage(state, { compress: false }))).toBe(
      vector('flow/pushpull-response').hex,
    );
  });

  test('flow/tcp-ping-ack: never with a payload', () => {
    const delegates = {
      ping: { ackPayload: () => new TextEncoder().encode('no'), onPingComplete: () => {} },
    };
    const harness = quiet({ delegates });
    const decoder = new StreamDecoder({ expectLabel: true, label: '', skipLabelCheck: false });
    const { streamIn } = vector('flow/tcp-ping-ack').input;
    const request = decoder.push(fromHex(String(streamIn)));
    if (request.type !== 'message' || request.message.type !== 'ping') throw new RangeError('no');
    const answer = harness.core.streamPingAnswer(request.message);
    expect(answer && toHex(encodeStreamMessage(answer, { compress: false }))).toBe(
      vector('flow/tcp-ping-ack').hex,
    );
  });

  test('flow/ack-with-leave: the good-bye takes the place of our sign of life', () => {
    const harness = new Harness();
    harness.run((core, now) => core.leave(now));
    harness.receive(PING_42);
    expect(sentHex(harness)).toEqual([vector('flow/ack-with-leave').hex]);
  });

  test('flow/ack-with-payload: what the ping delegate says rides on the ack', () => {
    const delegates = {
      ping: { ackPayload: () => new TextEncoder().encode('rttpayload'), onPingComplete: () => {} },
    };
    const harness = quiet({ delegates });
    harness.packet(packetIn('flow/ack-with-payload'));
    expect(sentHex(harness)).toEqual([vector('flow/ack-with-payload').hex]);
  });

  test('flow/probe-ping: the first probe of a living member', () => {
    const harness = quiet({ config: { probeIntervalMs: 1000 } });
    harness.receive(alive('c'));
    harness.drainQueue();
    harness.advance(1000);
    const [sent] = harness.sent();
    expect(sent?.to).toBe('10.0.0.3:7946');
    expect(toHex(sent?.bytes ?? new Uint8Array(0))).toBe(vector('flow/probe-ping').hex);
  });

  test('flow/tcp-fallback-ping: the same ping again over a stream', () => {
    const harness = quiet({ config: { probeIntervalMs: 1000 } });
    harness.receive(alive('c'));
    harness.drainQueue();
    harness.advance(1500);
    const [ping] = harness.effects().filter((effect) => effect.type === 'streamPing');
    expect(ping && toHex(encodeStreamMessage(ping.message, { compress: false }))).toBe(
      vector('flow/tcp-fallback-ping').hex,
    );
  });

  test('flow/probe-suspect: the ping and our accusation, checksummed, with nothing else', () => {
    const harness = quiet({ config: { probeIntervalMs: 1000 } });
    harness.receive(alive('b'), suspect('b'));
    harness.advance(1000);
    const [sent] = harness.sent();
    expect(sent?.to).toBe('10.0.0.2:7946');
    expect(toHex(sent?.bytes ?? new Uint8Array(0))).toBe(vector('flow/probe-suspect').hex);
  });

  test('flow/refute: a newer sign of life takes the place of the old one', () => {
    const harness = new Harness();
    harness.receive(suspect('a', 5));
    harness.receive(PING_42);
    expect(sentHex(harness)).toEqual([vector('flow/refute').hex]);
  });

  test('flow/gossip-single: one message is not wrapped', () => {
    const { delegate, waiting, calls } = broadcaster();
    const harness = quiet({ config: { gossipIntervalMs: 200 }, delegates: { delegate } });
    harness.receive(alive('b'));
    harness.drainQueue();
    waiting.push('solo');
    calls.length = 0;
    harness.run((core, now) => core.notifyBroadcasts(now));
    harness.advance(0);
    expect(sentHex(harness)).toEqual([vector('flow/gossip-single').hex]);
    expect(calls).toEqual(['3/1398']);
  });

  test('flow/gossip-large-split-small: what does not fit a compound goes alone and first', () => {
    const { delegate, waiting } = broadcaster();
    const harness = quiet({
      config: { gossipIntervalMs: 200 },
      delegates: { delegate },
      maxPacketBytes: 10 * 1024 * 1024,
    });
    harness.receive(alive('b'));
    harness.drainQueue();
    waiting.push('L'.repeat(65_535), 'small');
    harness.run((core, now) => core.notifyBroadcasts(now));
    harness.advance(200);
    const [large, small] = harness.sent();
    expect(large?.messages).toMatchObject([{ type: 'user' }]);
    expect(toHex(small?.bytes ?? new Uint8Array(0))).toBe(
      vector('flow/gossip-large-split-small').hex,
    );
  });

  test('flow/gossip-crc and -nocrc-pmax4: a checksum only for members that understand it', () => {
    const versions = Uint8Array.of(1, 4, 2, 0, 0, 0);
    const old = new Harness({ config: { gossipIntervalMs: 200 } });
    old.receive(alive('b', 1, { versions }));
    old.advance(200);
    expect(sentHex(old)).toEqual([vector('flow/gossip-nocrc-pmax4').hex]);

    const fresh = new Harness({ config: { gossipIntervalMs: 200 } });
    fresh.receive(alive('b'));
    fresh.advance(200);
    const [hex] = sentHex(fresh);
    expect(hex?.slice(0, 2)).toBe('0c');
    expect(hex?.slice(10)).toBe(
      vector('flow/gossip-nocrc-pmax4').hex.replace('a6010402000000', 'a6010502000000'),
    );
  });

  test('flow/uncompressed-packet and -compressed-crc-packet: compressed only when that is shorter', () => {
    const harness = quiet({ config: { compression: true } });
    harness.receive(alive('b'));
    harness.effects();
    const to = harness.core.member('node-b') ?? harness.core.self;
    const send = (message: string): void =>
      harness.run((core, now) => core.sendUserMessage(now, to, new TextEncoder().encode(message)));
    send('short');
    expect(sentHex(harness).map((hex) => hex.slice(10))).toEqual([
      vector('flow/uncompressed-packet').hex,
    ]);
    const { message } = vector('flow/compressed-crc-packet').input;
    send(String(message));
    expect(sentHex(harness)).toEqual([vector('flow/compressed-crc-packet').hex]);
  });

  test('flow/label-packet: every packet carries the label', () => {
    const harness = new Harness({ config: { label: 'prod' } });
    const to = { ...harness.core.self, name: 'stranger' };
    harness.run((core, now) => core.sendUserMessage(now, to, new TextEncoder().encode('x')));
    expect(sentHex(harness)).toEqual([vector('flow/label-packet').hex]);
  });
});

test('a relayed ack carries the number of the asker and no payload', () => {
  const harness = quiet();
  harness.packet(packetIn('flow/indirect-forwarded-ping'));
  harness.effects();
  harness.receive({ type: 'ack', seqNo: 1, payload: new TextEncoder().encode('secret') });
  const [sent] = harness.sent();
  expect(sent?.to).toBe('10.0.0.9:7947');
  expect(sent?.messages).toEqual([ack(7)]);
  harness.advance(1000);
  expect(harness.sent()).toEqual([]);
});

test('a relayed ping to port 0 goes to our own bind port', () => {
  const harness = quiet({ config: { bindPort: 7000 } });
  harness.packet(
    encodeMessage({
      type: 'indirectPing',
      seqNo: 1,
      target: ipBytes('10.0.0.3'),
      port: 0,
      node: 'node-c',
      nack: false,
      sourceAddr: undefined,
      sourcePort: 0,
      sourceNode: '',
    }),
  );
  expect(harness.sent().map((packet) => packet.to)).toEqual(['10.0.0.3:7000']);
});
