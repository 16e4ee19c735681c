import {
  DEFAULT_WIRE_LIMITS,
  encodeStreamMessage,
  labelHeader,
  lzwEncode,
  type PushPull,
  type PushPullRecord,
  StreamDecoder,
  type StreamMessage,
  type StreamProgress,
} from '@ml/gossip/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, inputOf, toHex, type Vector, vector, vectors } from '../vectors/load.ts';
import { ping, record } from './arbitraries.ts';
import { noise } from './noise.ts';
import { recordOf, rows } from './records.ts';

const plain = { compress: false };
const request = { expectLabel: true, label: '', skipLabelCheck: false };
const answer = { expectLabel: false, label: '', skipLabelCheck: false };

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));

/** What a decoder makes of `bytes` in pieces of `size`, then the end of the stream. */
function feed(bytes: Uint8Array, size: number = bytes.length, options = request): StreamProgress {
  const decoder = new StreamDecoder(options);
  for (let at = 0; at < bytes.length; at += size) {
    const progress = decoder.push(bytes.subarray(at, at + size));
    if (progress.type !== 'more') return progress;
  }
  return decoder.end();
}

function messageIn(progress: StreamProgress): StreamMessage {
  if (progress.type !== 'message') throw new TypeError(`no message: ${JSON.stringify(progress)}`);
  return progress.message;
}

/** In one word: the type of the message, or the reason of the failure; '!' when the peer is to be told. */
function outcome(progress: StreamProgress): string {
  if (progress.type === 'message') return progress.message.type;
  if (progress.type === 'more') return 'more';
  return `${progress.error.reason}${progress.reply ? '!' : ''}`;
}

function pushPull(count: number, userState: Uint8Array = text('STATE')): PushPull {
  const records: PushPullRecord[] = Array.from({ length: count }, (_, i) => ({
    name: `ingester-zone-${'abc'[i % 3]}-${i}`,
    addr: Uint8Array.of(10, 0, i >> 8, i & 255),
    port: 7946,
    meta: i % 2 === 0 ? undefined : text(`zone-${i}`),
    incarnation: i * 7,
    state: i % 4,
    versions: Uint8Array.of(1, 5, 2, 0, 0, 0),
  }));
  return { type: 'pushPull', join: true, records, userState };
}

describe('encodeStreamMessage', () => {
  it.each(rows(vectors('encode/pushNodeState/')))(
    'writes the record of the reference: %s',
    (_, row) => {
      const message: PushPull = {
        type: 'pushPull',
        join: false,
        records: [recordOf(row.input)],
        userState: text(''),
      };
      const header = '0683a44a6f696ec2a54e6f64657301ac5573657253746174654c656e00';
      const bytes = encodeStreamMessage(message, plain);
      expect(toHex(bytes)).toBe(header + row.hex);
      expect(messageIn(feed(bytes))).toEqual(message);
    },
  );

  it.each(rows(vectors('encode/userMsgHeader/')))(
    'writes the header of the reference: %s',
    (_, row) => {
      const payload = new Uint8Array(Number(inputOf(row, 'UserMsgLen')));
      const bytes = encodeStreamMessage({ type: 'user', payload }, plain);
      expect(toHex(bytes.subarray(0, row.hex.length / 2))).toBe(row.hex);
      expect(messageIn(feed(bytes))).toEqual({ type: 'user', payload });
    },
  );

  it.each(
    rows(vectors('encode/pushPullHeader/').filter((row) => Number(inputOf(row, 'Nodes')) < 300)),
  )('writes the header of the reference: %s', (_, row) => {
    const message = {
      ...pushPull(
        Number(inputOf(row, 'Nodes')),
        new Uint8Array(Number(inputOf(row, 'UserStateLen'))),
      ),
      join: inputOf(row, 'Join') === true,
    };
    const bytes = encodeStreamMessage(message, plain);
    expect(toHex(bytes.subarray(0, row.hex.length / 2))).toBe(row.hex);
  });

  it('writes signed integers of every width as the reference', () => {
    const row = vector('encode/pushPullHeader/32768-65536-true');
    const message = { ...pushPull(32_768, new Uint8Array(65_536)), join: true };
    const bytes = encodeStreamMessage(message, plain);
    expect(toHex(bytes.subarray(0, row.hex.length / 2))).toBe(row.hex);
    expect(messageIn(feed(bytes))).toEqual(message);
  });

  it('writes user message, error and compressed message as the reference', () => {
    const bytes = (message: StreamMessage, options = {}): string =>
      toHex(encodeStreamMessage(message, { compress: false, ...options }));
    const hello = { type: 'user', payload: text('hello over tcp') } as const;
    expect(bytes(hello)).toBe(vector('flow/user-reliable').hex);
    expect(bytes({ type: 'error', text: 'boom' })).toBe(vector('encode/err').hex);
    const short = { type: 'user', payload: text('short') } as const;
    expect(bytes(short, { compress: true, alwaysCompress: true })).toBe(
      vector('flow/compressed-stream-short').hex,
    );
    expect(bytes(short, { compress: true })).toBe(bytes(short));
  });

  it('compresses what shrinks, and leaves a large random state plain', () => {
    const small = pushPull(300, text(''));
    const packed = encodeStreamMessage(small, { compress: true });
    expect(packed[0]).toBe(9);
    expect(packed.length).toBeLessThan(encodeStreamMessage(small, plain).length / 2);
    expect(messageIn(feed(packed))).toEqual(small);
    const random = pushPull(3, noise(500_000));
    expect(encodeStreamMessage(random, { compress: true })).toEqual(
      encodeStreamMessage(random, plain),
    );
  });

  it('writes names outside ASCII with their length in bytes', () => {
    const message = { type: 'error', text: 'ungültig 節点' } as const;
    expect(messageIn(feed(encodeStreamMessage(message, plain), 1, answer))).toEqual(message);
  });
});

/** What this node makes of hostile streams: see `outcome`; then the faults of records. */
const HOSTILE: Readonly<Record<string, readonly [string, string[]]>> = {
  'stream-label-trunc': ['truncated', []],
  'stream-label-zero': ['bad_label', []],
  'stream-label-short': ['truncated', []],
  'pp-vsn-short-5': ['pushPull', ['bad_vsn']],
  'pp-vsn-nil-alive': ['pushPull', ['bad_vsn']],
  'pp-vsn-nil-with-merge-delegate-join': ['pushPull', ['bad_vsn']],
  'pp-state-9': ['pushPull', []],
  'pp-dead-unknown-node': ['pushPull', []],
  'pp-nodes-minus-1': ['bad_count', []],
  'pp-nodes-50M': ['bad_count', []],
  'pp-user-length-minus-1': ['bad_length', []],
  'pp-user-2^40': ['bad_length', []],
  'pp-zero-nodes': ['pushPull', []],
  'pp-pcur-out': ['pushPull', []],
  'pp-dead-node-with-pcur-0': ['pushPull', ['bad_vsn']],
  'user-2^40': ['bad_length', []],
  'user-2^62': ['msgpack_range', []],
  'stream-compress-empty': ['empty!', []],
  'stream-enc-zero-len': ['encrypted!', []],
  'stream-enc-too-long': ['encrypted!', []],
  'stream-enc-20MiB+1': ['encrypted!', []],
};

describe('StreamDecoder', () => {
  const hostile = vectors('hostile/').filter((row) => inputOf(row, 'via') === 'stream');
  const good: readonly (readonly [string, Uint8Array])[] = [
    ...[...vectors('live/'), vector('flow/pushpull-response'), vector('flow/err-reply')].map(
      (row: Vector) => [row.name, fromHex(row.hex)] as const,
    ),
    ['a labelled ping', fromHex(String(inputOf(vector('flow/label-stream-reply'), 'streamIn')))],
    ['a compressed push/pull', encodeStreamMessage(pushPull(40), { compress: true })],
    ['a push/pull', encodeStreamMessage(pushPull(20), plain)],
    ['a user message', encodeStreamMessage({ type: 'user', payload: noise(500) }, plain)],
  ];
  const anyLabel = { ...request, skipLabelCheck: true };

  it.each(rows(hostile))('survives %s', (name, row) => {
    const expected = HOSTILE[name.slice('hostile/'.length)];
    for (const size of [1, row.hex.length]) {
      const progress = feed(fromHex(row.hex), size);
      const faults = progress.type === 'message' ? progress.faults : [];
      expect([outcome(progress), faults.map((fault) => fault.reason)]).toEqual(expected);
    }
  });

  const bodies = (into: string): readonly Vector[] =>
    vectors('decode/').filter((row) => inputOf(row, 'into') === into);

  it.each(rows(bodies('hdr')))(
    'takes and refuses the header of a state as the reference, negative counts never: %s',
    (_, row) => {
      const told: { Join?: boolean; Nodes?: number; UserStateLen?: number } = Object(
        inputOf(row, 'result'),
      );
      const { Join, Nodes = 0, UserStateLen = 0 } = told;
      const records = vector('encode/pushNodeState/state-0').hex.repeat(Math.max(Nodes, 0));
      const progress = feed(fromHex(`06${row.hex}${records}`));
      if (inputOf(row, 'accepted') !== true) {
        expect(outcome(progress)).toBe('msgpack_type');
      } else if (Nodes < 0 || UserStateLen < 0) {
        expect(outcome(progress)).toBe(Nodes < 0 ? 'bad_count' : 'bad_length');
      } else {
        expect(messageIn(progress)).toMatchObject({ type: 'pushPull', join: Join });
        expect(messageIn(progress)).toHaveProperty('records.length', Nodes);
      }
    },
  );

  it.each(rows(bodies('state')))(
    'reads a record of a state nobody knows, and keeps none without an address: %s',
    (_, row) => {
      const progress = feed(
        fromHex(`0683a44a6f696ec2a54e6f64657301ac5573657253746174654c656e00${row.hex}`),
      );
      expect(messageIn(progress)).toMatchObject({ type: 'pushPull', records: [] });
      expect(progress).toMatchObject({ faults: [{ reason: 'bad_addr' }] });
    },
  );

  it.each(good)('knows %s complete with its last byte, and not before', (_, bytes) => {
    const decoder = new StreamDecoder(anyLabel);
    for (let at = 0; at < bytes.length; at += 1) {
      const progress = decoder.push(bytes.subarray(at, at + 1));
      expect(progress.type).toBe(at === bytes.length - 1 ? 'message' : 'more');
    }
  });

  it.each(good)('reads the same from %s in pieces of any size', (_, bytes) => {
    const whole = messageIn(feed(bytes, bytes.length, anyLabel));
    for (const size of [1, 2, 3, 7, 64, 255, 256, 257, 1000]) {
      expect(messageIn(feed(bytes, size, anyLabel))).toEqual(whole);
    }
  });

  it.each(good)('reports %s as cut, wherever the stream ends', (_, bytes) => {
    for (let end = 1; end < bytes.length; end += 1) {
      expect(outcome(feed(bytes.subarray(0, end), end, anyLabel))).toMatch(/^truncated!?$/);
    }
  });

  it('reads the state of a real process', () => {
    const message = messageIn(feed(fromHex(vector('live/pyroscope-1.18.0-pull').hex)));
    expect(message).toMatchObject({ type: 'pushPull', join: false });
    if (message.type !== 'pushPull') return;
    expect(message.records).toHaveLength(1);
    expect(message.records[0]?.addr).toEqual(fromHex('00000000000000000000ffff7f000001'));
    expect(message.userState.length).toBeGreaterThan(100);
    expect(feed(fromHex(vector('live/pyroscope-1.18.0-ping-ack').hex))).toMatchObject({
      message: { type: 'ack', seqNo: 42, payload: undefined },
    });
  });

  it('gives the whole push/pull answer of the reference back byte for byte', () => {
    const { hex } = vector('flow/pushpull-response');
    expect(toHex(encodeStreamMessage(messageIn(feed(fromHex(hex))), plain))).toBe(hex);
  });

  it('tells a stream that was closed before its first byte from one that was cut', () => {
    expect(outcome(new StreamDecoder(request).end())).toBe('closed');
    expect(outcome(feed(Uint8Array.of(6)))).toBe('truncated');
  });

  it('checks the label of a request, and takes none on an answer', () => {
    const bytes = encodeStreamMessage({ type: 'user', payload: text('x') }, plain);
    const labelled = Uint8Array.from(Buffer.concat([labelHeader('prod'), bytes]));
    const prod = { ...request, label: 'prod' };
    expect(outcome(feed(labelled, 1, prod))).toBe('user');
    expect(outcome(feed(bytes, 1, prod))).toBe('bad_label');
    expect(outcome(feed(labelled, 1, request))).toBe('bad_label');
    expect(outcome(feed(labelled, 1, { ...request, label: 'test' }))).toBe('bad_label');
    expect(outcome(feed(labelled, 1, anyLabel))).toBe('user');
    expect(outcome(feed(bytes, 1, { ...prod, skipLabelCheck: true }))).toBe('user');
    expect(outcome(feed(bytes, 1, { ...answer, label: 'prod' }))).toBe('user');
    expect(outcome(feed(labelled, 1, { ...answer, label: 'prod' }))).toBe('unknown_type');
  });

  it('refuses types that have no place on a stream at their first byte', () => {
    for (const code of [1, 3, 4, 5, 7, 11, 12, 14, 200]) {
      expect(outcome(new StreamDecoder(request).push(Uint8Array.of(code)))).toBe('unknown_type');
    }
  });

  it('unpacks one layer of compression only, and wants a whole message in it', () => {
    const wrap = (inner: Uint8Array): Uint8Array => {
      const packed = lzwEncode(inner);
      const head = fromHex('0982a4416c676f00a3427566da');
      return Uint8Array.of(...head, packed.length >>> 8, packed.length, ...packed);
    };
    const user = encodeStreamMessage({ type: 'user', payload: text('inner') }, plain);
    expect(outcome(feed(wrap(user)))).toBe('user');
    expect(outcome(feed(wrap(wrap(user))))).toBe('unknown_type');
    expect(outcome(feed(wrap(Uint8Array.of(10, 0, 0, 0, 0))))).toBe('unknown_type');
    expect(outcome(feed(wrap(user.subarray(0, 15))))).toBe('truncated');
    expect(outcome(feed(fromHex('0982a4416c676f09a3427566a0')))).toBe('bad_algorithm!');
    expect(outcome(feed(fromHex('0982a4416c676f00a3427566a3ffffff')))).toBe('bad_lzw!');
  });

  it('keeps the result, and ignores what follows the message', () => {
    const bytes = encodeStreamMessage({ type: 'user', payload: text('first') }, plain);
    const decoder = new StreamDecoder(request);
    const first = decoder.push(Uint8Array.of(...bytes, ...bytes));
    expect(messageIn(first)).toEqual({ type: 'user', payload: text('first') });
    expect(decoder.push(bytes)).toBe(first);
    expect(decoder.end()).toBe(first);
  });

  it('leaves out the records that must not be stored, and counts each of them', () => {
    const { records, ...rest } = pushPull(6);
    const [first, second, third, fourth, fifth, sixth] = records;
    expect(first && second && third && fourth && fifth && sixth).toBeDefined();
    const bad = [
      { ...first, versions: Uint8Array.of(1, 5) },
      { ...second, name: '' },
      { ...third, addr: new Uint8Array(5) },
      { ...fourth, meta: new Uint8Array(513) },
      { ...fifth, versions: Uint8Array.of(3, 2, 2, 0, 0, 0) },
      { ...sixth },
    ].map((changed, i) => ({ ...recordOf({}), ...records[i], ...changed }));
    const progress = feed(encodeStreamMessage({ ...rest, records: bad }, plain));
    expect(messageIn(progress)).toEqual({ ...rest, records: [sixth] });
    expect(progress.type === 'message' && progress.faults.map((fault) => fault.reason)).toEqual([
      'bad_vsn',
      'bad_name',
      'bad_addr',
      'bad_meta',
      'bad_vsn',
    ]);
  });

  it('keeps to its limits: counts, lengths, and sizes before they have arrived', () => {
    const limits = { ...DEFAULT_WIRE_LIMITS, maxStreamBytes: 1000, maxCompressedBytes: 500 };
    const small = { ...request, limits };
    const first = (hex: string): string => outcome(new StreamDecoder(small).push(fromHex(hex)));
    // A user state of 1 MiB, a record name of 2 GiB, a compressed body of 64 KiB: announced only.
    expect(first('0683a44a6f696ec2a54e6f64657300ac5573657253746174654c656ed200100000')).toBe(
      'too_large',
    );
    expect(first('0681a54e6f6465730181a44e616d65db7fffffff')).toBe('too_large');
    expect(first('0982a4416c676f00a3427566daffff')).toBe('too_large!');
    const packed = encodeStreamMessage(
      { type: 'user', payload: new Uint8Array(2000) },
      { compress: true },
    );
    expect(outcome(feed(packed, 1, small))).toBe('too_large!');
    expect(outcome(feed(packed, 1, request))).toBe('user');
  });

  it('takes a state of 5 MiB byte by byte in linear time', () => {
    const message = pushPull(200, noise(5 << 20));
    const bytes = encodeStreamMessage(message, plain);
    const decoder = new StreamDecoder(request);
    let progress: StreamProgress = { type: 'more' };
    for (let at = 0; at < bytes.length; at += 1)
      progress = decoder.push(bytes.subarray(at, at + 1));
    const read = messageIn(progress);
    expect(read.type === 'pushPull' && Buffer.compare(read.userState, message.userState)).toBe(0);
  });

  it('takes a value of a million elements byte by byte in linear time', () => {
    const head = fromHex('0082a35a7a7add000f4240');
    const tail = fromHex('a55365714e6f07');
    const bytes = Uint8Array.from(Buffer.concat([head, new Uint8Array(1_000_000), tail]));
    expect(outcome(feed(bytes, 1))).toBe('ping');
  });

  it('gives back any message, however it is fed', () => {
    const message: fc.Arbitrary<StreamMessage> = fc.oneof(
      ping,
      fc.record({
        type: fc.constant('pushPull' as const),
        join: fc.boolean(),
        records: fc.array(record, { maxLength: 30 }),
        userState: fc.uint8Array({ maxLength: 1000 }),
      }),
      fc.record({
        type: fc.constant('user' as const),
        payload: fc.uint8Array({ maxLength: 1000 }),
      }),
    );
    fc.assert(
      fc.property(
        message,
        fc.boolean(),
        fc.integer({ min: 1, max: 400 }),
        (sent, compress, size) => {
          const bytes = encodeStreamMessage(sent, { compress, alwaysCompress: compress });
          expect(messageIn(feed(bytes, size))).toEqual(sent);
        },
      ),
    );
  });
});
