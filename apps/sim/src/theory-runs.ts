import { type GossipConfig, gossipPresets, type LifeguardConfig } from '@ml/gossip';
import { assert } from '@ml/runtime';
import type { LinkFaults } from '@ml/transport/sim';
import { GOSSIP_PORT, Lab, type LabEvent, type LabMember } from './lab.ts';

/** A network that takes no time worth mentioning, so that rounds alone count. */
const QUICK: LinkFaults = { latencyMs: [0.2, 1] };

const NO_LIFEGUARD: LifeguardConfig = {
  awareness: false,
  dynamicSuspicion: false,
  buddy: false,
  nacks: false,
};

/** What one crash came to, in milliseconds since the crash. */
export interface CrashTimes {
  readonly suspectMs: number;
  readonly deadMs: number;
}

/** One member crashes: when the first of the others suspects it, and when the first holds it for dead. */
export async function crashOnce(
  gossip: GossipConfig,
  members: number,
  seed: number,
): Promise<CrashTimes> {
  const lab = await Lab.create({ seed, members, gossip, link: QUICK });
  const victim = drawn(lab, 'victim');
  const times = watch(lab, victim);
  // Any moment of anybody's round.
  await lab.runFor(lab.runtime.random.fork('crash').float() * members * gossip.probeIntervalMs);
  const crashedAtMs = lab.runtime.now;
  lab.crash(victim);
  await lab.runUntil(() => times.deadMs !== undefined, 3_600_000);
  const { suspectMs = Number.NaN, deadMs = Number.NaN } = times;
  return { suspectMs: suspectMs - crashedAtMs, deadMs: deadMs - crashedAtMs };
}

/** Rounds of a cluster whose rounds coincide, from a crash just before one until somebody probes the crashed member. */
export async function synchronousProbePeriods(members: number, seed: number): Promise<number> {
  const gossip = gossipPresets.lan;
  const { probeIntervalMs } = gossip;
  const lab = await Lab.create({ seed, members, gossip, link: QUICK, synchronous: true });
  const victim = drawn(lab, 'victim');
  const times = watch(lab, victim);
  // Rounds begin at whole intervals: everybody started at 0.
  const wait = 1 + lab.runtime.random.fork('crash').int(members);
  const crashMs = (Math.floor(lab.runtime.now / probeIntervalMs) + wait) * probeIntervalMs - 5;
  await lab.runFor(crashMs - lab.runtime.now);
  lab.crash(victim);
  await lab.runUntil(() => times.suspectMs !== undefined, 3_600_000);
  // A probe fails one interval after it began.
  return ((times.suspectMs ?? Number.NaN) - crashMs - 5) / probeIntervalMs;
}

/**
 * Rounds of members that each ping one random other at one moment, with the pings of production but without its round
 * robin: from one probe of a crashed member to the next, on average. As SWIM §3.1 has it.
 */
export async function randomProbePeriods(
  members: number,
  seed: number,
  rounds: number,
): Promise<number> {
  const gossip = { ...gossipPresets.lan, probeIntervalMs: 0, pushPullIntervalMs: 0 };
  const lab = await Lab.create({ seed, members, gossip, link: QUICK });
  const victim = drawn(lab, 'victim');
  lab.crash(victim);
  const random = lab.runtime.random.fork('targets');
  let found = 0;
  for (let round = 0; round < rounds; round++) {
    let probed = false;
    for (const member of lab.members) {
      if (member === victim) continue;
      const others = lab.members.filter((other) => other !== member);
      const target = others[random.int(others.length)];
      assert(target !== undefined, 'there is somebody to probe');
      member.memberlist.ping(target.name, { host: target.ip, port: GOSSIP_PORT }).then(
        () => assert(target !== victim, 'the dead do not answer'),
        () => {
          probed = true;
        },
      );
    }
    await lab.runFor(gossipPresets.lan.probeIntervalMs);
    if (probed) found += 1;
  }
  return rounds / found;
}

/** After `leavers` members have left, another is stopped at once: how long its first accuser suspected it. */
export async function suspicionAfterShrinking(options: {
  readonly gossip: GossipConfig;
  readonly members: number;
  readonly leavers: number;
  readonly seed: number;
}): Promise<{ readonly suspicionMs: number; readonly deadMs: number }> {
  const { gossip, members, leavers, seed } = options;
  const lab = await Lab.create({ seed, members, gossip, link: QUICK });
  await lab.runFor(60_000);
  const shuffled = lab.runtime.random.fork('leavers').shuffle(lab.members);
  for (const leaver of shuffled.slice(0, leavers)) {
    await lab.leave(leaver);
    await lab.runFor(1000);
    lab.crash(leaver);
  }
  const [victim] = shuffled.slice(leavers);
  assert(victim !== undefined, 'somebody is left to be stopped');
  let suspicionMs: number | undefined;
  let deadMs = Number.NaN;
  using _observing = lab.observe((event) => {
    if (event.about !== victim.number || event.type !== 'dead' || suspicionMs !== undefined) return;
    suspicionMs = event.suspectMs;
    deadMs = event.atMs;
  });
  const stoppedAtMs = lab.runtime.now;
  lab.pause(victim);
  await lab.runUntil(() => suspicionMs !== undefined, 3_600_000);
  return { suspicionMs: suspicionMs ?? Number.NaN, deadMs: deadMs - stoppedAtMs };
}

/** When each further member learns that one leaves, in milliseconds since it said so, ascending. Gossip alone carries it. */
export async function spreadOnce(options: {
  readonly members: number;
  readonly seed: number;
  readonly synchronous: boolean;
}): Promise<readonly number[]> {
  const { members, seed, synchronous } = options;
  const gossip = { ...gossipPresets.lan, probeIntervalMs: 0, pushPullIntervalMs: 0 };
  const lab = await Lab.create({ seed, members, gossip, link: QUICK, synchronous });
  const { gossipIntervalMs } = gossip;
  if (synchronous) {
    const next = (Math.floor(lab.runtime.now / gossipIntervalMs) + 1) * gossipIntervalMs;
    await lab.runFor(next - 5 - lab.runtime.now);
  }
  const saidAtMs = lab.runtime.now;
  const learnedMs: number[] = [];
  using _observing = lab.observe((event) => {
    if (event.type === 'left') learnedMs.push(event.atMs - saidAtMs);
  });
  void drawn(lab, 'leaver').memberlist.leave({ timeoutMs: 0 });
  await lab.runFor(20 * gossipIntervalMs);
  return learnedMs;
}

/** Share of probes that fail while every message is lost with the same probability, and nobody is down. */
export async function probeFailureShare(options: {
  readonly members: number;
  readonly loss: number;
  readonly helpers: number;
  readonly seed: number;
  readonly forMs: number;
}): Promise<number> {
  const { members, loss, helpers, seed, forMs } = options;
  const gossip: GossipConfig = {
    ...gossipPresets.lan,
    indirectChecks: helpers,
    streamPing: false,
    // Refutations come in time, so that probes do not meet suspects.
    gossipIntervalMs: 50,
    suspicionMult: 20,
    lifeguard: NO_LIFEGUARD,
    limits: { ...gossipPresets.lan.limits, refutationBurst: 1_000_000 },
  };
  const lab = await Lab.create({ seed, members, gossip, link: QUICK });
  lab.lossy(loss);
  let failures = 0;
  using _observing = lab.observe((event) => {
    if (isOwnAccusation(lab, event)) failures += 1;
  });
  await lab.runFor(forMs);
  return failures / ((members * forMs) / gossip.probeIntervalMs);
}

/** Packets that each member sends for one piece of news when nothing else is to be sent. */
export async function transmissionsOnce(members: number, seed: number): Promise<number> {
  const gossip = { ...gossipPresets.lan, probeIntervalMs: 0, pushPullIntervalMs: 0 };
  const lab = await Lab.create({ seed, members, gossip, link: QUICK });
  const before = packetsOf(lab);
  void drawn(lab, 'leaver').memberlist.leave({ timeoutMs: 0 });
  await lab.runFor(60_000);
  return (packetsOf(lab) - before) / members;
}

/** Mean time between two full exchanges that a member begins. */
export async function exchangeIntervalOnce(members: number, seed: number): Promise<number> {
  const gossip = { ...gossipPresets.lan, probeIntervalMs: 0 };
  const lab = await Lab.create({ seed, members, gossip, link: QUICK });
  await lab.runFor(600_000);
  const before = dialsOf(lab);
  const forMs = 1_800_000;
  await lab.runFor(forMs);
  return (forMs * members) / (dialsOf(lab) - before);
}

function isOwnAccusation(lab: Lab, { type, by, from }: LabEvent): boolean {
  return (type === 'suspect' || type === 'confirmed') && from === lab.member(by).name;
}

function packetsOf(lab: Lab): number {
  return lab.members.reduce((sum, { sent }) => sum + sent.packets, 0);
}

function dialsOf(lab: Lab): number {
  return lab.members.reduce((sum, { sent }) => sum + sent.dials, 0);
}

function drawn(lab: Lab, label: string): LabMember {
  return lab.member(lab.runtime.random.fork(label).int(lab.members.length));
}

function watch(
  lab: Lab,
  victim: LabMember,
): { suspectMs: number | undefined; deadMs: number | undefined } {
  const times: { suspectMs: number | undefined; deadMs: number | undefined } = {
    suspectMs: undefined,
    deadMs: undefined,
  };
  lab.observe(({ type, about, atMs }) => {
    if (about !== victim.number || !victim.crashed) return;
    if (type === 'suspect') times.suspectMs ??= atMs;
    if (type === 'dead') times.deadMs ??= atMs;
  });
  return times;
}
