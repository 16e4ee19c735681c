import { expect, test } from 'vitest';
import type { LogFormat } from '../../src/log/log-options.ts';
import { nodeLogger } from '../../src/log/node-logger.ts';

function written(format: LogFormat): readonly string[] {
  const lines: string[] = [];
  const log = nodeLogger({ level: 'info', format, write: (line) => lines.push(line) });
  const err = new TypeError('no answer', { cause: new TypeError('refused') });
  log.debug({}, 'hidden');
  log.child({ node: 'a' }).warn({ err, count: 2 }, 'join failed');
  return lines;
}

test('json lines hold level, time, fields and message, errors as text', () => {
  const [line = '', ...more] = written('json');
  expect(more).toEqual([]);
  const { ts, ...rest } = JSON.parse(line);
  expect(ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(rest).toEqual({
    level: 'warn',
    node: 'a',
    err: 'no answer: refused',
    count: 2,
    msg: 'join failed',
  });
});

test('logfmt lines hold the same', () => {
  expect(written('logfmt')).toEqual([
    expect.stringMatching(
      /^ts=\S+Z level=warn msg="join failed" node=a err="no answer: refused" count=2\n$/,
    ),
  ]);
});
