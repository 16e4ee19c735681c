import { describe, expect, test, vi } from 'vitest';
import type { GossipConfig, LifeguardConfig, Member } from '../src/index.ts';
import { Cluster, type ClusterNode, stateOf } from './cluster.ts';

// Long stretches of virtual time: seconds of work, more on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const ALL: LifeguardConfig = { awareness: true, dynamicSuspicion: true, buddy: true, nacks: true };
const NONE: LifeguardConfig = {
  awareness: false,
  dynamicSuspicion: false,
  buddy: false,
  nacks: false,
};

function config(lifeguard: LifeguardConfig): Partial<GossipConfig> {
  return { lifeguard, streamPing: false };
}

/**
 * How often some member held one that was well for dead, while four others were stopped again and again for a while:
 * these take their own silence for that of others.
 */
async function falseDeaths(lifeguard: LifeguardConfig, seeds: number): Promise<number> {
  let deaths = 0;
  for (let seed = 0; seed < seeds; seed++) {
    // They run for less than a round trip at a time, so that no answer is read before its time is over.
    const link = { latencyMs: [15, 25] } as const;
    await using cluster = new Cluster({ seed, link, config: config(lifeguard) });
    const nodes = await cluster.grow(16);
    const slow = new Set(nodes.slice(0, 4));
    const counting = nodes.map((node) => countDeaths(node, (member) => isWell(member, slow)));
    for (let round = 0; round < 12; round++) {
      const pauses = [...slow].map((node) => cluster.pause(node));
      await cluster.runFor(6000);
      for (const pause of pauses) pause[Symbol.dispose]();
      await cluster.runFor(25);
    }
    await cluster.runFor(10_000);
    for (const { memberlist } of nodes) await memberlist.close();
    for (const count of counting) deaths += await count;
  }
  return deaths;
}

function isWell(member: Member, slow: ReadonlySet<ClusterNode>): boolean {
  return ![...slow].some((node) => node.name === member.name);
}

async function countDeaths(
  node: ClusterNode,
  counts: (member: Member) => boolean,
): Promise<number> {
  let deaths = 0;
  for await (const event of node.memberlist.events()) {
    if (event.type === 'leave' && counts(event.member)) deaths += 1;
  }
  return deaths;
}

test('§V: members that are stopped now and then hardly ever get a healthy one declared dead, as they do under plain SWIM', async () => {
  const swim = await falseDeaths(NONE, 3);
  const lifeguard = await falseDeaths(ALL, 3);
  expect(swim).toBeGreaterThan(10);
  expect(lifeguard * 10).toBeLessThan(swim);
}, 60_000);

describe('§IV-A: local health', () => {
  test('a node that hears nothing slows down, up to its limit, and recovers when it hears again', async () => {
    await using cluster = new Cluster({ config: { ...config(ALL), indirectChecks: 0 } });
    const nodes = await cluster.grow(12);
    const [deaf] = nodes;
    if (deaf === undefined) throw new RangeError('no node');
    const others = nodes.slice(1).map((node) => node.host);
    const block = cluster.network.block(others, [deaf.host]);
    let worst = 0;
    for (let i = 0; i < 60; i++) {
      await cluster.runFor(500);
      worst = Math.max(worst, deaf.memberlist.healthScore);
    }
    expect(worst).toBe(7);
    block[Symbol.dispose]();
    await cluster.runFor(120_000);
    expect(deaf.memberlist.healthScore).toBe(0);
  });

  test('a helper that got no answer says so, and the asker does not doubt itself', async () => {
    // With the LAN preset, nacks come just after the probe has ended: twice the time-out is its interval.
    await using cluster = new Cluster({ config: { ...config(ALL), probeTimeoutMs: 400 } });
    const nodes = await cluster.grow(8);
    const victim = nodes.at(-1);
    if (victim === undefined) throw new RangeError('no node');
    cluster.crash(victim);
    await cluster.until(() => cluster.nodes.some((n) => stateOf(n, victim.name) === 'suspect'));
    for (const node of cluster.nodes) expect(node.memberlist.healthScore).toBe(0);
  });
});

describe('§IV-B: the suspicion timeout', () => {
  async function timeToDeath(lifeguard: LifeguardConfig, confirm: boolean): Promise<number> {
    await using cluster = new Cluster({ seed: 3, config: config(lifeguard) });
    const nodes = await cluster.grow(8);
    const victim = nodes.at(-1);
    const [watcher] = nodes;
    if (victim === undefined || watcher === undefined) throw new RangeError('no node');
    const crashed = victim.name;
    cluster.crash(victim);
    await cluster.until(() => stateOf(watcher, crashed) === 'suspect');
    const suspectedAt = cluster.now;
    // Alone with its suspicion, the watcher hears no confirmation.
    const hosts = cluster.nodes.filter((node) => node !== watcher).map((node) => node.host);
    using cut = confirm ? undefined : cluster.network.block(hosts, [watcher.host]);
    await cluster.until(() => stateOf(watcher, crashed) === 'dead');
    expect(cut === undefined).toBe(confirm);
    return cluster.now - suspectedAt;
  }

  test('is short when others say the same', async () => {
    expect(await timeToDeath(ALL, true)).toBeLessThan(12_000);
  });

  test('is six times as long when nobody does', async () => {
    expect(await timeToDeath(ALL, false)).toBeGreaterThan(11_000);
  });

  test('is short in any case under plain SWIM', async () => {
    expect(await timeToDeath(NONE, false)).toBeLessThanOrEqual(4001);
  });
});

test('§IV-C: a suspect hears of it with the next ping, before gossip reaches it', async () => {
  async function refutes(buddy: boolean): Promise<boolean> {
    const lifeguard = { ...ALL, buddy };
    await using cluster = new Cluster({
      config: { ...config(lifeguard), gossipIntervalMs: 0, pushPullIntervalMs: 0 },
    });
    const a = await cluster.add('a');
    const b = await cluster.add('b');
    await cluster.join(b, a);
    const pause = cluster.pause(b);
    await cluster.until(() => stateOf(a, 'b') === 'suspect');
    // Everything said so far has been said to a wall: only a ping can bring the accusation now.
    cluster.network.setLink(a.host, b.host, { loss: 1 });
    for (let i = 0; i < 20; i++) a.memberlist.ping('b', { host: b.host, port: 7946 }).catch(ignore);
    await cluster.runFor(600);
    cluster.network.setLink(a.host, b.host, undefined);
    pause[Symbol.dispose]();
    await cluster.runFor(2500);
    return stateOf(a, 'b') === 'alive';
  }
  expect(await refutes(true)).toBe(true);
  expect(await refutes(false)).toBe(false);
});

function ignore(): void {}
