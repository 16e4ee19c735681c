import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, formatShortDuration, parseDuration } from '../../src/config/index.ts';

describe('parseDuration', () => {
  test.each([
    ['0', 0],
    ['-0', 0],
    ['0s', 0],
    ['5s', 5000],
    ['+5s', 5000],
    ['-5s', -5000],
    ['1h2m3.5s', 3_723_500],
    ['.5s', 500],
    ['1.s', 1000],
    ['1m1ms1us1ns', 60_001.001001],
    ['10\u00b5s', 0.01],
    ['10\u03bcs', 0.01],
    ['250ms', 250],
    ['0.3333333333333333333h', 1_200_000],
    ['9223372036854775807ns', 9_223_372_036_854.775],
    ['1s1s', 2000],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    '',
    '3',
    '-',
    's',
    '.',
    '-.',
    '.s',
    '+.s',
    '1d',
    '1 s',
    ' 1s',
    '1s ',
    '1s-1s',
    '--1s',
    '1e3s',
    '1.5.5s',
    '1S',
    '3000000h',
    '9223372036854775808ns',
    '99999999999999999999999s',
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0s', '0s'],
    [250, '250ms', '250ms'],
    [1500, '1.5s', '1.5s'],
    [30_000, '30s', '30s'],
    [90_000, '1m30s', '1m30s'],
    [300_000, '5m0s', '5m'],
    [3_600_000, '1h0m0s', '1h'],
    [3_660_000, '1h1m0s', '1h1m'],
    [36_000_000_000, '10000h0m0s', '10000h'],
    [-1500, '-1.5s', '-1.5s'],
    [0.001, '1\u00b5s', '1\u00b5s'],
    [0.0005, '500ns', '500ns'],
    [1.1, '1.1ms', '1.1ms'],
  ])('%d ms are %s', (ms, text, short) => {
    expect(formatDuration(ms)).toBe(text);
    expect(formatShortDuration(ms)).toBe(short);
  });

  test('what it writes reads back as the same, to the nanosecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 15), max: 10 ** 15 }), (ns) => {
        const ms = ns / 1e6;
        const back = parseDuration(formatDuration(ms));
        expect(back).toBeDefined();
        expect(Math.round(Number(back) * 1e6)).toBe(ns === 0 ? 0 : ns);
        expect(parseDuration(formatShortDuration(ms))).toBe(back);
      }),
    );
  });

  test('no text makes parseDuration throw', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[-+.0-9a-zµ]{0,30}$/), (text) => {
        const ms = parseDuration(text);
        expect(ms === undefined || Number.isFinite(ms)).toBe(true);
      }),
    );
  });
});
