import { expect, test } from 'vitest';
import { recordingLogger, silentLogger, stampedLogger } from '../src/index.ts';

test('a recording logger keeps the lines of its children too, with their fields', () => {
  const log = recordingLogger();
  log.child({ node: 'a' }).child({ part: 'kv' }).info({ key: 'ring' }, 'stored');
  log.debug({}, 'ticked');
  expect(log.lines).toEqual([
    { level: 'info', fields: { node: 'a', part: 'kv', key: 'ring' }, message: 'stored' },
    { level: 'debug', fields: {}, message: 'ticked' },
  ]);
});

test('a recording logger forgets its oldest lines', () => {
  const log = recordingLogger(2);
  for (const n of [1, 2, 3]) log.error({ n }, 'failed');
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ n: 2 }, { n: 3 }]);
});

test('a stamp is taken anew for each line, and a line’s own fields win', () => {
  const log = recordingLogger();
  let tick = 0;
  const stamped = stampedLogger(log, () => ({ tick: ++tick, part: 'stamp' }));
  stamped.info({}, 'one');
  stamped.child({ node: 'a' }).warn({ part: 'own' }, 'two');
  expect(log.lines.map(({ fields }) => fields)).toEqual([
    { tick: 1, part: 'stamp' },
    { node: 'a', tick: 2, part: 'own' },
  ]);
});

test('the silent logger takes everything', () => {
  expect(() => silentLogger.child({ a: 1 }).error({}, 'unheard')).not.toThrow();
});
