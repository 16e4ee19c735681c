import { VirtualRuntime } from '@ml/runtime/virtual';
import { expect, test } from 'vitest';
import { DnsQueryError } from '../src/index.ts';
import { StaticResolver } from '../src/static-resolver.ts';

function zone(): StaticResolver {
  const resolver = new StaticResolver({ random: new VirtualRuntime({ seed: 1n }).random });
  resolver.setAddresses('Host.Test.', ['10.0.0.1']);
  return resolver;
}

test('names are compared without case and trailing dot', async () => {
  expect(await zone().lookupAddresses('hOST.tEST', {})).toEqual(['10.0.0.1']);
});

test('the zone may change between look-ups', async () => {
  const resolver = zone();
  resolver.setAddresses('host.test', ['10.0.0.2']);
  expect(await resolver.lookupAddresses('host.test', {})).toEqual(['10.0.0.2']);
});

test('IP literals need no record', async () => {
  expect(await zone().lookupAddresses('10.1.1.1', {})).toEqual(['10.1.1.1']);
  expect(await zone().lookupAddresses('[::1]', {})).toEqual(['::1']);
});

test('a fault of every name ends when it is healed', async () => {
  const resolver = zone();
  resolver.fail('*', 'servfail');
  await expect(resolver.lookupAddresses('host.test', {})).rejects.toThrow(DnsQueryError);
  await expect(resolver.lookupSrv('host.test', {})).rejects.toThrow(DnsQueryError);
  resolver.heal('*');
  expect(await resolver.lookupSrv('host.test', {})).toEqual([]);
});

test('a hanging look-up is answered once its name is healed', async () => {
  const resolver = zone();
  resolver.fail('host.test', 'hang');
  const answer = resolver.lookupAddresses('host.test', {});
  resolver.heal('host.test');
  expect(await answer).toEqual(['10.0.0.1']);
});

test('a hanging look-up ends with the reason of an abort', async () => {
  const resolver = zone();
  resolver.fail('host.test', 'hang');
  const abort = new AbortController();
  const answer = resolver.lookupAddresses('host.test', { signal: abort.signal });
  const reason = new TypeError('stop');
  abort.abort(reason);
  await expect(answer).rejects.toBe(reason);
});
