import { describe, expect, test } from 'vitest';
import { fromHex, vectors } from '../vectors/load.ts';
import { ack, alive, Harness, ping } from './harness.ts';

const packets = vectors('hostile/').filter(({ input: { via, config } }) => {
  return via === 'packet' && !JSON.stringify(config).includes('keyText');
});

/** Where we must not do what the reference does, and what we have instead (G-33, G-34, G-35). */
const STRICTER: Readonly<Record<string, string>> = {
  'hostile/alive-vsn-len-1': 'bad_vsn',
  'hostile/alive-vsn-len-3': 'bad_vsn',
  'hostile/alive-vsn-nil': 'bad_vsn',
  'hostile/alive-vsn-len-7': 'bad_vsn',
  'hostile/alive-empty-name': 'bad_name',
  'hostile/alive-nil-addr': 'bad_addr',
  'hostile/alive-inc-0-new-node': 'incarnation_zero',
  'hostile/suspect-self-inc-max': '',
};

interface NodeAfter {
  readonly Name: string;
  readonly Incarnation: number;
  readonly State: number;
}

function nodesAfter(input: Readonly<Record<string, unknown>>): readonly NodeAfter[] | undefined {
  const { referenceB } = input;
  if (typeof referenceB !== 'object' || referenceB === null) return undefined;
  const found: { readonly nodesAfter?: readonly NodeAfter[] } = referenceB;
  return found.nodesAfter;
}

describe('bad packets are survived, and taken as the reference takes them or not at all', () => {
  test.each(packets.map((vector) => [vector.name, vector] as const))('%s', (name, vector) => {
    const label = JSON.stringify(vector.input).includes('"label":"a"') ? 'a' : '';
    const harness = new Harness({ config: { label } });
    const { thenPackets } = vector.input;
    const later = Array.isArray(thenPackets) ? thenPackets.map(String) : [];
    for (const hex of [vector.hex, ...later]) harness.packet(fromHex(hex));
    const states = ['alive', 'suspect', 'dead', 'left'];
    const table = harness.core
      .members({ all: true })
      .map((member) => `${member.name} ${member.incarnation} ${states.indexOf(member.state)}`);
    const stricter = STRICTER[name];
    if (stricter !== undefined) {
      expect(table).toEqual(['node-a 1 0']);
      if (stricter !== '') expect(harness.rejected).toEqual([stricter]);
      return;
    }
    const after = nodesAfter(vector.input);
    const expected = after?.map((node) => `${node.Name} ${node.Incarnation} ${node.State}`);
    expect(new Set(table)).toEqual(new Set(expected ?? ['node-a 1 0']));
  });
});

test('acks with guessed numbers are counted and change nothing', () => {
  const harness = new Harness({ config: { probeIntervalMs: 1000 } });
  harness.receive(alive('b'));
  harness.drainQueue();
  harness.rejected.length = 0;
  for (let seqNo = 1000; seqNo < 2000; seqNo++) harness.receive(ack(seqNo));
  expect(harness.rejected).toEqual(new Array(1000).fill('unknown_ack'));
  expect(harness.core.healthScore).toBe(0);
});

test('thousands of fake members fill the table only up to its limit, and are forgotten', () => {
  const limits = { ...new Harness().config.limits, maxMembers: 500 };
  const harness = new Harness({
    config: { limits, probeIntervalMs: 1000, gossipToTheDeadMs: 1000, indirectChecks: 0 },
  });
  for (let i = 0; i < 3000; i++) harness.receive(alive('b', 1, { node: `fake-${i}` }));
  expect(harness.core.members({ all: true })).toHaveLength(500);
  expect(harness.core.queuedBroadcasts).toBeLessThanOrEqual(500);
  expect(harness.rejected.filter((reason) => reason === 'member_limit')).toHaveLength(2501);
});

test('conflicts in a row are counted, but logged once in a while only', () => {
  const harness = new Harness();
  harness.receive(alive('b'));
  for (let i = 0; i < 500; i++) {
    harness.receive(alive('b', 2 + i, { addr: Uint8Array.of(10, 1, i >> 8, i & 255) }));
  }
  expect(harness.count('conflicts')).toBe(500);
  expect(harness.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  harness.now = 10_000;
  harness.receive(alive('b', 9, { addr: Uint8Array.of(10, 2, 0, 1) }));
  expect(harness.log.lines.at(-1)?.fields).toMatchObject({ suppressed: 499 });
});

test('pings with forged sources make us send one small packet each, no more', () => {
  const harness = new Harness();
  harness.drainQueue();
  for (let i = 0; i < 100; i++) harness.receive(ping(i));
  expect(harness.sent().map(({ bytes }) => bytes.length > 20)).toEqual(new Array(100).fill(false));
});

test('every cut and every flipped bit of a good packet is survived', () => {
  const seedPackets = vectors('flow/').map(({ hex }) => fromHex(hex));
  const harness = new Harness({ config: { probeIntervalMs: 1000, gossipIntervalMs: 200 } });
  for (const bytes of seedPackets) {
    for (let end = 0; end < Math.min(bytes.length, 300); end++) {
      harness.packet(bytes.subarray(0, end));
      const flipped = bytes.slice(0, 300);
      flipped[end] = (flipped[end] ?? 0) ^ (1 << (end % 8));
      harness.packet(flipped);
      harness.advance(1);
    }
  }
  expect(harness.core.self.state).toBe('alive');
  for (const { protocol } of harness.core.members({ all: true })) {
    expect(protocol.pMin).toBeGreaterThanOrEqual(1);
    expect(protocol.pMax).toBeGreaterThanOrEqual(protocol.pMin);
  }
});
