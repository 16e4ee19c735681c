import {
  buildPackets,
  COMPOUND_HEADER_OVERHEAD,
  COMPOUND_PART_OVERHEAD,
  DEFAULT_WIRE_LIMITS,
  type DecodedPacket,
  decodePacket,
  encodeMessage,
  labelHeader,
  labelOverhead,
  type PacketMessage,
  USER_PART_OVERHEAD,
} from '@ml/gossip/wire';
import { crc32 } from '@ml/runtime/hash';
import { snappyEncode } from '@ml/runtime/snappy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, inputOf, toHex, vector, vectors } from '../vectors/load.ts';
import { packetMessage } from './arbitraries.ts';
import { noise } from './noise.ts';
import { rows } from './records.ts';

const plain = { label: '', compress: false, crc: false };
const open = { label: '', skipLabelCheck: false };

const user = (payload: Uint8Array): Uint8Array => encodeMessage({ type: 'user', payload });
const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const read = (hex: string): DecodedPacket => decodePacket(fromHex(hex), open);
const reasons = (packet: DecodedPacket): string[] => packet.faults.map((fault) => fault.reason);

function compressMessage(algorithm: number, body: Uint8Array): Uint8Array {
  const length = Uint8Array.of(0xdb, 0, body.length >>> 16, body.length >>> 8, body.length);
  const head = fromHex(`0982a4416c676f${algorithm.toString(16).padStart(2, '0')}a3427566`);
  return Uint8Array.from(Buffer.concat([head, length, body]));
}

function compound(...parts: readonly Uint8Array[]): Uint8Array {
  const lengths = parts.flatMap((part) => [part.length >>> 8, part.length & 255]);
  return Uint8Array.from(Buffer.concat([Uint8Array.of(7, parts.length, ...lengths), ...parts]));
}

describe('buildPackets', () => {
  const parts = (name: string): Uint8Array[] => {
    const list = inputOf(vector(name), 'parts');
    return Array.isArray(list) ? list.map((part) => fromHex(String(part))) : [];
  };

  it('writes the compound of the reference', () => {
    const packets = buildPackets(parts('encode/compound/three-user'), plain);
    expect(packets.map(toHex)).toEqual([vector('encode/compound/three-user').hex]);
  });

  it.each(['encode/compound/three-user', 'encode/compound/one', 'encode/compound/empty'])(
    'reads the parts of the compound of the reference: %s',
    (name) => {
      const { messages, faults } = read(vector(name).hex);
      expect(faults).toEqual([]);
      expect(messages.map((message) => toHex(encodeMessage(message)))).toEqual(
        parts(name).map(toHex),
      );
    },
  );

  it('gives no packet for no message and a bare one for a single message', () => {
    expect(buildPackets([], plain)).toEqual([]);
    expect(buildPackets([user(text('solo'))], plain).map(toHex)).toEqual([
      toHex(user(text('solo'))),
    ]);
  });

  it('leads with the checksum of the reference when the receiver understands it', () => {
    const packets = buildPackets([user(text('solo'))], { ...plain, crc: true });
    expect(packets.map(toHex)).toEqual([vector('flow/gossip-single').hex]);
  });

  it('leads with the label of the reference', () => {
    const packets = buildPackets([user(text('x'))], { ...plain, label: 'prod' });
    expect(packets.map(toHex)).toEqual([vector('flow/label-packet').hex]);
  });

  it('sends what is too long for a compound alone and first, and the single rest as a compound', () => {
    const [large, small, ...none] = buildPackets(
      [user(text('small')), user(new Uint8Array(65_535).fill(0x4c))],
      { ...plain, crc: true },
    );
    expect(none).toEqual([]);
    expect(large).toHaveLength(5 + 65_536);
    expect(toHex(small ?? text(''))).toBe(vector('flow/gossip-large-split-small').hex);
  });

  it.each([
    [0, [3]],
    [0, [3, 5]],
    [1, [7]],
    [2, [0, 9, 100]],
    [0, [65_534, 1]],
    [1, [65_535, 65_536]],
    [200, Array.from({ length: 56 }, (_, i) => i)],
  ])('writes %i messages and payloads of %j bytes as if all were messages', (count, sizes) => {
    const messages = Array.from({ length: count }, (_, i) => user(text(`message ${i}`)));
    const payloads = sizes.map((size, i) => new Uint8Array(size).fill(i));
    for (const options of [plain, { ...plain, crc: true, compress: true, label: 'prod' }]) {
      const packets = buildPackets(messages, options, payloads);
      expect(packets).toEqual(buildPackets([...messages, ...payloads.map(user)], options));
    }
  });

  it('keeps a message of exactly 65,535 bytes in the compound', () => {
    const packets = buildPackets([user(new Uint8Array(65_534)), user(text('a'))], plain);
    expect(packets).toHaveLength(1);
    expect(decodePacket(packets[0] ?? text(''), open).messages).toHaveLength(2);
  });

  it.each([
    [255, [255]],
    [256, [255, 1]],
    [600, [255, 255, 90]],
  ])('splits %i messages into compounds of %j', (count, sizes) => {
    const packets = buildPackets(
      Array.from({ length: count }, (_, i) => user(text(`${i}`))),
      plain,
    );
    expect(packets.map((packet) => packet[1])).toEqual(sizes);
    const payloads = packets
      .flatMap((packet) => decodePacket(packet, open).messages)
      .map((message) => (message.type === 'user' ? Buffer.from(message.payload).toString() : '?'));
    expect(payloads).toEqual(Array.from({ length: count }, (_, i) => `${i}`));
  });

  it('compresses as the reference, then adds the checksum', () => {
    const expected = vector('flow/compressed-crc-packet');
    const message = user(text(String(inputOf(expected, 'message'))));
    const packets = buildPackets([message], { label: '', compress: true, crc: true });
    expect(packets.map(toHex)).toEqual([expected.hex]);
  });

  it('leaves plain what compression does not make strictly shorter', () => {
    const message = user(text('short'));
    expect(buildPackets([message], { ...plain, compress: true }).map(toHex)).toEqual([
      vector('flow/uncompressed-packet').hex,
    ]);
    const random = user(noise(3000));
    expect(buildPackets([random], { ...plain, compress: true })).toEqual([random]);
  });

  it('compresses large packets that shrink and leaves large ones that do not', () => {
    const repeated = user(text('ingester-zone-a-0 ACTIVE '.repeat(4000)));
    const [packed] = buildPackets([repeated], { ...plain, compress: true });
    expect(packed?.[0]).toBe(9);
    expect(packed?.length ?? Number.NaN).toBeLessThan(repeated.length / 4);
    expect(decodePacket(packed ?? text(''), open).messages).toEqual([
      { type: 'user', payload: repeated.subarray(1) },
    ]);
    const random = user(noise(100_000));
    expect(buildPackets([random], { ...plain, compress: true })).toEqual([random]);
  });

  it('adds exactly the overheads that budgets are made with', () => {
    const messages = [user(text('one')), user(text('three'))];
    const [packet] = buildPackets(messages, { ...plain, label: 'prod' });
    const payload = 'one'.length + 'three'.length;
    const overhead =
      labelOverhead('prod') +
      COMPOUND_HEADER_OVERHEAD +
      2 * (COMPOUND_PART_OVERHEAD + USER_PART_OVERHEAD);
    expect(packet).toHaveLength(payload + overhead);
    expect(labelOverhead('')).toBe(0);
    expect(labelOverhead('x'.repeat(255))).toBe(257);
  });

  it('comes back through decodePacket, whatever the layers', () => {
    const layers = fc.record({
      label: fc.constantFrom('', 'prod', 'ä'.repeat(127)),
      compress: fc.boolean(),
      crc: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(packetMessage, { maxLength: 300 }), layers, (messages, options) => {
        const packets = buildPackets(messages.map(encodeMessage), options);
        const back = packets.map((packet) =>
          decodePacket(packet, { label: options.label, skipLabelCheck: false }),
        );
        expect(back.flatMap((packet) => packet.faults)).toEqual([]);
        expect(back.flatMap((packet) => packet.messages)).toEqual(messages);
      }),
      { numRuns: 60 },
    );
  });
});

describe('labelHeader', () => {
  it('is that of the reference', () => {
    const expected = vector('encode/label/255');
    expect(toHex(labelHeader(String(inputOf(expected, 'label'))))).toBe(expected.hex);
    expect(labelHeader('')).toHaveLength(0);
  });
});

/** What this node makes of the packets that the references drop or die of: message types kept, reasons counted. */
const HOSTILE: Readonly<Record<string, readonly [PacketMessage['type'][], string[]]>> = {
  'empty-packet': [[], ['empty']],
  'unknown-type-10': [[], ['unknown_type']],
  'unknown-type-6-on-packet': [[], ['unknown_type']],
  'type-13-on-packet': [[], ['unknown_type']],
  'crc-mismatch': [[], ['bad_crc']],
  'crc-of-empty': [[], ['empty']],
  'crc-nested-in-compound': [[], ['unknown_type']],
  'compound-trunc-lens': [[], ['compound_truncated']],
  'compound-trunc-parts': [['user'], ['compound_truncated']],
  'nested-compress-30': [[], ['nested_too_deep']],
  'compress-empty-buf': [[], ['bad_lzw']],
  'compress-of-empty': [[], ['empty']],
  'compress-garbage': [[], ['bad_lzw']],
  'compress-literal-without-clear': [[], ['truncated']],
  'label-trunc': [[], ['bad_label']],
  'label-zero': [[], ['bad_label']],
  'label-only': [[], ['empty']],
  'alive-vsn-len-1': [[], ['bad_vsn']],
  'alive-vsn-len-3': [[], ['bad_vsn']],
  'alive-vsn-nil': [[], ['bad_vsn']],
  'alive-vsn-len-7': [[], ['bad_vsn']],
  'alive-pmin-0': [[], ['bad_vsn']],
  'alive-pcur-out-of-range': [['alive'], []],
  'alive-empty-name': [[], ['bad_name']],
  'alive-nil-addr': [[], ['bad_addr']],
  'alive-inc-0-new-node': [['alive'], []],
  'alive-port-0': [['alive'], []],
  'alive-self-other-addr': [['alive'], []],
  'suspect-self-inc-max': [['suspect'], []],
  'same-ip-4-vs-16-bytes': [['alive'], []],
  'suspect-inc-jump': [['alive'], []],
  'dead-then-alive-same-inc': [['alive'], []],
  'left-then-alive-other-addr-same-inc': [['alive'], []],
  'alive-delegate-vsn-len-3': [[], ['bad_vsn']],
  'packet-enc-empty-plaintext': [[], ['msgpack_type']],
  'packet-enc-short': [[], ['msgpack_type']],
  'packet-enc-v2': [[], ['msgpack_type']],
  'plain-packet-on-enc-node-verify-off': [['alive'], []],
};

describe('decodePacket', () => {
  const packets = vectors('hostile/').filter((row) => inputOf(row, 'via') === 'packet');

  it.each(rows(packets))('survives %s', (name, row) => {
    const config = inputOf(row, 'config');
    const label = /"label":"([^"]*)"/.exec(JSON.stringify(config))?.[1] ?? '';
    const expected = HOSTILE[name.slice('hostile/'.length)];
    const packet = decodePacket(fromHex(row.hex), { label, skipLabelCheck: false });
    expect([packet.messages.map((message) => message.type), reasons(packet)]).toEqual(expected);
  });

  it.each(rows([...packets, ...vectors('encode/'), ...vectors('flow/')]))(
    'survives every cut of %s',
    (_, row) => {
      const bytes = fromHex(row.hex).subarray(0, 2000);
      for (let end = 0; end < bytes.length; end += 1) {
        const { messages, faults } = decodePacket(bytes.subarray(0, end), open);
        expect(messages.length + faults.length).toBeGreaterThan(0);
      }
    },
  );

  it('reads what the reference sent: ack and own alive in one compound', () => {
    const packet = read(vector('flow/ack-with-piggyback').hex);
    expect(packet.messages.map((message) => message.type)).toEqual(['ack', 'alive']);
    expect(packet.faults).toEqual([]);
  });

  it('finds nothing in an empty body of the second compression', () => {
    const packet = read(`09${vector('decode/algo-1').hex}`);
    expect([packet.messages, reasons(packet)]).toEqual([[], ['bad_snappy']]);
  });

  it('keeps the good parts of a partly bad compound, in order', () => {
    const good = encodeMessage({ type: 'nack', seqNo: 7 });
    const packet = decodePacket(compound(good, text(''), Uint8Array.of(99), good), open);
    expect(packet.messages.map((message) => message.type)).toEqual(['nack', 'nack']);
    expect(reasons(packet)).toEqual(['empty', 'unknown_type']);
  });

  it('ignores bytes after the last part, and takes an empty compound for nothing', () => {
    const packet = decodePacket(Uint8Array.of(...compound(user(text('a'))), 1, 2, 3), open);
    expect([packet.messages.length, packet.faults.length]).toEqual([1, 0]);
    expect(read('0700')).toMatchObject({ messages: [], faults: [] });
  });

  it('takes an unlabelled packet only without a label of its own, unless the check is off', () => {
    const bytes = user(text('x'));
    const labelled = fromHex(vector('flow/label-packet').hex);
    const outcome = (packet: Uint8Array, label: string, skipLabelCheck: boolean): string[] =>
      reasons(decodePacket(packet, { label, skipLabelCheck }));
    expect(outcome(bytes, '', false)).toEqual([]);
    expect(outcome(bytes, 'prod', false)).toEqual(['bad_label']);
    expect(outcome(bytes, 'prod', true)).toEqual([]);
    expect(outcome(labelled, 'prod', false)).toEqual([]);
    expect(outcome(labelled, 'test', false)).toEqual(['bad_label']);
    expect(outcome(labelled, '', false)).toEqual(['bad_label']);
    expect(outcome(labelled, '', true)).toEqual([]);
    expect(outcome(labelled, 'other', true)).toEqual([]);
  });

  it('refuses metadata over 512 bytes, and addresses that are neither 4 nor 16 bytes long', () => {
    const alive = {
      type: 'alive',
      incarnation: 1,
      node: 'x',
      addr: Uint8Array.of(10, 0, 0, 2),
      port: 1,
      meta: new Uint8Array(512),
      versions: Uint8Array.of(1, 5, 2, 0, 0, 0),
    } as const;
    const outcome = (message: PacketMessage): string[] =>
      reasons(decodePacket(encodeMessage(message), open));
    expect(outcome(alive)).toEqual([]);
    expect(outcome({ ...alive, meta: new Uint8Array(513) })).toEqual(['bad_meta']);
    for (const length of [0, 3, 5, 15, 17]) {
      expect(outcome({ ...alive, addr: new Uint8Array(length) })).toEqual(['bad_addr']);
    }
    expect(outcome({ type: 'suspect', incarnation: 1, node: '', from: 'x' })).toEqual(['bad_name']);
    expect(outcome({ type: 'dead', incarnation: 1, node: '', from: 'x' })).toEqual(['bad_name']);
  });

  it('reads snappy bodies, and refuses other algorithms', () => {
    const inner = user(text('hello hello hello hello'));
    const good = decodePacket(compressMessage(1, snappyEncode(inner)), open);
    expect(good.messages).toEqual([{ type: 'user', payload: inner.subarray(1) }]);
    expect(reasons(decodePacket(compressMessage(1, text('zz')), open))).toEqual(['bad_snappy']);
    expect(reasons(decodePacket(compressMessage(2, inner), open))).toEqual(['bad_algorithm']);
  });

  it('stops at the size limit of a packet, summed over its parts', () => {
    const [zeros] = buildPackets([user(new Uint8Array(60_000))], { ...plain, compress: true });
    const bomb = compound(...Array.from({ length: 100 }, () => zeros ?? text('')));
    const limits = { ...DEFAULT_WIRE_LIMITS, maxPacketBytes: 200_000 };
    const packet = decodePacket(bomb, { ...open, limits });
    expect(packet.messages).toHaveLength(3);
    expect(new Set(reasons(packet))).toEqual(new Set(['too_large']));
  });

  it('stops at four layers, and at one of compression', () => {
    const nest = (depth: number): Uint8Array => {
      let bytes = user(text('deep'));
      for (let i = 0; i < depth; i += 1) bytes = compound(bytes);
      return bytes;
    };
    expect(decodePacket(nest(4), open).messages).toHaveLength(1);
    expect(reasons(decodePacket(nest(5), open))).toEqual(['nested_too_deep']);
    expect(reasons(decodePacket(nest(100), open))).toEqual(['nested_too_deep']);
    const once = compressMessage(1, snappyEncode(user(text('a'))));
    const twice = compressMessage(1, snappyEncode(compound(once)));
    expect(decodePacket(compound(compound(once)), open).messages).toHaveLength(1);
    expect(reasons(decodePacket(twice, open))).toEqual(['nested_too_deep']);
  });

  it('stops after 4,096 messages, and after 256 faults', () => {
    const nack = encodeMessage({ type: 'nack', seqNo: 1 });
    const many = compound(
      ...Array.from({ length: 20 }, () => compound(...new Array(255).fill(nack))),
    );
    const packet = decodePacket(many, open);
    expect(packet.messages).toHaveLength(4096);
    expect(reasons(packet)).toEqual(['too_many_parts']);
    const empty = compound(...new Array(255).fill(text('')));
    const bad = decodePacket(compound(empty, empty, nack), open);
    expect(bad.messages).toEqual([]);
    expect(bad.faults).toHaveLength(256);
    expect(reasons(bad).at(-1)).toBe('too_many_faults');
  });

  it('refuses a checksum that is short or not the outermost layer', () => {
    expect(reasons(read('0c010203'))).toEqual(['unknown_type']);
    const inner = user(text('x'));
    const sum = crc32(inner);
    const checked = Uint8Array.of(12, sum >>> 24, sum >>> 16, sum >>> 8, sum, ...inner);
    expect(decodePacket(checked, open).messages).toHaveLength(1);
    expect(reasons(decodePacket(compound(checked), open))).toEqual(['unknown_type']);
  });
});
