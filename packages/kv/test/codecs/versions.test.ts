import { snappyDecode, snappyEncode } from '@ml/runtime/snappy';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { splitPairs } from '../../src/core/full-state.ts';
import { CodecError, type InstanceVersion, Versions, versionsCodec } from '../../src/index.ts';
import { decodeKeyValuePair } from '../../src/wire/key-value-pair.ts';
import { fromHex, toHex } from '../support/bytes.ts';
import { vectorFile } from '../support/vectors.ts';

const oracle = protobuf
  .parse(
    `syntax = "proto3";
     message InstanceVersion { string ID = 1; string addr = 2; int64 Timestamp = 3; uint64 QuerierAPI = 4; bool left = 5; }
     message Versions { map<string, InstanceVersion> instances = 1; }`,
    { keepCase: true },
  )
  .root.lookupType('Versions');

const instance: InstanceVersion = {
  id: 'a',
  addr: '10.0.0.1:4040',
  timestampUnixNs: 1_700_000_000_123_456_789n,
  querierApi: 1n,
  left: false,
};
const AT = { localCas: false, nowUnixMs: 1_700_000_001_000 };

describe('versions', () => {
  test('of a running Pyroscope are read and written back as they were', () => {
    const reply = fromHex(vectorFile.pyroscope_v1_18_0_push_pull.reply_hex);
    const state = reply.subarray(reply.length - 1063);
    const found = splitPairs(state)
      .pairs.map(decodeKeyValuePair)
      .find(({ codec }) => codec === 'versions');
    const value = found?.value ?? new Uint8Array(0);
    const versions = versionsCodec.decode(value);
    expect(versions.mergeContent()).toEqual(['vm']);
    expect(versions.instances.get('vm')).toMatchObject({ addr: '127.0.0.1:0', querierApi: 1n });
    const plain = (bytes: Uint8Array) => toHex(snappyDecode(bytes, { maxBytes: 1000 }));
    expect(plain(versionsCodec.encode(versions))).toBe(plain(value));
  });

  test('are what a general protobuf library reads', () => {
    const versions = Versions.empty.with(instance).with({ ...instance, id: 'b', left: true });
    const message = snappyDecode(versionsCodec.encode(versions), { maxBytes: 1000 });
    expect(oracle.toObject(oracle.decode(message), { longs: String, defaults: true })).toEqual({
      instances: {
        a: {
          ID: 'a',
          addr: '10.0.0.1:4040',
          Timestamp: '1700000000123456789',
          QuerierAPI: '1',
          left: false,
        },
        b: {
          ID: 'b',
          addr: '10.0.0.1:4040',
          Timestamp: '1700000000123456789',
          QuerierAPI: '1',
          left: true,
        },
      },
    });
  });

  test('keep fields that are not known, of instances and beside them', () => {
    const known = snappyDecode(versionsCodec.encode(Versions.empty.with(instance)), {
      maxBytes: 1000,
    });
    const inner = known.subarray(2);
    // Field 6 in the instance, field 7 beside the map.
    const withUnknown = Uint8Array.of(
      10,
      inner.length + 2,
      10,
      1,
      97,
      18,
      inner.length - 3,
      ...inner.subarray(5),
      48,
      5,
      56,
      9,
    );
    const versions = versionsCodec.decode(snappyEncode(withUnknown));
    expect(versions.instances.get('a')).toMatchObject({ id: 'a', unknown: Uint8Array.of(48, 5) });
    const merged = Versions.empty.merge(versions, AT).value;
    const again = snappyDecode(versionsCodec.encode(merged), { maxBytes: 1000 });
    expect(toHex(again)).toBe(toHex(withUnknown));
  });

  test('of an empty message are none', () => {
    expect(versionsCodec.decode(Uint8Array.of(0)).mergeContent()).toEqual([]);
  });

  test.each(['', 'ff', '01ff', '030a0500', 'ffffff7f0000', '0208011234'])(
    'are refused when the bytes are something else (%s)',
    (hex) => {
      expect(() => versionsCodec.decode(fromHex(hex))).toThrow(CodecError);
    },
  );

  test('take an instance that is new, newer, or has left at the same time', () => {
    const ours = Versions.empty.with(instance);
    const merge = (theirs: InstanceVersion) => ours.merge(Versions.empty.with(theirs), AT);
    expect(merge({ ...instance, id: 'b' }).change?.mergeContent()).toEqual(['b']);
    expect(
      merge({ ...instance, timestampUnixNs: instance.timestampUnixNs + 1n }).change,
    ).toBeDefined();
    expect(merge({ ...instance, left: true }).change).toBeDefined();
    expect(
      merge({ ...instance, timestampUnixNs: instance.timestampUnixNs - 1n, left: true }).change,
    ).toBeUndefined();
    expect(merge(instance)).toEqual({ value: ours, change: undefined });
  });

  test('mark what a local writer leaves out as left now, once', () => {
    const local = { ...AT, localCas: true };
    const { value, change } = Versions.empty.with(instance).merge(Versions.empty, local);
    expect(change?.instances.get('a')).toMatchObject({
      left: true,
      timestampUnixNs: 1_700_000_001_000_000_000n,
    });
    expect(value.merge(Versions.empty, local).change).toBeUndefined();
  });

  test('drop those that left before a limit, by their time', () => {
    const versions = Versions.empty.with({ ...instance, left: true });
    expect(versions.removeTombstones(1_700_000_000_123)).toMatchObject({ total: 1, removed: 0 });
    expect(versions.removeTombstones(1_700_000_000_124)).toMatchObject({ total: 0, removed: 1 });
    expect(versions.removeTombstones(undefined).value.mergeContent()).toEqual([]);
  });

  test('do not merge with another type', () => {
    // @ts-expect-error: what the types forbid, a value of a foreign codec could still do.
    expect(() => Versions.empty.merge(new Map(), AT)).toThrow(TypeError);
  });
});
