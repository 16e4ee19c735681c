import { beforeAll, describe, expect, test } from 'vitest';

import { BUILD_LIMIT_MS, goBinary, serverMain } from './harness/build.ts';
import { Cleanup } from './harness/cleanup.ts';
import { type GoPeer, GoPeers } from './harness/go-peer.ts';
import type { Flags } from './harness/managed-process.ts';
import { seeActive, seeEachOther, sees } from './harness/see-members.ts';
import { SHARED_RING, TsNode } from './harness/ts-node.ts';

beforeAll(async () => {
  await Promise.all([serverMain(), goBinary('peer')]);
}, BUILD_LIMIT_MS);

async function startGo(to: Cleanup, name: string, flags: Flags, join?: string): Promise<GoPeer> {
  const group = await GoPeers.start({ name, flags, ...(join && { join: [join] }) });
  return to.use(group).first;
}

async function startNode(to: Cleanup, name: string, flags: Flags, join?: string): Promise<TsNode> {
  const all = { ...SHARED_RING, ...flags };
  return to.use(await TsNode.start({ name, flags: all, ...(join && { join: [join] }) }));
}

/** Our node joins a Go peer, another Go peer joins our node, and all see every ring entry. */
async function expectCluster(ours: Flags, theirs: Flags): Promise<void> {
  await using cleanup = new Cleanup();
  const seed = await startGo(cleanup, 'go-seed', theirs);
  const node = await startNode(cleanup, 'ours', ours, seed.gossipAddress);
  const late = await startGo(cleanup, 'go-late', theirs, node.gossipAddress);
  const nodes = [seed, node, late];
  await seeEachOther(nodes);
  for (const id of ['go-seed', 'ours', 'go-late']) await seeActive(nodes, id);
}

/** Nobody who asks to join gets in, in either direction, and our node tells which setting to compare. */
async function expectApart(ours: Flags, theirs: Flags): Promise<void> {
  await using cleanup = new Cleanup();
  const peer = await startGo(cleanup, 'go', theirs);
  const node = cleanup.use(
    await TsNode.start({
      name: 'ours',
      join: [peer.gossipAddress],
      awaitReady: false,
      flags: { ...ours, 'memberlist.max-join-retries': 1 },
    }),
  );
  await node.process.line(/joining the cluster given up.*compare .*-memberlist\.cluster-label/);
  await expect(peer.join(node.gossipAddress)).rejects.toThrow();
  await Promise.all([sees(peer, ['go']), sees(node, ['ours'])]);
  const metrics = await node.metrics();
  expect(metrics.value('ml_gossip_rejected_total', { reason: 'bad_label' })).toBeGreaterThan(0);
}

const compression = (enabled: boolean): Flags => ({ 'memberlist.compression-enabled': enabled });
const label = (text: string): Flags => ({ 'memberlist.cluster-label': text });
const UNCHECKED: Flags = { 'memberlist.cluster-label-verification-disabled': true };

describe('compression', () => {
  test.concurrent.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('our node %s, Go peers %s: they understand each other', async (ours, theirs) => {
    await expectCluster(compression(ours), compression(theirs));
  });
});

describe('cluster labels', () => {
  test.concurrent('members with the same label form a cluster, compressed and plain', async () => {
    await expectCluster(label('prod'), label('prod'));
    await expectCluster(
      { ...label('prod'), ...compression(false) },
      { ...label('prod'), ...compression(false) },
    );
  });

  test.concurrent.each([
    ['another label', label('test'), label('prod')],
    ['a label against none', label('prod'), {}],
    ['none against a label', {}, label('prod')],
  ])('members with %s never meet, whoever asks', async (_, ours, theirs) => {
    await expectApart(ours, theirs);
  });

  test.concurrent('members that do not verify labels meet whatever they wear', async () => {
    await Promise.all([
      expectCluster({ ...label('new'), ...UNCHECKED }, UNCHECKED),
      expectCluster({ ...label('blue'), ...UNCHECKED }, { ...label('green'), ...UNCHECKED }),
    ]);
  });
});
