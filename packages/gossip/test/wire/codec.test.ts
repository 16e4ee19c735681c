import { decodeMessage, encodeMessage, MESSAGE_CODE, WireError } from '@ml/gossip/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, inputOf, toHex, vector, vectors } from '../vectors/load.ts';
import { packetMessage } from './arbitraries.ts';
import { messageOf, rows } from './records.ts';

const messageGroups = ['ping', 'indirectPing', 'ack', 'nack', 'suspect', 'dead', 'alive'];
const encoded = messageGroups
  .flatMap((group) => vectors(`encode/${group}/`))
  .filter((row) => inputOf(row, 'hexIsPrefixOnly') !== true);

/** Struct and byte strings as arrays: the reference takes them, no sender writes them. */
const refusedOddities = new Set([
  'decode/array-form-long',
  'decode/array-empty',
  'decode/str-from-array',
  'decode/bytes-array',
  'decode/bytes-array-uint8',
  'decode/bytes-map',
  'decode/vsn-array',
  // Names are kept as text here, so they must be text (the reference keeps any bytes).
  'decode/str-invalid-utf8',
]);

const CODES: Readonly<Record<string, number>> = {
  ping: MESSAGE_CODE.ping,
  ack: MESSAGE_CODE.ack,
  alive: MESSAGE_CODE.alive,
  suspect: MESSAGE_CODE.suspect,
};
const bodies = vectors('decode/').filter((row) => String(inputOf(row, 'into')) in CODES);

describe('encodeMessage', () => {
  it.each(rows(encoded))('writes the bytes of the reference: %s', (_, row) => {
    const message = messageOf(inputOf(row, 'type'), row.input);
    expect(message).toBeDefined();
    if (message !== undefined) expect(toHex(encodeMessage(message))).toBe(row.hex);
  });

  it.each([65_535, 65_536])(
    'chooses the raw header of a payload of %i bytes as the reference',
    (n) => {
      const expected = vector(`encode/ack/payload-${n}`);
      const bytes = encodeMessage({
        type: 'ack',
        seqNo: 300,
        payload: new Uint8Array(n).fill(0xfe),
      });
      expect(bytes).toHaveLength(Number(inputOf(expected, 'totalLength')));
      expect(toHex(bytes).startsWith(expected.hex)).toBe(true);
    },
  );

  it('writes a user message as its type byte and the payload', () => {
    const payload = Uint8Array.from(Buffer.from('hello world'));
    expect(toHex(encodeMessage({ type: 'user', payload }))).toBe(vector('encode/user/packet').hex);
  });

  it('gives a buffer that the next message does not change', () => {
    const first = encodeMessage({ type: 'nack', seqNo: 1 });
    const before = toHex(first);
    encodeMessage({ type: 'nack', seqNo: 2 });
    expect(toHex(first)).toBe(before);
  });
});

describe('decodeMessage', () => {
  it.each(rows(encoded))('reads the bytes of the reference: %s', (_, row) => {
    expect(decodeMessage(fromHex(row.hex))).toEqual(messageOf(inputOf(row, 'type'), row.input));
  });

  it.each(rows(encoded))('refuses every cut of %s', (_, row) => {
    const bytes = fromHex(row.hex);
    for (let end = 0; end < bytes.length; end += 1) {
      expect(() => decodeMessage(bytes, 0, end)).toThrow(WireError);
    }
  });

  it.each(rows(bodies))('takes and refuses as the reference, or more strictly: %s', (name, row) => {
    const into = String(inputOf(row, 'into'));
    const bytes = Uint8Array.of(CODES[into] ?? 255, ...fromHex(row.hex));
    if (inputOf(row, 'accepted') !== true || refusedOddities.has(name)) {
      expect(() => decodeMessage(bytes)).toThrow(WireError);
      return;
    }
    const result = Object(inputOf(row, 'result'));
    expect(decodeMessage(bytes)).toEqual(messageOf(into, result));
  });

  it('names the reason of a refusal', () => {
    const reasonOf = (hex: string): string => {
      try {
        decodeMessage(fromHex(hex));
      } catch (error) {
        if (error instanceof WireError) return error.reason;
      }
      return 'none';
    };
    expect(reasonOf('')).toBe('empty');
    expect(reasonOf('06')).toBe('unknown_type');
    expect(reasonOf('00')).toBe('truncated');
    expect(reasonOf('0007')).toBe('msgpack_type');
    expect(reasonOf('0081a55365714e6fff')).toBe('msgpack_range');
    expect(reasonOf('0081a44e6f6465a1ff')).toBe('bad_utf8');
    expect(reasonOf(`0081a44e6f6465da0401${'61'.repeat(1025)}`)).toBe('bad_name');
    expect(reasonOf(`0081a35a7a7a${'91'.repeat(2000)}`)).toBe('msgpack_depth');
  });

  it('keeps names of any script and copies what is stored', () => {
    const message = {
      type: 'alive',
      incarnation: 9,
      node: 'Knoten-ä-節点-😀',
      addr: Uint8Array.of(10, 0, 0, 1),
      port: 7946,
      meta: Uint8Array.of(1, 2),
      versions: Uint8Array.of(1, 5, 2, 0, 0, 0),
    } as const;
    const bytes = encodeMessage(message);
    const decoded = decodeMessage(bytes);
    bytes.fill(0);
    expect(decoded).toEqual(message);
  });

  it('reads a message from the middle of a buffer and leaves its neighbours alone', () => {
    const part = encodeMessage({ type: 'user', payload: Uint8Array.of(1, 2, 3) });
    const around = Uint8Array.of(9, 9, ...part, 9, 9);
    expect(decodeMessage(around, 2, 2 + part.length)).toEqual({
      type: 'user',
      payload: Uint8Array.of(1, 2, 3),
    });
  });

  it('gives back any message', () => {
    fc.assert(
      fc.property(packetMessage, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual(message);
      }),
    );
  });
});
