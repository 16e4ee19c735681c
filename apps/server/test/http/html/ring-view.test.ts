import { describe, expect, test } from 'vitest';
import { type RingViewRow, ringSlices, ringView } from '../../../src/http/html/ring-view.ts';

const row = (
  id: string,
  tokens: readonly number[],
  more: Partial<RingViewRow> = {},
): RingViewRow => ({
  id,
  state: 'ACTIVE',
  address: '10.0.0.1:4040',
  zone: '',
  heartbeatUnixMs: 1_000_000,
  registeredUnixMs: undefined,
  readOnly: false,
  readOnlyUpdatedUnixMs: undefined,
  tokens,
  ownership: 0.5,
  ...more,
});

const view = { name: 'ring', key: 'collectors/ring', nowUnixMs: 1_003_000, showTokens: false };

describe('the picture of a ring', () => {
  test('gives each token what lies between the one before it and itself', () => {
    const slices = ringSlices([row('a', [2 ** 30]), row('b', [3 * 2 ** 30])]);
    expect(slices.map(({ pieces }) => pieces)).toEqual([
      [{ from: -0.25, to: 0.25 }],
      [{ from: 0.25, to: 0.75 }],
    ]);
  });

  test('joins neighbouring pieces of one owner', () => {
    const [slice] = ringSlices([row('a', [1, 2 ** 30, 2 ** 31])]);
    expect(slice?.pieces).toHaveLength(1);
  });

  test('shows the whole ring of a single token', () => {
    const text = ringView({ ...view, rows: [row('a', [7], { ownership: 1 })] }).text;
    expect(text).toContain('a: 100%');
    expect(text.match(/A78 78/g)).toHaveLength(2);
  });
});

describe('the ring page', () => {
  test('escapes what instances say of themselves', () => {
    const text = ringView({ ...view, rows: [row('<b onx="1">', [1])] }).text;
    expect(text).not.toContain('<b onx');
    expect(text).toContain('&#60;b onx=&#34;1&#34;&#62;');
  });

  test('tells heartbeats relative to now and states in words', () => {
    const text = ringView({ ...view, rows: [row('a', [1], { state: 'UNHEALTHY' })] }).text;
    expect(text).toContain('3s ago');
    expect(text).toContain('<span class="state bad">UNHEALTHY</span>');
  });

  test('lists tokens only when asked', () => {
    const rows = [row('a', [123456789])];
    expect(ringView({ ...view, rows }).text).not.toContain('123456789');
    expect(ringView({ ...view, rows, showTokens: true }).text).toContain('123456789');
  });

  test('says so when the ring is empty', () => {
    expect(ringView({ ...view, rows: [] }).text).toContain('The ring is empty');
  });

  test('uses no inline style attribute, which its security policy would drop', () => {
    expect(ringView({ ...view, rows: [row('a', [1])] }).text).not.toMatch(/\sstyle=/);
  });
});
