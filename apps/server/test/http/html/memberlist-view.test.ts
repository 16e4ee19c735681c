import { expect, test } from 'vitest';
import { type MemberlistView, memberlistView } from '../../../src/http/html/memberlist-view.ts';

const view: MemberlistView = {
  nowUnixMs: 1_003_000,
  self: 'a',
  isolated: false,
  healthScore: 0,
  members: [{ name: 'a', address: '10.0.0.1:7946', state: 'alive' }],
  keys: [],
  historyBytes: 0,
  received: [],
  sent: [],
};

const message = (id: number) => ({
  id,
  atUnixMs: 1_000_000,
  key: `key-${id}`,
  codec: 'ringDesc',
  bytes: 10,
  version: 0,
  changes: ['<i>'],
});

test('an isolated node says so', () => {
  expect(memberlistView(view).text).not.toContain('role="alert"');
  expect(memberlistView({ ...view, isolated: true }).text).toContain('sees no other member');
});

test('without a history the page says how to get one', () => {
  expect(memberlistView(view).text).toContain('-memberlist.message-history-buffer-bytes');
});

test('only the newest messages are listed, newest first, and it says so', () => {
  const received = Array.from({ length: 250 }, (_, index) => message(index));
  const { text } = memberlistView({ ...view, historyBytes: 1, received });
  expect(text).toContain('the last 100 of 250');
  expect(text).not.toContain('key-149');
  expect(text.indexOf('key-249')).toBeLessThan(text.indexOf('key-150'));
});

test('what members wrote is escaped', () => {
  const { text } = memberlistView({ ...view, historyBytes: 1, sent: [message(1)] });
  expect(text).toContain('&#60;i&#62;');
  expect(text).not.toContain('<i>');
});

test('a key goes into links encoded', () => {
  const key = {
    key: 'a&b/"c',
    codec: 'x',
    version: 1,
    bytes: 1,
    deleted: false,
    updatedUnixMs: undefined,
  };
  const { text } = memberlistView({ ...view, keys: [key] });
  expect(text).toContain('?downloadKey=a%26b%2F%22c"');
});
