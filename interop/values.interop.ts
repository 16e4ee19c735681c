import { ringCodec } from '@ml/ring';
import { createNode } from '@ml/server/create-node';
import type { ClusterNode } from '@ml/server/node';
import { beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { eventually } from './harness/eventually.ts';
import { type GoPeer, GoPeers, type InstancePatch } from './harness/go-peer.ts';
import type { Flags } from './harness/managed-process.ts';
import { ringDigest } from './harness/ring-digest.ts';
import { type AnyNode, seeActive, seeEachOther } from './harness/see-members.ts';
import { SHARED_RING, TsNode } from './harness/ts-node.ts';

beforeAll(async () => {
  await Promise.all([serverMain(), goBinary('peer')]);
}, BUILD_LIMIT_MS);

/** Nothing but gossip carries changes, once joined. */
const GOSSIP_ONLY = { 'memberlist.pullpush-interval': '1h' } as const;

async function startGo(to: Cleanup, name: string, flags: Flags, join?: string): Promise<GoPeer> {
  const group = await GoPeers.start({ name, flags, ...(join && { join: [join] }) });
  return to.use(group).first;
}

async function startNode(to: Cleanup, name: string, flags: Flags, join?: string): Promise<TsNode> {
  const all = { ...SHARED_RING, ...flags };
  return to.use(await TsNode.start({ name, flags: all, ...(join && { join: [join] }) }));
}

async function metric(node: AnyNode, name: string): Promise<number> {
  return (await node.metrics()).value(name);
}

/** Different tokens for each `at`, spread so that nothing can compress them. */
function tokens(at: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => Math.imul(at * count + i + 1, 0x9e3779b1) >>> 0);
}

describe('a change of more than 64 KiB', () => {
  const COUNT = 20_000;
  const PUSHES = 'memberlist_client_state_pushes_total';

  test.concurrent('of a Go peer reaches our node in one packet', async () => {
    await using cleanup = new Cleanup();
    const seed = await startGo(cleanup, 'go', GOSSIP_ONLY);
    const ours = await startNode(cleanup, 'ours', GOSSIP_ONLY, seed.gossipAddress);
    await ours.process.line(/msg="joined the cluster"/);
    await seeActive([seed, ours], 'ours');
    const pushes = await metric(ours, PUSHES);
    const bytes = await metric(ours, 'memberlist_tcp_transport_packets_received_bytes_total');
    const sorted = [...tokens(0, COUNT)].sort((a, b) => a - b);
    await seed.changeRing({ set: [{ id: 'big', state: 'ACTIVE', tokens: sorted }] });
    await eventually(
      async () => {
        const { shards } = await ours.ringPage();
        expect(shards?.find(({ id }) => id === 'big')?.tokens).toEqual(sorted);
      },
      { what: 'our node sees all tokens', detail: () => ours.process.tail() },
    );
    expect(await metric(ours, PUSHES)).toBe(pushes);
    const received = await metric(ours, 'memberlist_tcp_transport_packets_received_bytes_total');
    expect(received - bytes).toBeGreaterThan(65_536);
  });

  test.concurrent('of our node reaches a Go peer in one packet', async () => {
    await using cleanup = new Cleanup();
    const seed = await startGo(cleanup, 'go', GOSSIP_ONLY);
    const flags = { ...GOSSIP_ONLY, 'ring.num-tokens': COUNT, 'ring.heartbeat-period': '1s' };
    const ours = await startNode(cleanup, 'ours', flags, seed.gossipAddress);
    await ours.process.line(/msg="joined the cluster"/);
    await seeActive([seed], 'ours');
    const entry = async () => (await seed.ring()).find(({ id }) => id === 'ours');
    const pushes = await metric(seed, PUSHES);
    const before = await entry();
    expect(before?.tokens).toHaveLength(COUNT);
    await eventually(
      async () => expect((await entry())?.timestamp).toBeGreaterThan((before?.timestamp ?? 0) + 1),
      { what: 'heartbeats with all tokens arrive', detail: () => ours.process.tail() },
    );
    expect((await entry())?.tokens).toEqual(before?.tokens);
    expect(await metric(seed, PUSHES)).toBe(pushes);
    const errors = await metric(seed, 'memberlist_tcp_transport_packets_received_errors_total');
    expect(errors).toBe(0);
  });
});

describe('a ring of 5 MiB', () => {
  test.concurrent('travels by push/pull from a Go peer to our node and on to another Go peer, unchanged', async () => {
    await using cleanup = new Cleanup();
    const flags = { ...GOSSIP_ONLY, 'memberlist.stream-timeout': '20s' };
    const key = 'collectors/big';
    const first = cleanup.use(await GoPeers.start({ name: 'first', flags }));
    const set = Array.from({ length: 2200 }, (_, i): InstancePatch => {
      return {
        id: `instance-${i}`,
        addr: `10.1.2.3:${i + 1}`,
        state: 'ACTIVE',
        tokens: tokens(i, 512),
      };
    });
    await first.first.changeRing({ key, set });
    const digest = ringDigest(await first.first.ring(key));

    const ours = await startNode(cleanup, 'ours', flags, first.first.gossipAddress);
    await ours.process.line(/msg="joined the cluster"/);
    const fiveMiB = 5 * 1024 * 1024;
    const BYTES = 'memberlist_client_state_pushes_bytes_total';
    expect(await metric(ours, BYTES)).toBeGreaterThan(fiveMiB);
    // From here on the big ring can only come from our node.
    await first.process.kill();

    const second = await startGo(cleanup, 'second', flags, ours.gossipAddress);
    expect(await metric(second, BYTES)).toBeGreaterThan(fiveMiB);
    const received = await second.ring(key);
    expect(received).toHaveLength(2200);
    expect(ringDigest(received)).toBe(digest);
  });
});

/** One of our nodes in this process, as a program embeds it. */
async function embed(to: Cleanup, join: string): Promise<ClusterNode> {
  const node = await createNode({
    name: 'embedded',
    join: [join],
    mode: 'observer',
    bindAddress: '127.0.0.1',
    bindPort: 0,
    config: { memberlist: { kv: { randomizeNodeName: false, obsoleteEntriesTimeoutMs: 1000 } } },
  });
  return to.use(node);
}

describe('a deleted key', () => {
  const OBSOLETE_SOON = { 'memberlist.obsolete-entries-timeout': '1s' } as const;
  const KEY = 'collectors/doomed';

  async function expectGone(nodes: readonly AnyNode[]): Promise<void> {
    await Promise.all(
      nodes.map((node) =>
        eventually(async () => expect(await node.viewKey(KEY)).toBeUndefined(), {
          what: `${KEY} is gone on ${node.name}`,
        }),
      ),
    );
  }

  test.concurrent('vanishes everywhere, whether a Go peer or our node deletes it', async () => {
    await using cleanup = new Cleanup();
    const seed = await startGo(cleanup, 'seed', OBSOLETE_SOON);
    const ours = await startNode(cleanup, 'ours', OBSOLETE_SOON, seed.gossipAddress);
    const late = await startGo(cleanup, 'late', OBSOLETE_SOON, ours.gossipAddress);
    const embedded = await embed(cleanup, ours.gossipAddress);
    const nodes = [seed, ours, late];
    const client = embedded.kv.client(ringCodec);
    const deletions = [() => seed.deleteKey(KEY), () => client.delete(KEY)];
    for (const remove of deletions) {
      await seed.changeRing({ key: KEY, set: [{ id: 'one', state: 'ACTIVE', tokens: [1, 2] }] });
      await Promise.all(
        nodes.map((node) =>
          eventually(async () => expect(await node.viewKey(KEY)).toContain('one'), {
            what: `${KEY} has reached ${node.name}`,
          }),
        ),
      );
      await eventually(async () => expect((await client.get(KEY))?.size).toBe(1), {
        what: `${KEY} has reached the embedded node`,
      });
      await remove();
      await expectGone(nodes);
      await eventually(() => expect(embedded.kv.entry(KEY)).toBeUndefined(), {
        what: `${KEY} is gone on the embedded node`,
      });
      expect(Object.keys((await ours.memberlistPage()).Store)).not.toContain(KEY);
    }
  });
});

describe('a value', () => {
  test.concurrent('of a codec that our node does not know is refused and counted, and harms nothing', async () => {
    await using cleanup = new Cleanup();
    const flags = { 'text-codecs': 'note' };
    const seed = await startGo(cleanup, 'seed', flags);
    const ours = await startNode(cleanup, 'ours', {}, seed.gossipAddress);
    await seed.putText('notes/1', 'note', { version: 1, body: 'hello' });
    const rejected = async () =>
      (await ours.metrics()).value('ml_kv_rejected_pairs_total', {
        reason: 'unknown_codec',
      });
    await eventually(async () => expect(await rejected()).toBeGreaterThan(0), {
      what: 'the unknown codec is counted',
      detail: () => ours.process.tail(),
    });
    expect(await ours.viewKey('notes/1')).toBeUndefined();
    await seeEachOther([seed, ours]);
    await seeActive([seed, ours], 'seed');
  });
});
