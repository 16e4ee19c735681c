import { describe, expect, test } from 'vitest';
import { CodecError, UsageStatsSeed, usageStatsCodec } from '../../src/index.ts';
import { utf8 } from '../support/bytes.ts';

const AT = { localCas: false, nowUnixMs: 0 };
const seed = (uid: string, createdAt: string) =>
  new UsageStatsSeed({ UID: uid, created_at: createdAt, version: { version: 'v1' } });

describe('the usage statistics seed', () => {
  test('is plain JSON that keeps what it does not know', () => {
    const text = '{"UID":"x","created_at":"2024-05-01T10:00:00.5Z","version":{"a":1},"more":[2]}';
    const decoded = usageStatsCodec.decode(utf8(text));
    expect([decoded.uid, decoded.createdAt]).toEqual(['x', '2024-05-01T10:00:00.5Z']);
    expect(new TextDecoder().decode(usageStatsCodec.encode(decoded))).toBe(text);
  });

  test('keeps the older of two, down to the nanosecond and across time zones', () => {
    const older = seed('z', '2024-05-01T12:00:00.123456788+02:00');
    const newer = seed('a', '2024-05-01T10:00:00.123456789Z');
    expect(newer.merge(older, AT)).toEqual({ value: older, change: older });
    expect(older.merge(newer, AT)).toEqual({ value: older, change: undefined });
  });

  test('keeps the smaller UID of two of one age', () => {
    const [a, b] = [seed('a', '2024-05-01T10:00:00Z'), seed('b', '2024-05-01T10:00:00.000Z')];
    expect(b.merge(a, AT).value).toBe(a);
    expect(a.merge(b, AT).change).toBeUndefined();
    expect(a.mergeContent()).toEqual(['a']);
  });

  test.each([
    '',
    'null',
    '[]',
    '{}',
    '{"UID":"","created_at":"2024-05-01T10:00:00Z"}',
    '{"UID":"x","created_at":"yesterday"}',
    '\u0000',
    `{"UID":"${'x'.repeat(70_000)}","created_at":"2024-05-01T10:00:00Z"}`,
  ])('is refused when the bytes are something else', (text) => {
    expect(() => usageStatsCodec.decode(utf8(text))).toThrow(CodecError);
  });
});
