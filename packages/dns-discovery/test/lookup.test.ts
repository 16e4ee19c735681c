import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { DnsQueryError, lookup, MAX_RECORDS, parseSpec } from '../src/index.ts';
import { StaticResolver } from '../src/static-resolver.ts';

function zone(): StaticResolver {
  const resolver = new StaticResolver({ random: new VirtualRuntime({ seed: 1n }).random });
  resolver.setAddresses('host.test', ['10.0.0.1', 'fd00::1']);
  resolver.setAddresses('a.test', ['10.0.0.2']);
  resolver.setAddresses('b.test', ['10.0.0.3']);
  resolver.setSrv('srv.test', [
    { target: 'a.test', port: 7001, priority: 1 },
    { target: 'b.test', port: 7002, priority: 2 },
    { target: 'gone.test', port: 7003, priority: 3 },
  ]);
  return resolver;
}

const find = (text: string, resolver: StaticResolver = zone()) =>
  lookup(parseSpec(text), { resolver });

describe('a look-up', () => {
  test.each([
    ['dns+host.test:7946', ['10.0.0.1:7946', '[fd00::1]:7946']],
    ['dns+http://host.test:80', ['http://10.0.0.1:80', 'http://[fd00::1]:80']],
    ['dns+10.9.9.9:1', ['10.9.9.9:1']],
    ['dns+[::1]:7946', ['[::1]:7946']],
    ['dns+missing.test:7946', []],
    ['dnssrv+srv.test', ['10.0.0.2:7001', '10.0.0.3:7002']],
    ['dnssrv+srv.test:9', ['10.0.0.2:9', '10.0.0.3:9']],
    ['dnssrvnoa+srv.test', ['a.test:7001', 'b.test:7002', 'gone.test:7003']],
    ['dnssrvnoa+srv.test:9', ['a.test:9', 'b.test:9', 'gone.test:9']],
    ['dnssrv+missing.test', []],
    ['host.test:7946', ['host.test:7946']],
  ])('of %s yields %j', async (text, addresses) => {
    expect((await find(text)).addresses).toEqual(addresses);
  });

  test('fails as a whole when one target cannot be looked up', async () => {
    const resolver = zone();
    resolver.fail('b.test', 'servfail');
    await expect(find('dnssrv+srv.test', resolver)).rejects.toThrow(DnsQueryError);
  });

  test('names the ports of a target that comes with several, unless the entry gives one', async () => {
    const resolver = zone();
    expect((await find('dnssrv+srv.test', resolver)).ambiguousPorts).toEqual([]);
    resolver.setSrv('srv.test', [
      { target: 'a.test', port: 9150 },
      { target: 'a.test', port: 7946 },
      { target: 'b.test', port: 1 },
    ]);
    expect((await find('dnssrvnoa+srv.test', resolver)).ambiguousPorts).toEqual([7946, 9150]);
    expect((await find('dnssrvnoa+srv.test:9', resolver)).ambiguousPorts).toEqual([]);
  });

  test('drops duplicate addresses', async () => {
    const resolver = zone();
    resolver.setAddresses('host.test', ['10.0.0.1', '10.0.0.1']);
    expect((await find('dns+host.test:1', resolver)).addresses).toEqual(['10.0.0.1:1']);
  });

  test('ignores the SRV target that says the service is not there', async () => {
    const resolver = zone();
    resolver.setSrv('srv.test', [{ target: '.', port: 7946 }]);
    expect((await find('dnssrvnoa+srv.test', resolver)).addresses).toEqual([]);
  });

  test('is cut at the record limit and says by how many', async () => {
    const resolver = zone();
    const records = Array.from({ length: MAX_RECORDS + 5 }, (_, i) => ({
      target: `m${i}.test`,
      port: 7946,
    }));
    resolver.setSrv('srv.test', records);
    const found = await find('dnssrvnoa+srv.test', resolver);
    expect(found.addresses).toHaveLength(MAX_RECORDS);
    expect(found.dropped).toBe(5);
  });
});
