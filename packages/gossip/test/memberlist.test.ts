import { DialError } from '@ml/transport';
import { describe, expect, test, vi } from 'vitest';
import {
  type Delegate,
  JoinError,
  type Member,
  type MemberEvent,
  MemberlistClosedError,
  NoResponseError,
} from '../src/index.ts';
import { Cluster, seen, stateOf } from './cluster.ts';

// Long stretches of virtual time: seconds of work, more on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

/** A delegate with meta data, a state and messages of its own. */
function application(meta = ''): Delegate & {
  readonly heard: string[];
  readonly waiting: string[];
  meta: string;
} {
  const heard: string[] = [];
  const waiting: string[] = [];
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const bytes = (given: string): Uint8Array => new TextEncoder().encode(given);
  const app = {
    heard,
    waiting,
    meta,
    nodeMeta: () => bytes(app.meta),
    onMessage: (message: Uint8Array) => {
      heard.push(text(message));
    },
    broadcasts: () => waiting.splice(0, 1).map(bytes),
    localState: (isJoin: boolean) => bytes(`state of ${app.meta}, join ${isJoin}`),
    mergeRemoteState: (state: Uint8Array, isJoin: boolean) => {
      heard.push(`${text(state)}, join ${isJoin}`);
    },
  };
  return app;
}

describe('joining', () => {
  test('makes both sides know each other, and counts the addresses that answered', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const b = await cluster.add('b');
    expect(await cluster.join(b, a)).toBe(1);
    await cluster.until(() => seen(a).length === 2);
    expect(seen(a)).toEqual(['a', 'b']);
    expect(seen(b)).toEqual(['a', 'b']);
    expect(b.memberlist.memberCount).toBe(2);
  });

  test('swaps the states of the applications, told to be a join on both sides', async () => {
    await using cluster = new Cluster();
    const [one, two] = [application('one'), application('two')];
    const a = await cluster.add('a', { options: { delegate: one } });
    const b = await cluster.add('b', { options: { delegate: two } });
    await cluster.join(b, a);
    await cluster.until(() => one.heard.length > 0);
    expect(one.heard).toEqual(['state of two, join true, join true']);
    expect(two.heard).toEqual(['state of one, join true, join true']);
    const metas = a.memberlist.members().map(({ meta }) => new TextDecoder().decode(meta));
    expect(metas.sort((x, y) => x.localeCompare(y))).toEqual(['one', 'two']);
  });

  test('takes every address of a host name, a node name, a port, and IPv6', async () => {
    await using cluster = new Cluster();
    const hosts = ['10.1.0.1', '10.1.0.2', '2001:db8::1'];
    for (const host of hosts) await cluster.add(`at ${host}`, { host });
    const asked: string[] = [];
    const joiner = await cluster.add('joiner', {
      options: {
        resolveHost: async (host) => {
          asked.push(host);
          return ['10.1.0.1', '10.1.0.2'];
        },
      },
    });
    const addresses = ['seeds.example:7946', 'x/10.1.0.1', '[2001:db8::1]:7946'];
    expect(await cluster.settled(joiner.memberlist.join(addresses))).toBe(4);
    expect(asked).toEqual(['seeds.example']);
    expect(seen(joiner)).toHaveLength(4);
  });

  test('fails only when nobody answered, and then says why for each address', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const b = await cluster.add('b');
    const addresses = ['10.0.0.77', 'h:80000', 'unknown.example', b.host];
    expect(await cluster.settled(a.memberlist.join(addresses))).toBe(1);
    const failed = cluster.settled(a.memberlist.join(addresses.slice(0, 3)));
    await expect(failed).rejects.toBeInstanceOf(JoinError);
    const error = await failed.catch((caught: unknown) => caught);
    if (!(error instanceof JoinError)) throw new RangeError('another error');
    expect(error.failures[0]).toBeInstanceOf(DialError);
    expect(error.failures.map((failure) => failure.message).join('\n')).toMatch(
      /10\.0\.0\.77[\s\S]*"80000" is not a port[\s\S]*the host has no address/,
    );
  });

  test('with no addresses is a success of none', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    expect(await a.memberlist.join([])).toBe(0);
  });

  test('a node that is silent gives up after the stream timeout', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const b = await cluster.add('b');
    using _pause = cluster.pause(b);
    const before = cluster.now;
    await expect(cluster.join(a, b)).rejects.toBeInstanceOf(JoinError);
    expect(cluster.now - before).toBeGreaterThanOrEqual(10_000);
    expect(cluster.now - before).toBeLessThan(20_100);
  });

  test('a node that cuts the connection without an answer tells who it was and what to compare', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const rude = cluster.network.transport({ host: '10.9.9.9', port: 7946 });
    await rude.listen({ onPacket: () => {}, onStream: () => void rude[Symbol.asyncDispose]() });
    await expect(cluster.settled(a.memberlist.join(['10.9.9.9']))).rejects.toThrow(
      /exchange with 10\.9\.9\.9:7946 was cut: .*reset; compare .*-memberlist\.cluster-label/,
    );
  });

  test('can be aborted', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const controller = new AbortController();
    const joining = a.memberlist.join(['10.0.0.77'], { signal: controller.signal });
    controller.abort(new RangeError('enough'));
    await expect(cluster.settled(joining)).rejects.toThrow('enough');
  });

  test('needs equal labels, unless the check is skipped', async () => {
    await using cluster = new Cluster();
    const prod = await cluster.add('prod', { config: { label: 'prod' } });
    const twin = await cluster.add('twin', { config: { label: 'prod' } });
    const test_ = await cluster.add('test', { config: { label: 'test' } });
    const none = await cluster.add('none');
    expect(await cluster.join(twin, prod)).toBe(1);
    await expect(cluster.join(test_, prod)).rejects.toBeInstanceOf(JoinError);
    await expect(cluster.join(none, prod)).rejects.toThrow(/compare .*-memberlist\.cluster-label/);
    await expect(cluster.join(prod, none)).rejects.toBeInstanceOf(JoinError);
    const lax = { label: 'test', skipInboundLabelCheck: true };
    const open = await cluster.add('open', { config: lax });
    expect(await cluster.join(prod, open)).toBe(1);
  });

  test('is refused by the merge delegate of either side, and nothing is merged', async () => {
    await using cluster = new Cluster({ config: { gossipIntervalMs: 0, probeIntervalMs: 0 } });
    const closed = { merge: { refuseMerge: () => 'strangers' } };
    const a = await cluster.add('a');
    const b = await cluster.add('b', { options: closed });
    await expect(cluster.join(b, a)).rejects.toThrow(/strangers/);
    expect(seen(b)).toEqual(['b']);
    const c = await cluster.add('c');
    await cluster.join(c, b);
    await cluster.runFor(1000);
    expect(seen(b)).toEqual(['b']);
  });
});

describe('leaving', () => {
  test('is seen by all within a second, and the leaver stays gone', async () => {
    await using cluster = new Cluster();
    const [a, b, c] = await cluster.grow(3);
    if (a === undefined || b === undefined || c === undefined) throw new RangeError('no nodes');
    const before = cluster.now;
    await cluster.settled(c.memberlist.leave({ timeoutMs: 5000 }));
    expect(cluster.now - before).toBeLessThan(1000);
    expect(stateOf(a, c.name)).toBe('left');
    expect(stateOf(b, c.name)).toBe('left');
    expect(c.memberlist.localNode.state).toBe('left');
    await cluster.runFor(10_000);
    expect(seen(a)).toEqual([a.name, b.name]);
    await c.memberlist.leave({ timeoutMs: 1 });
  });

  test('alone is done at once', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const before = cluster.now;
    await cluster.settled(a.memberlist.leave({ timeoutMs: 5000 }));
    expect(cluster.now).toBe(before);
  });

  test('that cannot be told to anybody fails in time', async () => {
    await using cluster = new Cluster({ config: { gossipIntervalMs: 0 } });
    const a = await cluster.add('a', { config: { probeIntervalMs: 0 } });
    const b = await cluster.add('b', { config: { probeIntervalMs: 0 } });
    await cluster.join(b, a);
    await expect(cluster.settled(b.memberlist.leave({ timeoutMs: 300 }))).rejects.toMatchObject({
      code: 'ML_TIMEOUT',
    });
  });
});

test('new meta data reaches everybody', async () => {
  await using cluster = new Cluster();
  const app = application('old');
  const a = await cluster.add('a', { options: { delegate: app } });
  const b = await cluster.add('b');
  await cluster.join(b, a);
  const events = b.memberlist.events();
  app.meta = 'new';
  await cluster.settled(a.memberlist.updateNode({ timeoutMs: 5000 }));
  const { value } = await events.next();
  expect(value).toMatchObject({ type: 'update', member: { name: 'a' } });
  expect(new TextDecoder().decode(b.memberlist.member('a')?.meta)).toBe('new');
  expect(a.memberlist.localNode.incarnation).toBe(2);
});

describe('messages of the application', () => {
  test('go by packet, by stream and by gossip', async () => {
    await using cluster = new Cluster();
    const [one, two] = [application(), application()];
    const a = await cluster.add('a', { options: { delegate: one } });
    const b = await cluster.add('b', { options: { delegate: two } });
    await cluster.join(b, a);
    two.heard.length = 0;
    const to = b.memberlist.localNode;
    a.memberlist.sendBestEffort(to, new TextEncoder().encode('packet'));
    await cluster.settled(
      a.memberlist.sendReliable(to, new TextEncoder().encode('x'.repeat(5000))),
    );
    await cluster.runFor(5000);
    one.waiting.push('gossip');
    a.memberlist.wakeGossip();
    await cluster.runFor(1000);
    expect(two.heard).toEqual(['packet', 'x'.repeat(5000), 'gossip']);
  });

  test('a reliable one fails when nobody is there', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const to = { ...a.memberlist.localNode, address: { host: '10.0.0.77', port: 1 } };
    const sending = cluster.settled(a.memberlist.sendReliable(to, Uint8Array.of(1)));
    await expect(sending).rejects.toBeInstanceOf(DialError);
  });
});

describe('pinging', () => {
  test('measures the round trip', async () => {
    await using cluster = new Cluster({ link: { latencyMs: 15 } });
    const [a, b] = await cluster.grow(2);
    const ping = a?.memberlist.ping(b?.name ?? '', { host: b?.host ?? '', port: 7946 });
    expect(await cluster.settled(ping ?? Promise.resolve(0))).toBe(30);
  });

  test('somebody silent fails after the probe timeout', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const ping = cluster.settled(a.memberlist.ping('x', { host: '10.0.0.77', port: 7946 }));
    await expect(ping).rejects.toBeInstanceOf(NoResponseError);
    expect(cluster.now).toBe(500);
  });
});

describe('events', () => {
  test('come in order to each reader, and end when the memberlist closes', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const read: string[] = [];
    const reading = (async () => {
      for await (const event of a.memberlist.events()) {
        if (event.type === 'join' || event.type === 'leave') {
          read.push(`${event.type} ${event.member.name}`);
        }
      }
    })();
    const b = await cluster.add('b');
    await cluster.join(b, a);
    await cluster.settled(b.memberlist.leave({ timeoutMs: 5000 }));
    await cluster.runFor(1000);
    await a.memberlist.close();
    await reading;
    expect(read).toEqual(['join b', 'leave b']);
  });

  test('that a slow reader misses are counted for it', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const events = a.memberlist.events();
    const app = application();
    const b = await cluster.add('b', { options: { delegate: app } });
    await cluster.join(b, a);
    for (let i = 0; i < 1100; i++) {
      app.meta = String(i);
      b.memberlist.updateNode({ timeoutMs: 1 }).catch(() => undefined);
      await cluster.runFor(250);
    }
    await a.memberlist.close();
    const read: MemberEvent[] = [];
    for await (const event of events) read.push(event);
    expect(read.at(-1)).toMatchObject({ type: 'dropped' });
    expect(read.length).toBe(1025);
  });

  test('stop for a reader whose signal fires', async () => {
    await using cluster = new Cluster();
    const a = await cluster.add('a');
    const controller = new AbortController();
    const next = a.memberlist.events({ signal: controller.signal }).next();
    controller.abort(new RangeError('enough'));
    await expect(next).rejects.toThrow('enough');
  });
});

test('two nodes of one name: the first stays, and whoever sees both is told of the conflict', async () => {
  await using cluster = new Cluster();
  const conflicts: string[] = [];
  const conflict = {
    onConflict: (existing: Member, other: Member) => {
      conflicts.push(`${existing.address.host} ${other.address.host}`);
    },
  };
  const a = await cluster.add('a', { options: { conflict } });
  const b = await cluster.add('twin');
  await cluster.join(b, a);
  const c = await cluster.add('twin');
  await cluster.join(c, a);
  await cluster.runFor(1000);
  expect(a.memberlist.member('twin')?.address.host).toBe(b.host);
  expect(c.memberlist.localNode.address.host).toBe(c.host);
  expect(new Set(conflicts)).toEqual(new Set([`${b.host} ${c.host}`]));
});

test('a closed memberlist refuses work, ends what waits, and may be closed again', async () => {
  await using cluster = new Cluster();
  const a = await cluster.add('a');
  const waiting = a.memberlist.ping('x', { host: '10.0.0.77', port: 7946 });
  const closing = a.memberlist.close();
  await expect(waiting).rejects.toBeInstanceOf(MemberlistClosedError);
  await closing;
  await a.memberlist.close();
  await expect(a.memberlist.join(['10.0.0.2'])).rejects.toBeInstanceOf(MemberlistClosedError);
  a.memberlist.wakeGossip();
  expect(() => a.memberlist.sendBestEffort(a.memberlist.localNode, Uint8Array.of(1))).toThrow(
    MemberlistClosedError,
  );
});
