import { describe, expect, test } from 'vitest';
import type { LogLevel } from '../../src/log/log-options.ts';
import { errorText, logfmtLogger } from '../../src/log/logfmt.ts';

function lines(level: LogLevel = 'debug'): {
  readonly written: string[];
  readonly log: ReturnType<typeof logfmtLogger>;
} {
  const written: string[] = [];
  const write = (line: string) => written.push(line);
  return { written, log: logfmtLogger({ level, write, unixMs: () => 1_704_067_200_123 }) };
}

describe('a logfmt line', () => {
  test('starts with time, level and message, then the fields', () => {
    const { written, log } = lines();
    log.warn({ member: 'a', count: 3 }, 'member is suspect');
    expect(written).toEqual([
      'ts=2024-01-01T00:00:00.123Z level=warn msg="member is suspect" member=a count=3\n',
    ]);
  });

  test('quotes what would break the line or hide a field', () => {
    const { written, log } = lines();
    log.info({ a: 'x y', b: 'x"y', c: 'x=y', d: '', e: 'x\ny', 'f g': 'é' }, 'ok');
    expect(written).toEqual([
      'ts=2024-01-01T00:00:00.123Z level=info msg=ok a="x y" b="x\\"y" c="x=y" d="" e="x\\ny" f_g=é\n',
    ]);
  });

  test('holds fields of parents, skips undefined ones, and writes objects as JSON', () => {
    const { written, log } = lines();
    log.child({ node: 'a' }).error({ none: undefined, list: [1, 2], big: 7n }, 'no');
    expect(written).toEqual([
      'ts=2024-01-01T00:00:00.123Z level=error msg=no node=a list=[1,2] big=7\n',
    ]);
  });

  test('is cut when a value is endless', () => {
    const { written, log } = lines();
    log.info({ a: 'x'.repeat(100_000) }, 'long');
    expect(written[0]?.length).toBeLessThan(5000);
  });

  test('is dropped below the level', () => {
    const { written, log } = lines('warn');
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    expect(written).toHaveLength(1);
  });
});

describe('the text of an error', () => {
  test('adds the causes that the message does not say', () => {
    const deep = new TypeError('refused');
    const cause = new TypeError('dial failed: refused', { cause: deep });
    expect(errorText(new TypeError('cannot join', { cause }))).toBe(
      'cannot join: dial failed: refused',
    );
  });
});
