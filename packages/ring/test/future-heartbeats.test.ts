import { describe, expect, test } from 'vitest';
import { RingDesc } from '../src/core/desc.ts';
import { InstanceDesc } from '../src/core/instance.ts';
import { Read, Write } from '../src/core/operation.ts';
import { pickShard } from '../src/core/shuffle-shard.ts';
import { Tokens } from '../src/core/tokens.ts';
import { RingView } from '../src/core/view.ts';
import { allHealthy } from '../src/core/whole-ring.ts';

const nowUnixS = 1_000_000;
const nowMs = nowUnixS * 1000;
const options = {
  replicationFactor: 1,
  zoneAwarenessEnabled: false,
  excludedZones: [],
  heartbeatTimeoutMs: 60_000,
};

function one(heartbeatUnixS: number): InstanceDesc {
  return InstanceDesc.of({ id: 'wild', heartbeatUnixS, tokens: Tokens.of([1]) });
}

const sane = InstanceDesc.of({ id: 'sane', heartbeatUnixS: nowUnixS, tokens: Tokens.of([2]) });

function healthy(view: RingView, atMs: number): readonly string[] {
  return allHealthy(view, Read, nowMs + atMs).instances.map(({ id }) => id);
}

//
describe('an instance whose heartbeat is years ahead', () => {
  const ring = RingDesc.of([one(nowUnixS * 2), sane]);

  test('is healthy for the timeout from when it was seen, and no longer', () => {
    const view = RingView.of(ring, options, nowMs);
    expect(healthy(view, 60_000)).toEqual(['sane', 'wild']);
    expect(healthy(view, 60_001)).toEqual([]);
    expect(view.aheadOf(nowMs).map(({ id }) => id)).toEqual(['wild']);
  });

  test('stays healthy while its heartbeats go on, but not by other changes of the ring', () => {
    const view = RingView.of(ring, options, nowMs);
    const beaten = view.update(RingDesc.of([one(nowUnixS * 2 + 1), sane]), nowMs + 50_000).view;
    expect(beaten.isFresh(1, nowMs + 110_000)).toBe(true);
    const other = InstanceDesc.of({ id: 'a', tokens: Tokens.of([3]) });
    const joined = view.update(RingDesc.of([one(nowUnixS * 2), sane, other]), nowMs + 50_000).view;
    expect(joined.isFresh(2, nowMs + 60_000)).toBe(true);
    expect(joined.isFresh(2, nowMs + 60_001)).toBe(false);
    const stamped = view.update(
      RingDesc.of([one(nowUnixS * 2), sane.with({ heartbeatUnixS: nowUnixS + 9 })]),
      nowMs + 50_000,
    ).view;
    expect(stamped.isFresh(1, nowMs + 60_001)).toBe(false);
  });

  test('becomes unhealthy in shards too', () => {
    const view = RingView.of(ring, options, nowMs);
    const shard = pickShard(view, { identifier: 't', size: 2, sinceUnixS: undefined });
    const members = view.subset(shard?.positions ?? new Uint32Array(0), undefined);
    expect(allHealthy(members, Write, nowMs + 60_000).instances).toHaveLength(2);
    expect(allHealthy(members, Write, nowMs + 60_001).instances).toHaveLength(0);
  });

  test('can be taken out of the ring, by a tombstone that every peer accepts', () => {
    const removal = ring.delete('wild');
    const { change } = ring.merge(removal, { localCas: true, nowUnixMs: nowMs });
    expect(change?.instances).toMatchObject([{ state: 'LEFT', heartbeatUnixS: nowUnixS * 2 }]);
    const peer = ring.merge(change ?? RingDesc.empty, { localCas: false, nowUnixMs: nowMs });
    expect(peer.value.removeTombstones(undefined).value.has('wild')).toBe(false);
  });

  test('counts as it says within the limit, which can be set', () => {
    const ahead = RingDesc.of([one(nowUnixS + 3600)]);
    expect(RingView.of(ahead, options, nowMs).isFresh(0, nowMs + 3_660_000)).toBe(true);
    const strict = RingView.of(ahead, { ...options, maxHeartbeatAheadMs: 1000 }, nowMs);
    expect(strict.isFresh(0, nowMs + 60_001)).toBe(false);
  });
});
