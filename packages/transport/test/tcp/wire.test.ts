import { readFileSync } from 'node:fs';
import { md5 } from '@ml/runtime/hash';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { formatAddress } from '../../src/address.ts';
import {
  encodePacketFrame,
  encodePacketHeader,
  PacketFrameDecoder,
  STREAM_TYPE,
  sameDigest,
} from '../../src/tcp/wire.ts';

const vectorFile = z.object({
  vectors: z.array(
    z.object({
      name: z.string(),
      hex: z.string(),
      input: z.object({
        advertise_addr: z.string().optional(),
        advertise_port: z.number().optional(),
        payload_hex: z.string().optional(),
        md5_of_payload: z.string().optional(),
        written_after_dial_hex: z.string().optional(),
      }),
    }),
  ),
});
const { vectors } = vectorFile.parse(
  JSON.parse(readFileSync(new URL('../vectors/transport.json', import.meta.url), 'utf8')),
);
const packets = vectors.filter(({ input }) => input.payload_hex !== undefined);

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const unhex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

function encode(sender: string, payload: Uint8Array): Uint8Array {
  const parts = encodePacketFrame(encodePacketHeader(sender), payload, md5(payload));
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

// T-1
describe('bytes of the reference', () => {
  test.each(packets)('$name is what we write, and we read it back', ({ hex: bytes, input }) => {
    const { advertise_addr: host = '', advertise_port: port = 0, payload_hex = '' } = input;
    const sender = host === '' ? '' : formatAddress({ host, port });
    expect(hex(encode(sender, unhex(payload_hex)))).toBe(bytes);
    const decoder = new PacketFrameDecoder(1000);
    decoder.push(unhex(bytes).subarray(1));
    expect(decoder.finish()).toEqual({
      type: 'packet',
      sender,
      payload: unhex(payload_hex),
      digest: unhex(input.md5_of_payload ?? ''),
    });
  });

  test('a stream starts with its type and nothing else', () => {
    const vector = vectors.find(({ name }) => name === 'transport/stream_prefix');
    const expected = `${hex(Uint8Array.of(STREAM_TYPE))}${vector?.input.written_after_dial_hex}`;
    expect(vector?.hex).toBe(expected);
  });

  test('there are four packets among the vectors', () => {
    expect(packets).toHaveLength(4);
  });
});

describe('the frame of a packet', () => {
  test('survives being cut anywhere', () => {
    const senders = fc.string({ unit: fc.constantFrom(...'0123456789.:[]'), maxLength: 255 });
    fc.assert(
      fc.property(senders, fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(50)), (...drawn) => {
        const [sender, payload, cuts] = drawn;
        const bytes = encode(sender, payload).subarray(1);
        const decoder = new PacketFrameDecoder(10_000);
        let at = 0;
        for (const length of [...cuts, bytes.length]) {
          decoder.push(bytes.subarray(at, at + length));
          at = Math.min(bytes.length, at + length);
        }
        const frame = decoder.finish();
        expect(frame).toEqual({ type: 'packet', sender, payload, digest: md5(payload) });
      }),
    );
  });

  test('a large payload is not copied', () => {
    const payload = new Uint8Array(1024 * 1024);
    const parts = encodePacketFrame(encodePacketHeader(''), payload, md5(payload));
    expect(parts[1]).toBe(payload);
  });

  test.each([
    ['nothing', '', 'no_sender'],
    ['a sender that is cut', '0531', 'no_sender'],
    ['15 bytes after the sender', `0131${'00'.repeat(15)}`, 'no_digest'],
    ['no bytes after the sender', '0131', 'no_digest'],
  ])('%s is a fault', (_what, text, reason) => {
    const decoder = new PacketFrameDecoder(1000);
    decoder.push(unhex(text));
    expect(decoder.finish()).toEqual({ type: 'fault', reason });
  });

  test('16 bytes after the sender are an empty payload', () => {
    const decoder = new PacketFrameDecoder(1000);
    decoder.push(unhex(`00${'00'.repeat(16)}`));
    expect(decoder.finish()).toMatchObject({
      type: 'packet',
      sender: '',
      payload: new Uint8Array(),
    });
  });

  test('bytes beyond the limit are refused and let go', () => {
    const decoder = new PacketFrameDecoder(20);
    expect(decoder.push(new Uint8Array(20))).toBe(true);
    expect(decoder.push(new Uint8Array(1))).toBe(false);
    expect(decoder.finish()).toEqual({ type: 'fault', reason: 'too_large' });
  });

  test('any bytes are a packet or a fault', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (chunks) => {
        const decoder = new PacketFrameDecoder(600);
        const fits = chunks.every((chunk) => decoder.push(chunk));
        const frame = decoder.finish();
        return frame.type === 'packet' ? fits && frame.digest.length === 16 : true;
      }),
    );
  });

  test('a sender address too long for its length byte is refused', () => {
    expect(encodePacketHeader('x'.repeat(255))).toHaveLength(257);
    expect(() => encodePacketHeader('x'.repeat(256))).toThrow(RangeError);
  });
});

test('digests are equal only byte for byte', () => {
  expect(sameDigest(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(sameDigest(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(sameDigest(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false);
});
