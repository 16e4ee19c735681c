import {
  decodeMessage,
  decodePacket,
  encodeMessage,
  encodeStreamMessage,
  lzwDecode,
  lzwEncode,
  type PushPull,
  StreamDecoder,
} from '@ml/gossip/wire';
import { bench, describe } from 'vitest';
import { noise } from '../test/wire/noise.ts';

const alive = {
  type: 'alive',
  incarnation: 300,
  node: 'ingester-zone-a-17',
  addr: Uint8Array.of(10, 0, 0, 1),
  port: 7946,
  meta: undefined,
  versions: Uint8Array.of(1, 5, 2, 0, 0, 0),
} as const;
const ping = {
  type: 'ping',
  seqNo: 1234,
  node: 'ingester-zone-a-17',
  sourceAddr: Uint8Array.of(10, 0, 0, 2),
  sourcePort: 7946,
  sourceNode: 'ingester-zone-b-3',
} as const;
const aliveBytes = encodeMessage(alive);
const pingBytes = encodeMessage(ping);

describe('messages', () => {
  bench('encode ping', () => void encodeMessage(ping));
  bench('decode ping', () => void decodeMessage(pingBytes));
  bench('encode alive', () => void encodeMessage(alive));
  bench('decode alive', () => void decodeMessage(aliveBytes));
  bench('decode packet with an alive', () => {
    decodePacket(aliveBytes, { label: '', skipLabelCheck: false });
  });
});

describe('push/pull of 1,000 records', () => {
  const message: PushPull = {
    type: 'pushPull',
    join: false,
    records: Array.from({ length: 1000 }, (_, i) => ({
      name: `ingester-zone-a-${i}`,
      addr: Uint8Array.of(10, 0, i >> 8, i & 255),
      port: 7946,
      meta: undefined,
      incarnation: i,
      state: 0,
      versions: alive.versions,
    })),
    userState: new Uint8Array(0),
  };
  const bytes = encodeStreamMessage(message, { compress: false });
  bench('encode', () => void encodeStreamMessage(message, { compress: false }));
  bench('decode', () => {
    new StreamDecoder({ expectLabel: false, label: '', skipLabelCheck: false }).push(bytes);
  });
  bench('decode in pieces of 16 KiB', () => {
    const decoder = new StreamDecoder({ expectLabel: false, label: '', skipLabelCheck: false });
    for (let at = 0; at < bytes.length; at += 16_384) decoder.push(bytes.subarray(at, at + 16_384));
  });
});

describe.each([200, 727, 8192, 65_536, 2_620_000])('LZW of %i random bytes', (length) => {
  const bytes = noise(length);
  const packed = lzwEncode(bytes);
  bench('encode', () => void lzwEncode(bytes));
  bench('decode', () => void lzwDecode(packed, 1 << 26));
});
