import { gossipPresets } from '@ml/gossip';
import type { AnyMergeable, Codec } from '@ml/kv';
import { RingDesc, ringCodec, ringKeyOf } from '@ml/ring';
import { MlError } from '@ml/runtime';
import type { Check, Snapshot } from './check/check.ts';
import { incarnationsGrow } from './check/incarnations-grow.ts';
import { labelsStayApart } from './check/labels-apart.ts';
import { lookupsAreDistinct } from './check/lookups-distinct.ts';
import { mergeLawsHold } from './check/merge-laws.ts';
import { nobodyStaysDead } from './check/nobody-stays-dead.ts';
import { nothingResurrects } from './check/nothing-resurrects.ts';
import { queuesAreBounded } from './check/queues-bounded.ts';
import { comesToRest } from './check/quiescence.ts';
import { viewsConverge } from './check/views-converge.ts';
import { acceptedWritesAreKept } from './check/writes-kept.ts';
import { SimCluster, type SimNodeOptions } from './cluster.ts';
import type { NodeMode } from './sim-node.ts';
import { snapshotOf } from './snapshot.ts';
import { FaultRunner } from './swarm-faults.ts';
import type { PlannedNode, SwarmPlan } from './swarm-plan.ts';
import { ledgerCodec, WriteLedger } from './write-ledger.ts';

/** All values of {@link Canary}. */
export const CANARIES = ['droppedTombstones', 'forgottenCut'] as const;

/**
 * A fault that is planted in the simulation to prove that the checks see it. `droppedTombstones`: nodes lose the marks of
 * removed instances when they decode a ring. `forgottenCut`: one node stays cut off when all faults should be over.
 */
export type Canary = (typeof CANARIES)[number];

/** How a plan is run. */
export interface SwarmOptions {
  readonly canary?: Canary | undefined;
}

/** A check that did not hold. */
export interface SwarmFailure {
  readonly check: string;
  /** Virtual milliseconds. */
  readonly atMs: number;
  readonly what: string;
}

/** What a run came to. */
export interface SwarmOutcome {
  /** The first failure; `undefined` when all checks held. */
  readonly failure: SwarmFailure | undefined;
  /** Virtual milliseconds from the end of all faults until every check held; 0 when that never came about. */
  readonly recoveredMs: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly traceSha256: string;
}

/** The cluster is looked at so often. */
const SAMPLE_MS = 1000;
/** All must still be well after this time, in which a member that is cut off is found dead. */
const STEADY_MS = 60_000;
const LOOKED_UP_KEYS = 8;
/** Laws of merging are tried on the values of the moment so often. */
const LAWS_EVERY_SAMPLES = 10;
/** Changes of values that wait are counted so often. */
const QUEUES_EVERY_SAMPLES = 10;

/** Runs a plan: starts the nodes, lets faults happen, ends them all, and waits until every check holds or time is up. */
export async function runPlan(plan: SwarmPlan, options: SwarmOptions = {}): Promise<SwarmOutcome> {
  await using cluster = clusterOf(plan, options);
  const run = new SwarmRun(cluster, plan, options);
  const outcome = await run.run();
  return {
    ...outcome,
    virtualMs: cluster.now,
    events: cluster.runtime.executedEvents,
    traceSha256: cluster.trace.sha256(),
  };
}

/**
 * Longest time from the end of all faults until all is well, in virtual milliseconds: the dead are found and given up
 * (few accusers make the longest suspicion), news of it spreads, the parts of a split cluster find each other again at the
 * second rejoin at the latest, and full exchanges bring the rest.
 */
export function recoveryLimitMs({ knobs, nodes }: SwarmPlan): number {
  const gossip = gossipPresets[knobs.preset];
  const scale = Math.max(1, Math.log10(2 * nodes.length));
  const suspicionMs =
    gossip.suspicionMult * gossip.suspicionMaxTimeoutMult * gossip.probeIntervalMs * scale;
  const probeMs = nodes.length * gossip.probeIntervalMs;
  return (
    suspicionMs +
    probeMs * 2 +
    knobs.gossipToTheDeadMs +
    2.2 * knobs.rejoinIntervalMs +
    6 * knobs.pushPullIntervalMs
  );
}

class SwarmRun {
  readonly #cluster: SimCluster;
  readonly #plan: SwarmPlan;
  readonly #faults: FaultRunner;
  readonly #ledger: WriteLedger | undefined;
  readonly #checks: readonly Check[];
  readonly #keys: readonly number[];
  readonly #canary: SwarmOptions['canary'];
  #samples = 0;
  #failure: SwarmFailure | undefined;

  constructor(cluster: SimCluster, plan: SwarmPlan, { canary }: SwarmOptions) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#canary = canary;
    this.#faults = new FaultRunner(cluster, plan);
    this.#ledger = plan.writeEveryMs > 0 ? new WriteLedger(cluster, plan.writeEveryMs) : undefined;
    const random = cluster.random.fork('swarm keys');
    this.#keys = Array.from({ length: LOOKED_UP_KEYS }, () => random.int(2 ** 32));
    this.#checks = this.#makeChecks();
  }

  async run(): Promise<Pick<SwarmOutcome, 'failure' | 'recoveredMs'>> {
    const cluster = this.#cluster;
    cluster.start({ spreadMs: 3000 });
    this.#faults.schedule();
    const timer = cluster.runtime.timers.every(SAMPLE_MS, () => this.#sample());
    await cluster.runFor(this.#plan.faultsMs);
    this.#ledger?.stop();
    this.#faults.heal();
    cluster.note('all faults are over');
    const forgotten = this.#canary === 'forgottenCut' ? this.#forgetCut() : undefined;
    const healedAtMs = cluster.now;
    await this.#rejoin();
    await this.#recover();
    const recoveredMs = this.#failure === undefined ? cluster.now - healedAtMs : 0;
    // What only looks well may fall apart: it must be well again a while later.
    await cluster.runFor(STEADY_MS);
    await this.#recover();
    timer[Symbol.dispose]();
    forgotten?.[Symbol.dispose]();
    return { failure: this.#failure, recoveredMs };
  }

  async #recover(): Promise<void> {
    const endMs = this.#cluster.now + recoveryLimitMs(this.#plan);
    for (;;) {
      const fault = this.#failure === undefined ? this.#faultAtEnd() : undefined;
      if (fault === undefined) return;
      if (this.#cluster.now >= endMs) {
        this.#fail(fault);
        return;
      }
      await this.#cluster.runFor(SAMPLE_MS);
    }
  }

  #makeChecks(): readonly Check[] {
    const values = {
      current: () => this.#ringValues(),
      show: showRing,
      nowUnixMs: () => this.#cluster.runtime.clock.unixMs(),
    };
    return [
      labelsStayApart(),
      incarnationsGrow(),
      lookupsAreDistinct(),
      queuesAreBounded(),
      everySamples(mergeLawsHold(values), LAWS_EVERY_SAMPLES),
      nothingResurrects(this.#faults),
      nobodyStaysDead(),
      viewsConverge(),
      comesToRest(),
      ...(this.#ledger === undefined ? [] : [acceptedWritesAreKept(this.#ledger)]),
    ];
  }

  #sample(): void {
    if (this.#failure !== undefined) return;
    this.#samples += 1;
    const snapshot = this.#snapshot();
    for (const check of this.#checks) {
      const what = check.during?.(snapshot);
      if (what !== undefined) this.#fail({ check: check.name, what });
    }
  }

  /** The first check that does not hold now, and why. */
  #faultAtEnd(): { readonly check: string; readonly what: string } | undefined {
    const missing = this.#cluster.nodes.find(
      ({ name, live }) => !live && !this.#faults.gone.has(name),
    );
    if (missing !== undefined) {
      return { check: 'everybody is up', what: `${missing.name} is ${missing.state}` };
    }
    const snapshot = this.#snapshot();
    for (const { name, atEnd } of this.#checks) {
      const what = atEnd?.(snapshot);
      if (what !== undefined) return { check: name, what };
    }
    return undefined;
  }

  #fail(fault: { readonly check: string; readonly what: string } | undefined): void {
    if (fault !== undefined) this.#failure ??= { ...fault, atMs: this.#cluster.now };
  }

  #snapshot(): Snapshot {
    const options = { keys: this.#keys, queues: this.#samples % QUEUES_EVERY_SAMPLES === 0 };
    return snapshotOf(this.#cluster, options);
  }

  /** Members without a store have nobody who rejoins for them: an operator does, once. */
  async #rejoin(): Promise<void> {
    if (this.#plan.mode !== 'membership') return;
    const cluster = this.#cluster;
    for (const node of cluster.live) {
      const to = cluster.nodes.filter(
        (other) => other.spec.cluster === node.spec.cluster && other !== node && other.live,
      );
      const joining = node.memberlist?.join(to.map(({ ip }) => ip));
      joining?.catch((error: unknown) => {
        if (!MlError.is(error)) throw error;
      });
    }
    await cluster.runFor(SAMPLE_MS);
  }

  #forgetCut(): Disposable {
    const [first, ...rest] = this.#cluster.nodes.map(({ name }) => name);
    return this.#cluster.partition([first ?? ''], rest);
  }

  #ringValues(): readonly AnyMergeable[] {
    return this.#cluster.live.flatMap((node) => {
      const key = ringKeyOf(node.spec.config.ring);
      const value = node.kv?.entry(key)?.value;
      return value === undefined ? [] : [value];
    });
  }
}

/** Makes a dear check at one of so many samples only. */
function everySamples(check: Check, every: number): Check {
  let sample = 0;
  return {
    ...check,
    during: (snapshot) => {
      sample += 1;
      return sample % every === 0 ? check.during?.(snapshot) : undefined;
    },
  };
}

function showRing(value: AnyMergeable): string {
  if (!(value instanceof RingDesc)) return 'no ring';
  const items = value.unordered.map(({ id, state, heartbeatUnixS, tokens }) => {
    return `${id} ${state} ${heartbeatUnixS} ${[...tokens].join(',')}`;
  });
  return items.sort().join('\n');
}

function clusterOf(plan: SwarmPlan, { canary }: SwarmOptions): SimCluster {
  const { knobs, mode } = plan;
  const { gossipToTheDeadMs, gossipIntervalMs, gossipNodes, pushPullIntervalMs, compression } =
    knobs;
  return SimCluster.create({
    seed: plan.seed,
    mode,
    nodes: plan.nodes.map((node) => nodeOptions(node, mode)),
    network: { mode: plan.network, link: plan.link },
    gossip:
      mode === 'full'
        ? {}
        : {
            ...gossipPresets[knobs.preset],
            gossipToTheDeadMs,
            gossipIntervalMs,
            gossipNodes,
            pushPullIntervalMs,
            compression,
          },
    codecs: [ledgerCodec, ...(canary === 'droppedTombstones' ? [forgetfulRingCodec] : [])],
    config: {
      memberlist: {
        kv: {
          gossipIntervalMs,
          gossipNodes,
          pushPullIntervalMs,
          gossipToDeadNodesTimeMs: gossipToTheDeadMs,
          compressionEnabled: compression,
          randomizeNodeName: knobs.randomizeNodeName,
          // A node that cannot join yet goes on trying.
          maxJoinRetries: 0,
        },
      },
      cluster: { rejoinIntervalMs: knobs.rejoinIntervalMs },
      ring: {
        replicationFactor: knobs.replicationFactor,
        zoneAwarenessEnabled: knobs.zoneAware && plan.nodes.every(({ zone }) => zone !== ''),
        numTokens: 16,
        minReadyDurationMs: 1000,
        tokensFilePath: knobs.keepTokens ? '/tokens' : '',
      },
    },
  });
}

function nodeOptions({ name, cluster, zone, old }: PlannedNode, mode: NodeMode): SimNodeOptions {
  const own = { name, cluster, zone };
  const kv = { clusterLabel: cluster };
  const gossip = { label: cluster };
  if (old === undefined) return { ...own, config: { memberlist: { kv } }, gossip };
  const { protocolVersion, compression } = old;
  return {
    ...own,
    config: { memberlist: { kv: { ...kv, compressionEnabled: compression } } },
    gossip: { ...gossip, protocolVersion, ...(mode === 'membership' && { compression }) },
  };
}

/** The canary {@link Canary} `droppedTombstones`. */
const forgetfulRingCodec: Codec<AnyMergeable> = {
  id: ringCodec.id,
  encode: (value) => {
    if (!(value instanceof RingDesc)) throw new TypeError('only rings are stored under this codec');
    return ringCodec.encode(value);
  },
  decode: (bytes) => ringCodec.decode(bytes).removeTombstones(undefined).value,
};
