import { inMemoryKv } from '@ml/kv';
import { memoryMetrics } from '@ml/metrics';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { partitionRingCodec } from '../../src/partition/codec.ts';
import { PartitionRingDesc } from '../../src/partition/desc.ts';
import { partitionRingEditor } from '../../src/partition/editor.ts';
import {
  createPartitionLifecycler,
  type PartitionLifecycler,
  type PartitionLifecyclerConfig,
} from '../../src/partition/lifecycler.ts';
import { createPartitionRingWatcher } from '../../src/partition/watcher.ts';

const key = 'collectors/ingester-partitions';
const startUnixS = 1_700_000_000;
const base: PartitionLifecyclerConfig = {
  partitionId: 1,
  instanceId: 'a-1',
  waitOwnersCountOnPending: 2,
  waitOwnersDurationOnPendingMs: 10_000,
  deleteInactivePartitionAfterMs: 60_000,
};

function world() {
  const runtime = new VirtualRuntime({ seed: 1, startUnixMs: startUnixS * 1000 });
  const client = inMemoryKv(partitionRingCodec);
  const metrics = memoryMetrics();
  const settle = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false;
    const end = (): void => {
      over = true;
    };
    promise.then(end, end);
    await runtime.runUntil(() => over, { limitMs: 60_000 });
    return await promise;
  };
  return {
    runtime,
    client,
    metrics,
    settle,
    start: (config: Partial<PartitionLifecyclerConfig> = {}): Promise<PartitionLifecycler> =>
      settle(
        createPartitionLifecycler({
          name: 'p',
          key,
          config: { ...base, ...config },
          client,
          runtime,
          metrics,
        }),
      ),
    put: (change: (ring: PartitionRingDesc) => PartitionRingDesc): Promise<void> =>
      client.cas(key, (ring) => change(ring ?? PartitionRingDesc.empty)),
    ring: async (): Promise<PartitionRingDesc> =>
      (await client.get(key)) ?? PartitionRingDesc.empty,
  };
}

describe('starting', () => {
  test('creates the partition, pending, and registers its owner in one write', async () => {
    const at = world();
    const lifecycler = await at.start();
    const ring = await at.ring();
    expect(ring.partition(1)).toMatchObject({ state: 'Pending', stateUnixS: startUnixS });
    expect(ring.owner('a-1')).toMatchObject({ partitionId: 1, state: 'Active' });
    expect(await lifecycler.partitionState()).toBe('Pending');
  });

  test('of an owner of several partitions registers instance and partition', async () => {
    const at = world();
    expect((await at.start({ multiPartitionOwnership: true })).ownerId).toBe('a-1/1');
    expect((await at.ring()).owner('a-1/1')).toMatchObject({ partitionId: 1 });
  });

  test('waits for the partition when others are to create it', async () => {
    const at = world();
    const starting = at.start({ createPartitionOnStartup: false });
    at.runtime.timers.after(7000, () => {
      void at.put((ring) => ring.addPartition(1, 'Active', at.runtime.clock.unixMs()));
    });
    await starting;
    expect(at.runtime.now).toBe(10_000);
    expect((await at.ring()).owner('a-1')?.updatedUnixS).toBe(startUnixS + 10);
  });

  test('can be given up while it waits', async () => {
    const at = world();
    const controller = new AbortController();
    const reason = new TypeError('enough');
    const starting = createPartitionLifecycler({
      name: 'p',
      key,
      config: { ...base, createPartitionOnStartup: false },
      client: at.client,
      runtime: at.runtime,
      signal: controller.signal,
    });
    at.runtime.timers.after(7000, () => controller.abort(reason));
    await expect(at.settle(starting)).rejects.toMatchObject({
      code: 'ML_RING_JOIN',
      cause: reason,
    });
  });

  test.each([
    [{ partitionId: -1 }, /partition -1 is not/],
    [{ partitionId: 10_000 }, /partition 10000 is not/],
    [{ instanceId: '' }, /instance id is empty/],
    [{ pollingIntervalMs: 0 }, /polling interval of 0 ms/],
  ])('with %j is refused', async (config, message) => {
    await expect(world().start(config)).rejects.toThrow(message);
  });
});

describe('a pending partition', () => {
  test('becomes active when enough owners have been there for long enough', async () => {
    const at = world();
    await using _lifecycler = await at.start();
    await at.runtime.runFor(20_000);
    expect((await at.ring()).partition(1)?.state).toBe('Pending');
    await at.put((ring) => ring.setOwner('b-1', 1, at.runtime.clock.unixMs()));
    await at.runtime.runFor(9000);
    expect((await at.ring()).partition(1)?.state).toBe('Pending');
    await at.runtime.runFor(6000);
    expect((await at.ring()).partition(1)?.state).toBe('Active');
  });

  test('stays pending while its state is locked', async () => {
    const at = world();
    await using _lifecycler = await at.start({ waitOwnersCountOnPending: 1 });
    await at.put((ring) => ring.setPartitionLock(1, true, at.runtime.clock.unixMs()));
    await at.runtime.runFor(60_000);
    expect((await at.ring()).partition(1)?.state).toBe('Pending');
  });

  test('that vanishes is counted as a failure', async () => {
    const at = world();
    await using _lifecycler = await at.start();
    await at.put((ring) => ring.removePartition(1));
    await at.runtime.runFor(5000);
    const type = 'owned-partition';
    const failures = 'partition_ring_lifecycler_reconciles_failed_total';
    expect(at.metrics.value(failures, { name: 'p', type })).toBe(1);
    const all = 'partition_ring_lifecycler_reconciles_total';
    expect(at.metrics.value(all, { name: 'p', type })).toBe(2);
  });
});

describe('inactive partitions', () => {
  const inactive = (ring: PartitionRingDesc): PartitionRingDesc =>
    [1, 2, 3].reduce(
      (all, id) => all.addPartition(id, 'Inactive', (startUnixS - 50) * 1000),
      ring.setOwner('c-3', 3, startUnixS * 1000),
    );

  test('of others are deleted after the delay, if nobody owns them; never the own one', async () => {
    const at = world();
    await at.put(inactive);
    await using lifecycler = await at.start();
    await at.put((ring) => ring.removeOwner(lifecycler.ownerId));
    expect((await at.ring()).partitions).toHaveLength(3);
    await at.runtime.runFor(10_000);
    expect((await at.ring()).partitions).toHaveLength(3);
    await at.runtime.runFor(5000);
    expect((await at.ring()).partitions.map(({ id }) => id)).toEqual([1, 3]);
  });

  test('stay when deleting is off', async () => {
    const at = world();
    await at.put(inactive);
    await using _lifecycler = await at.start({ deleteInactivePartitionAfterMs: 0 });
    await at.runtime.runFor(600_000);
    expect((await at.ring()).partitions).toHaveLength(3);
  });
});

describe('stopping', () => {
  test('leaves the owner in the ring, and nothing runs on', async () => {
    const at = world();
    const lifecycler = await at.start();
    await lifecycler.close();
    expect((await at.ring()).owner('a-1')).toBeDefined();
    expect(at.runtime.pendingEvents).toBe(0);
    await expect(lifecycler.changePartitionState('Active')).rejects.toMatchObject({
      code: 'ML_RING_LIFECYCLER_CLOSED',
    });
  });

  test('takes the owner out if asked to', async () => {
    const at = world();
    const lifecycler = await at.start();
    lifecycler.removeOwnerOnShutdown = true;
    await lifecycler.close();
    expect((await at.ring()).owner('a-1')).toBeUndefined();
    expect((await at.ring()).partition(1)).toBeDefined();
  });
});

describe('editing', () => {
  test.each([
    ['Pending', 'Active', true],
    ['Pending', 'Inactive', true],
    ['Active', 'Inactive', true],
    ['Inactive', 'Active', true],
    ['Active', 'Active', true],
    ['Active', 'Pending', false],
    ['Inactive', 'Pending', false],
    ['Pending', 'Deleted', false],
  ] as const)('%s to %s is allowed: %s', async (from, to, allowed) => {
    const at = world();
    await at.put((ring) => ring.addPartition(1, from, startUnixS * 1000));
    const editor = partitionRingEditor({ client: at.client, key, clock: at.runtime.clock });
    const change = editor.changeState(1, to);
    if (allowed) await change;
    else await expect(change).rejects.toMatchObject({ code: 'ML_RING_PARTITION_TRANSITION' });
    expect((await at.ring()).partition(1)?.state).toBe(allowed ? to : from);
  });

  test('a locked state cannot be changed until it is unlocked', async () => {
    const at = world();
    await at.put((ring) => ring.addPartition(1, 'Pending', startUnixS * 1000));
    const editor = partitionRingEditor({ client: at.client, key, clock: at.runtime.clock });
    await editor.changeStateAndLock(1, 'Active');
    expect((await at.ring()).partition(1)).toMatchObject({ state: 'Active', locked: true });
    await expect(editor.changeState(1, 'Inactive')).rejects.toMatchObject({
      code: 'ML_RING_PARTITION_LOCKED',
    });
    await editor.setLock(1, false);
    await editor.changeState(1, 'Inactive');
    expect((await at.ring()).partition(1)).toMatchObject({ state: 'Inactive', locked: false });
  });

  test('an unknown partition is an error at once', async () => {
    const at = world();
    const editor = partitionRingEditor({ client: at.client, key, clock: at.runtime.clock });
    for (const edit of [editor.changeState(7, 'Active'), editor.setLock(7, true)]) {
      await expect(edit).rejects.toMatchObject({
        code: 'ML_RING_UNKNOWN_PARTITION',
        partitionId: 7,
      });
    }
  });
});

describe('watching', () => {
  test('shows the ring from the start and every change after it', async () => {
    const at = world();
    const { client, runtime, metrics } = at;
    const watcher = await at.settle(
      createPartitionRingWatcher({ name: 'w', key, client, runtime, metrics }),
    );
    expect(watcher.ring.partitions).toEqual([]);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const ring of watcher.changes()) seen.push(ring.partitions.length);
    })();
    await runtime.runFor(1);
    await at.put((ring) => ring.addPartition(1, 'Active', startUnixS * 1000));
    await runtime.runFor(1);
    expect(watcher.ring.activePartitionIds).toEqual([1]);
    const gauge = 'partition_ring_partitions';
    expect(metrics.value(gauge, { name: 'w', state: 'Active' })).toBe(1);
    expect(metrics.value(gauge, { name: 'w', state: 'Pending' })).toBe(0);
    await at.settle(watcher.close());
    await at.settle(reading);
    expect(seen).toEqual([0, 1]);
  });

  test('goes on after the watch has failed', async () => {
    const at = world();
    let failures = 1;
    const client: typeof at.client = {
      ...at.client,
      watchKey: (watched, options) =>
        failures-- > 0
          ? (async function* broken() {
              yield undefined;
              throw new TypeError('connection lost');
            })()
          : at.client.watchKey(watched, options),
    };
    const watcher = await at.settle(
      createPartitionRingWatcher({ name: 'w', key, client, runtime: at.runtime }),
    );
    await at.put((ring) => ring.addPartition(1, 'Active', startUnixS * 1000));
    await at.runtime.runFor(1500);
    expect(watcher.ring.activePartitionIds).toEqual([1]);
    await at.settle(watcher.close());
    expect(at.runtime.pendingEvents).toBe(0);
  });

  test('of an empty key is refused', async () => {
    const { client, runtime } = world();
    await expect(
      createPartitionRingWatcher({ name: 'w', key: '', client, runtime }),
    ).rejects.toMatchObject({ code: 'ML_RING_OPTIONS' });
  });
});
