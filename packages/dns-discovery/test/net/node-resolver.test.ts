import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { DnsQueryError } from '../../src/index.ts';
import { nodeResolver } from '../../src/node.ts';
import {
  type Answer,
  a,
  aaaa,
  cname,
  dnsServer,
  type Question,
  RCODE,
  srv,
  TYPE,
} from '../support/dns-server.ts';

const random = new VirtualRuntime({ seed: 7n }).random;

/** Runs `use` with a resolver whose only name server answers as told, and whose resolv.conf holds `conf`. */
async function withServer<T>(
  answer: (question: Question) => Answer | undefined,
  use: (resolver: ReturnType<typeof nodeResolver>, questions: readonly Question[]) => Promise<T>,
  conf = 'search \n',
): Promise<T> {
  await using server = await dnsServer(answer);
  const dir = await mkdtemp(join(tmpdir(), 'resolv-'));
  try {
    const resolvConfPath = join(dir, 'resolv.conf');
    await writeFile(resolvConfPath, conf);
    const servers = [server.address];
    const resolver = nodeResolver({ random, servers, resolvConfPath, timeoutMs: 200, attempts: 1 });
    return await use(resolver, server.questions);
  } finally {
    await rm(dir, { recursive: true });
  }
}

describe('addresses over a name server', () => {
  test('a name with both families yields IPv4 and IPv6', async () => {
    const found = await withServer(
      ({ name, type }) => ({
        records:
          type === TYPE.A ? [a(name, '10.0.0.1')] : [aaaa(name, [0xfd00, 0, 0, 0, 0, 0, 0, 1])],
      }),
      (resolver) => resolver.lookupAddresses('both.test', {}),
    );
    expect(found).toEqual(['10.0.0.1', 'fd00::1']);
  });

  test('a name with IPv6 addresses only yields them', async () => {
    const found = await withServer(
      ({ name, type }) =>
        type === TYPE.AAAA ? { records: [aaaa(name, [0xfd00, 0, 0, 0, 0, 0, 0, 2])] } : {},
      (resolver) => resolver.lookupAddresses('six.test', {}),
    );
    expect(found).toEqual(['fd00::2']);
  });

  test('a CNAME is followed', async () => {
    const found = await withServer(
      ({ name, type }) =>
        type === TYPE.A ? { records: [cname(name, 'real.test'), a('real.test', '10.0.0.9')] } : {},
      (resolver) => resolver.lookupAddresses('alias.test', {}),
    );
    expect(found).toEqual(['10.0.0.9']);
  });

  test('a CNAME loop ends without an address', async () => {
    const next: Readonly<Record<string, string>> = {
      'one.test': 'two.test',
      'two.test': 'one.test',
    };
    const found = await withServer(
      ({ name }) => ({ records: [cname(name, next[name] ?? 'one.test')] }),
      (resolver) => resolver.lookupAddresses('one.test', {}),
    );
    expect(found).toEqual([]);
  });

  test('an unknown name has no addresses', async () => {
    const found = await withServer(
      () => ({ rcode: RCODE.NXDOMAIN }),
      (resolver) => resolver.lookupAddresses('nowhere.test', {}),
    );
    expect(found).toEqual([]);
  });

  test('an answer cut for UDP is fetched over TCP', async () => {
    const many = (name: string) => Array.from({ length: 100 }, (_, i) => a(name, `10.0.1.${i}`));
    await withServer(
      ({ name, type }) => (type === TYPE.A ? { records: many(name), truncate: true } : {}),
      async (resolver, questions) => {
        expect(await resolver.lookupAddresses('many.test', {})).toHaveLength(100);
        expect(questions.some(({ over }) => over === 'tcp')).toBe(true);
      },
    );
  });

  test('an IP literal returns itself without a question', async () => {
    await withServer(
      () => ({}),
      async (resolver, questions) => {
        expect(await resolver.lookupAddresses('127.0.0.1', {})).toEqual(['127.0.0.1']);
        expect(await resolver.lookupAddresses('[::1]', {})).toEqual(['::1']);
        expect(questions).toEqual([]);
      },
    );
  });
});

describe('SRV records', () => {
  test('come by priority, and targets carry no trailing dot', async () => {
    const found = await withServer(
      ({ name }) => ({
        records: [srv(name, 'late.test', 7002, 2), srv(name, 'early.test', 7001, 1)],
      }),
      (resolver) => resolver.lookupSrv('members.test', {}),
    );
    expect(found).toEqual([
      { target: 'early.test', port: 7001, priority: 1, weight: 0 },
      { target: 'late.test', port: 7002, priority: 2, weight: 0 },
    ]);
  });

  test('of an unknown name are none', async () => {
    const found = await withServer(
      () => ({ rcode: RCODE.NXDOMAIN }),
      (resolver) => resolver.lookupSrv('nowhere.test', {}),
    );
    expect(found).toEqual([]);
  });

  test('of a name with records of other kinds only are none', async () => {
    const found = await withServer(
      () => ({}),
      (resolver) => resolver.lookupSrv('empty.test', {}),
    );
    expect(found).toEqual([]);
  });

  test('a thousand records arrive over TCP', async () => {
    const found = await withServer(
      ({ name }) => ({
        records: Array.from({ length: 1000 }, (_, i) => srv(name, `m${i}.test`, 7946)),
        truncate: true,
      }),
      (resolver) => resolver.lookupSrv('big.test', {}),
    );
    expect(found).toHaveLength(1000);
  });

  test('SERVFAIL is an error', async () => {
    await withServer(
      () => ({ rcode: RCODE.SERVFAIL }),
      async (resolver) => {
        await expect(resolver.lookupSrv('broken.test', {})).rejects.toThrow(DnsQueryError);
      },
    );
  });

  test('silence is an error', async () => {
    await withServer(
      () => undefined,
      async (resolver) => {
        await expect(resolver.lookupSrv('silent.test', {})).rejects.toThrow(DnsQueryError);
      },
    );
  });

  test('an abort rejects with its reason at once', async () => {
    const abort = new AbortController();
    const reason = new TypeError('stop');
    await withServer(
      () => {
        abort.abort(reason);
        return undefined;
      },
      async (resolver) => {
        const answer = resolver.lookupSrv('silent.test', { signal: abort.signal });
        await expect(answer).rejects.toBe(reason);
      },
    );
  });
});

describe('the search list', () => {
  const conf = 'search ns.svc.cluster.test svc.cluster.test\noptions ndots:5\n';

  test('finds a short SRV name', async () => {
    await withServer(
      ({ name }) =>
        name === 'members.svc.cluster.test'
          ? { records: [srv(name, 'pod.test', 7946)] }
          : { rcode: RCODE.NXDOMAIN },
      async (resolver, questions) => {
        expect(await resolver.lookupSrv('members', {})).toHaveLength(1);
        expect(questions.map(({ name }) => name)).toEqual([
          'members.ns.svc.cluster.test',
          'members.svc.cluster.test',
        ]);
      },
      conf,
    );
  });

  test('is not used for an absolute name', async () => {
    await withServer(
      () => ({ rcode: RCODE.NXDOMAIN }),
      async (resolver, questions) => {
        expect(await resolver.lookupSrv('members.', {})).toEqual([]);
        expect(questions.map(({ name }) => name)).toEqual(['members']);
      },
      conf,
    );
  });

  test('a failure of one candidate counts when no other is found', async () => {
    await withServer(
      ({ name }) => ({
        rcode: name === 'members.ns.svc.cluster.test' ? RCODE.SERVFAIL : RCODE.NXDOMAIN,
      }),
      async (resolver) => {
        await expect(resolver.lookupSrv('members', {})).rejects.toThrow(DnsQueryError);
      },
      conf,
    );
  });
});

describe('the system resolver', () => {
  test('knows localhost from the hosts file', async () => {
    const found = await nodeResolver({ random }).lookupAddresses('localhost', {});
    expect(found.some((ip) => ip === '127.0.0.1' || ip === '::1')).toBe(true);
  });
});
