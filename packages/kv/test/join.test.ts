import { DnsProvider } from '@ml/dns-discovery';
import { StaticResolver } from '@ml/dns-discovery/testing';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { ClusterJoinError, FastJoinError } from '../src/index.ts';
import { Joiner } from '../src/join.ts';

interface SetUp {
  readonly entries: readonly string[];
  /** Addresses that answer. */
  readonly up?: readonly string[];
}

function setUp({ entries, up = [] }: SetUp) {
  const runtime = new VirtualRuntime({ seed: 1 });
  const resolver = new StaticResolver({ random: runtime.random.fork('dns') });
  const answering = new Set(up);
  const dialled: string[] = [];
  const joiner = new Joiner({
    target: {
      join: async (addresses, { signal }) => {
        signal?.throwIfAborted();
        dialled.push(...addresses);
        const reached = addresses.filter((address) => answering.has(address)).length;
        if (reached === 0) throw new RangeError(`${addresses.join()} is down`);
        return reached;
      },
    },
    dns: new DnsProvider({ resolver, runtime }),
    runtime,
    entries,
    retransmitFactor: 4,
    minJoinBackoffMs: 1000,
    maxJoinBackoffMs: 60_000,
    maxJoinRetries: 10,
  });
  /** Lets time pass until the promise settles. */
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    await runtime.runUntil(() => settled, { limitMs: 3_600_000 });
    return await promise;
  };
  return { runtime, resolver, joiner, dialled, answering, settle };
}

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}:1`);

describe('discovery', () => {
  test('gives plain entries as they are, then what names lead to', async () => {
    const { joiner, resolver, settle } = setUp({ entries: ['host:1', 'dns+seeds:2', '10.0.0.9'] });
    resolver.setAddresses('seeds', ['10.0.0.1', '10.0.0.2']);
    const { addresses, failures } = await settle(joiner.discover());
    expect(addresses).toEqual(['host:1', '10.0.0.9', '10.0.0.1:2', '10.0.0.2:2']);
    expect(failures).toEqual([]);
  });

  test('takes an entry apart at its commas, and no notice of empty ones', async () => {
    const { joiner, settle } = setUp({ entries: ['a:1, b:2', '', ' '] });
    expect((await settle(joiner.discover())).addresses).toEqual(['a:1', 'b:2']);
    expect(setUp({ entries: ['', ','] }).joiner.configured).toBe(false);
  });

  test('tries ten times while a look-up fails, then gives what there is', async () => {
    const { joiner, resolver, settle, runtime } = setUp({ entries: ['a:1', 'dns+seeds:2'] });
    resolver.fail('seeds', 'servfail');
    const { addresses, failures } = await settle(joiner.discover());
    expect(addresses).toEqual(['a:1']);
    expect(failures).toHaveLength(1);
    expect(runtime.now).toBeGreaterThan(15_000);
    expect(runtime.now).toBeLessThan(35_000);
  });

  test('goes on as soon as the look-up works', async () => {
    const { joiner, resolver, settle, runtime } = setUp({ entries: ['dns+seeds:2'] });
    resolver.setAddresses('seeds', ['10.0.0.1']);
    resolver.fail('seeds', 'servfail');
    runtime.timers.after(1000, () => resolver.heal('seeds'));
    expect((await settle(joiner.discover())).addresses).toEqual(['10.0.0.1:2']);
    expect(runtime.now).toBeLessThan(3000);
  });

  test('stops when its signal fires', async () => {
    const { joiner, resolver, settle, runtime } = setUp({ entries: ['dns+seeds:2'] });
    resolver.fail('seeds', 'servfail');
    const abort = new AbortController();
    runtime.timers.after(1000, () => abort.abort(new RangeError('enough')));
    await expect(settle(joiner.discover({ signal: abort.signal }))).rejects.toThrow('enough');
    expect(runtime.now).toBe(1000);
  });
});

describe('a fast join', () => {
  test.each([
    [1, 1],
    [9, 4],
    [10, 8],
    [99, 8],
  ])('of %i addresses contacts %i that answer', async (known, contacted) => {
    const { joiner, dialled, settle } = setUp({ entries: many(known), up: many(known) });
    expect(await settle(joiner.fastJoin())).toBe(contacted);
    expect(dialled).toHaveLength(contacted);
  });

  test('goes on past those that do not answer, and is content with one', async () => {
    const up = many(20).slice(13, 14);
    const { joiner, dialled, settle } = setUp({ entries: many(20), up });
    expect(await settle(joiner.fastJoin())).toBe(1);
    expect(new Set(dialled).size).toBe(20);
  });

  test('fails when nobody answers, and says why', async () => {
    const { joiner, settle } = setUp({ entries: many(5) });
    const failure: unknown = await settle(joiner.fastJoin()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FastJoinError);
    expect(failure).toMatchObject({
      message: expect.stringContaining('none of 5 addresses answered'),
    });
    expect(failure).toMatchObject({ message: expect.stringContaining(' is down') });
  });

  test('fails when the names lead nowhere, and when they cannot be looked up', async () => {
    const { joiner, resolver, settle } = setUp({ entries: ['dns+seeds:2'] });
    await expect(settle(joiner.fastJoin())).rejects.toThrow('lead to no address yet');
    resolver.fail('seeds', 'servfail');
    await expect(settle(joiner.fastJoin())).rejects.toThrow('looking up the join entries failed');
  });
});

describe('a full join', () => {
  test('contacts every address once, looking names up again after each hundred', async () => {
    const { joiner, dialled, settle } = setUp({
      entries: [...many(250), ...many(10)],
      up: many(250),
    });
    expect(await settle(joiner.joinAll())).toBe(250);
    expect(dialled).toHaveLength(250);
  });

  test('fails when nobody answers', async () => {
    const { joiner, settle } = setUp({ entries: many(3) });
    await expect(settle(joiner.joinAll())).rejects.toBeInstanceOf(ClusterJoinError);
  });

  test('is tried again with growing waits until somebody answers', async () => {
    const { joiner, answering, settle, runtime, dialled } = setUp({ entries: ['a:1'] });
    runtime.timers.after(20_000, () => answering.add('a:1'));
    expect(await settle(joiner.joinWithBackoff())).toBe(1);
    expect(runtime.now).toBeGreaterThanOrEqual(20_000);
    expect(dialled.length).toBeGreaterThanOrEqual(4);
    expect(dialled.length).toBeLessThanOrEqual(6);
  });

  test('is given up after ten attempts', async () => {
    const { joiner, settle, dialled } = setUp({ entries: ['a:1'] });
    await expect(settle(joiner.joinWithBackoff())).rejects.toBeInstanceOf(ClusterJoinError);
    expect(dialled).toHaveLength(10);
  });

  test('stops when its signal fires', async () => {
    const { joiner, settle, runtime } = setUp({ entries: ['a:1'] });
    const abort = new AbortController();
    runtime.timers.after(1500, () => abort.abort(new RangeError('enough')));
    await expect(settle(joiner.joinWithBackoff({ signal: abort.signal }))).rejects.toThrow(
      'enough',
    );
    expect(runtime.now).toBe(1500);
  });
});
