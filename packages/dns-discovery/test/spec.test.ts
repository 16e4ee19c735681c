import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DnsSpecError, isDynamic, parseSpec, refuseDnsPrefix } from '../src/index.ts';

describe('an entry', () => {
  test.each([
    ['dns+host.test:7946', { type: 'dns', name: 'host.test', port: 7946, scheme: '' }],
    ['dns+[::1]:7946', { type: 'dns', name: '::1', port: 7946, scheme: '' }],
    ['dns+http://h:80', { type: 'dns', name: 'h', port: 80, scheme: 'http:' }],
    [
      'dnssrv+_grpc._tcp.a.b',
      { type: 'dnssrv', name: '_grpc._tcp.a.b', port: undefined, scheme: '' },
    ],
    ['dnssrv+a.b:7946', { type: 'dnssrv', name: 'a.b', port: 7946, scheme: '' }],
    ['dnssrvnoa+a.b.', { type: 'dnssrvnoa', name: 'a.b.', port: undefined, scheme: '' }],
    ['dnssrvnoa+a.b:1', { type: 'dnssrvnoa', name: 'a.b', port: 1, scheme: '' }],
    ['10.0.0.1:7946', { type: 'none', name: '10.0.0.1:7946', port: undefined, scheme: '' }],
    ['[::1]:7946', { type: 'none', name: '[::1]:7946', port: undefined, scheme: '' }],
    ['+host:1', { type: 'none', name: 'host:1', port: undefined, scheme: '' }],
    ['', { type: 'none', name: '', port: undefined, scheme: '' }],
  ])('%j is read as %j', (text, spec) => {
    expect(parseSpec(text)).toEqual(spec);
  });

  test.each([
    ['dns+host.test', /missing port/],
    ['dns+host.test:', /missing port/],
    ['dns+[::1]', /missing port/],
    ['dns+::1', /missing port/],
    ['dns+host.test:http', /bad port "http"/],
    ['dns+host.test:0', /bad port "0"/],
    ['dnssrv+host.test:65536', /bad port "65536"/],
    ['dns+', /no name/],
    ['dns+:7946', /no name/],
    ['dnssrv+.', /no name/],
    ['gibberish+host:1', /unknown prefix "gibberish"/],
    ['DNS+host:1', /unknown prefix "DNS"/],
    [`dnssrv+${'a.'.repeat(200)}`, /400 characters/],
  ])('%j is refused with what is wrong', (text, message) => {
    expect(() => parseSpec(text)).toThrow(DnsSpecError);
    expect(() => parseSpec(text)).toThrow(message);
  });

  test('is never anything but parsed or refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseSpec(text);
        } catch (error) {
          expect(error).toBeInstanceOf(DnsSpecError);
        }
      }),
    );
  });

  test('is dynamic exactly when it holds a plus sign', () => {
    expect(['dns+a:1', 'gibberish+x', '+x'].every(isDynamic)).toBe(true);
    expect(['', 'a:1', '10.0.0.1'].some(isDynamic)).toBe(false);
  });
});

describe('a prefix outside the join list', () => {
  test('is refused by the name of the option', () => {
    expect(() => refuseDnsPrefix('dnssrv+a.b', '-memberlist.bind-addr')).toThrow(
      /-memberlist\.bind-addr is "dnssrv\+a\.b", but DNS discovery prefixes work only in -memberlist\.join/,
    );
  });

  test('is not seen where there is none', () => {
    expect(() => refuseDnsPrefix('10.0.0.1', '-memberlist.bind-addr')).not.toThrow();
    expect(() => refuseDnsPrefix('a+b', '-memberlist.nodename')).not.toThrow();
  });
});
