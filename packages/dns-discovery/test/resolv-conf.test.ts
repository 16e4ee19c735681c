import { describe, expect, test } from 'vitest';
import { candidateNames, DEFAULT_RESOLV_CONF, parseResolvConf } from '../src/resolv-conf.ts';

describe('resolv.conf', () => {
  test('of a Kubernetes pod is read', () => {
    const text = [
      'nameserver 10.96.0.10',
      'search ns.svc.cluster.local svc.cluster.local cluster.local.',
      'options ndots:5 timeout:1 attempts:3 edns0',
    ].join('\n');
    expect(parseResolvConf(text)).toEqual({
      servers: ['10.96.0.10'],
      search: ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      ndots: 5,
      timeoutMs: 1000,
      attempts: 3,
    });
  });

  test('that is empty means the defaults', () => {
    expect(parseResolvConf('')).toEqual(DEFAULT_RESOLV_CONF);
  });

  test('may hold comments, rubbish and bad numbers', () => {
    const text =
      '# nameserver 1.1.1.1\nnameserver not-an-ip\n; x\nfoo bar\noptions ndots:x timeout:999 attempts:\nnameserver ::1 # six';
    expect(parseResolvConf(text)).toEqual({
      ...DEFAULT_RESOLV_CONF,
      servers: ['::1'],
      timeoutMs: 30_000,
    });
  });

  test('the later of domain and search counts', () => {
    expect(parseResolvConf('domain a.test\nsearch b.test c.test').search).toEqual([
      'b.test',
      'c.test',
    ]);
    expect(parseResolvConf('search b.test\ndomain a.test').search).toEqual(['a.test']);
  });
});

describe('names to try', () => {
  const conf = { search: ['x.test', 'y.test'], ndots: 2 };

  test.each([
    ['a', ['a.x.test', 'a.y.test', 'a']],
    ['a.b', ['a.b.x.test', 'a.b.y.test', 'a.b']],
    ['a.b.c', ['a.b.c', 'a.b.c.x.test', 'a.b.c.y.test']],
    ['a.', ['a']],
  ])('for %s are %j', (name, names) => {
    expect(candidateNames(name, conf)).toEqual(names);
  });
});
