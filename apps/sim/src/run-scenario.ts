import { type Findings, seconds, type Verdict } from './assertion.ts';
import { SimCluster, type SimNodeOptions } from './cluster.ts';
import { type ConfigTree, configOf, mergeTrees } from './config-tree.ts';
import { described, Faults } from './faults.ts';
import { gossipSettings } from './gossip-block.ts';
import { type KeptEvent, Observer, type Sample, type Totals } from './observer.ts';
import { memberlistBlock, type Scenario } from './scenario.ts';
import type { NodeGroup } from './scenario-schema.ts';
import { linkFaults } from './scenario-values.ts';
import type { SimNode } from './sim-node.ts';
import type { NodeTraffic } from './traced-transport.ts';
import { WORKLOAD_CODECS, Workload } from './workload.ts';

/** How far a run is. */
export interface Progress {
  readonly nowMs: number;
  readonly endMs: number;
  readonly live: number;
  readonly nodes: number;
  readonly events: number;
}

/** How a scenario is run. */
export interface RunScenarioOptions {
  /** Ends the run early; the result then says so. */
  readonly signal?: AbortSignal;
  /** Is told now and then how far the run is. */
  readonly onProgress?: (progress: Progress) => void;
  /** Is given the cluster before it starts, to watch it. */
  readonly onCluster?: (cluster: SimCluster) => void;
  /** Proves of every plain event that it left no continuation behind; slow, for tests. */
  readonly checkPlain?: boolean;
}

/** What one node came to. */
export interface NodeResult {
  readonly name: string;
  readonly state: string;
  readonly zone: string;
  readonly cluster: string;
  readonly lives: number;
  readonly members: number;
  readonly traffic: Readonly<NodeTraffic>;
}

/** What a run came to. Everything but the wall time follows from scenario and seed. */
export interface RunResult {
  readonly scenario: string;
  readonly description: string;
  readonly seed: number;
  /** Whether every assertion held and the run came to its end. */
  readonly passed: boolean;
  readonly interrupted: boolean;
  readonly verdicts: readonly Verdict[];
  readonly findings: Omit<Findings, 'samples'>;
  readonly samples: readonly Sample[];
  readonly propagationCdf: readonly { readonly value: number; readonly share: number }[];
  readonly fullPropagationCdf: readonly { readonly value: number; readonly share: number }[];
  readonly events: readonly KeptEvent[];
  readonly droppedEvents: number;
  readonly nodes: readonly NodeResult[];
  readonly executedEvents: number;
  readonly traceRecords: number;
  readonly traceSha256: string;
}

/**
 * Runs a scenario to its end, or until the signal fires.
 * @throws {SimUsageError} when the timeline asks for something impossible, a node that does not exist for example
 */
export async function runScenario(
  scenario: Scenario,
  options: RunScenarioOptions = {},
): Promise<RunResult> {
  const run = new ScenarioRun(scenario, options);
  try {
    return await run.toEnd();
  } finally {
    await run[Symbol.asyncDispose]();
  }
}

class ScenarioRun implements AsyncDisposable {
  readonly #scenario: Scenario;
  readonly #options: RunScenarioOptions;
  readonly #cluster: SimCluster;
  readonly #observer: Observer;
  readonly #workload: Workload | undefined;
  readonly #faults: Faults;
  readonly #configs = new Map<SimNode, ConfigTree>();
  readonly #waiting: SimNode[] = [];

  constructor(scenario: Scenario, options: RunScenarioOptions) {
    const { text } = scenario;
    this.#scenario = scenario;
    this.#options = options;
    this.#cluster = clusterOf(scenario, options.checkPlain ?? false);
    this.#faults = new Faults({
      cluster: this.#cluster,
      configure: (node, change) => this.#configure(node, change),
      add: (given) => this.#add({ ...given, count: 1, started: true }, given),
    });
    for (const group of text.nodes) this.#addGroup(group);
    this.#observer = new Observer(this.#cluster, {
      everyMs: text.sample,
      closeUp: scenario.assertions.some(({ closeUp }) => closeUp),
    });
    this.#workload = text.workload && this.#newWorkload(text.workload);
    options.onCluster?.(this.#cluster);
  }

  async toEnd(): Promise<RunResult> {
    const { text } = this.#scenario;
    const cluster = this.#cluster;
    const held = new Set(this.#waiting);
    // What happens at 0 has happened when the first node starts.
    this.#faults.schedule(text.timeline);
    cluster.start({ spreadMs: text.start.spread, except: held });
    const { signal } = this.#options;
    let interrupted = false;
    while (cluster.now < text.duration && !interrupted) {
      const stepMs = this.#nextSampleMs(cluster.now) - cluster.now;
      try {
        await cluster.runFor(stepMs, signal === undefined ? {} : { signal });
      } catch (error) {
        if (signal?.aborted !== true) throw error;
        interrupted = true;
      }
      if (this.#faults.failure !== undefined) throw this.#faults.failure;
      this.#observer.sample();
      this.#tellProgress();
    }
    return this.#result(interrupted);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#workload?.[Symbol.dispose]();
    this.#observer[Symbol.dispose]();
    await this.#cluster[Symbol.asyncDispose]();
  }

  #tellProgress(): void {
    const { now, nodes, live, runtime } = this.#cluster;
    this.#options.onProgress?.({
      nowMs: now,
      endMs: this.#scenario.text.duration,
      live: live.length,
      nodes: nodes.length,
      events: runtime.executedEvents,
    });
  }

  /** The next regular sample, or one that an assertion needs before. */
  #nextSampleMs(now: number): number {
    const { text, assertions } = this.#scenario;
    const wanted = assertions.flatMap(({ sampleAtMs, afterHealMs }) => [
      sampleAtMs ?? Number.POSITIVE_INFINITY,
      afterHealMs === undefined ? Number.POSITIVE_INFINITY : this.#faults.lastEndMs + afterHealMs,
    ]);
    const { everyMs } = this.#observer;
    const regular = (Math.floor(now / everyMs) + 1) * everyMs;
    return [...wanted, regular]
      .filter((at) => at > now)
      .reduce((a, b) => Math.min(a, b), text.duration);
  }

  #newWorkload(given: NonNullable<Scenario['text']['workload']>): Workload {
    const { runtime } = this.#cluster;
    const workload = new Workload(this.#cluster, {
      everyMs: given.every,
      keys: given.keys,
      valueBytes: given.value_bytes,
      burst: given.burst,
      writers: given.writers,
    });
    runtime.timers.after(given.from, () => workload.start());
    if (given.until !== undefined) runtime.timers.after(given.until, () => workload.stop());
    return workload;
  }

  #addGroup(group: NodeGroup): void {
    for (let n = 0; n < group.count; n++) {
      const name =
        group.name === undefined || group.count === 1 ? group.name : `${group.name}-${n}`;
      const node = this.#add(group, { name });
      if (!group.started) this.#waiting.push(node);
    }
  }

  #add(
    group: NodeGroup,
    own: { readonly name?: string | undefined; readonly ip?: string | undefined },
  ): SimNode {
    const { text } = this.#scenario;
    const tree = mergeTrees(text.config, group.config ?? {});
    const gossip = { ...text.gossip, ...group.gossip };
    const options: SimNodeOptions = {
      ...(own.name !== undefined && { name: own.name }),
      ...(own.ip !== undefined && { ip: own.ip }),
      ...(group.zone !== undefined && { zone: group.zone }),
      ...(group.cluster !== undefined && { cluster: group.cluster }),
      ...(group.listed !== undefined && { listed: group.listed }),
      ...(group.config !== undefined && { config: configOf(tree) }),
      ...((group.gossip !== undefined || group.config !== undefined) && {
        gossip: gossipSettings(gossip, memberlistBlock(tree)),
      }),
    };
    const node = this.#cluster.add(options);
    this.#configs.set(node, tree);
    return node;
  }

  #configure(node: SimNode, change: ConfigTree): void {
    const tree = mergeTrees(this.#configs.get(node) ?? this.#scenario.text.config, change);
    this.#configs.set(node, tree);
    this.#cluster.configure(node.name, configOf(tree));
  }

  #result(interrupted: boolean): RunResult {
    const { name, text, assertions } = this.#scenario;
    const cluster = this.#cluster;
    const observer = this.#observer;
    const findings = this.#findings();
    const verdicts = assertions.map((assertion) => assertion.check(findings));
    const { samples, ...rest } = findings;
    return {
      scenario: name,
      description: text.description,
      seed: text.seed,
      passed: !interrupted && verdicts.every(({ held }) => held),
      interrupted,
      verdicts,
      findings: rest,
      samples,
      propagationCdf: this.#workload?.propagation.cumulative() ?? [],
      fullPropagationCdf: this.#workload?.fullPropagation.cumulative() ?? [],
      events: observer.events,
      droppedEvents: observer.droppedEvents,
      nodes: cluster.nodes.map(nodeResult),
      executedEvents: cluster.runtime.executedEvents,
      traceRecords: cluster.trace.records,
      traceSha256: cluster.trace.sha256(),
    };
  }

  #findings(): Findings {
    const { samples, totals, detection, timeToReady } = this.#observer;
    const workload = this.#workload;
    return {
      samples,
      totals: { ...totals } satisfies Totals,
      propagation: workload?.propagation.summary() ?? NOTHING,
      fullPropagation: workload?.fullPropagation.summary() ?? NOTHING,
      detection: detection.summary(),
      timeToReady: timeToReady.summary(),
      writes: workload?.writes ?? 0,
      casFailures: workload?.failures ?? 0,
      lostWrites: workload?.lost ?? 0,
      unseenWrites: workload?.unseen ?? 0,
      healedAtMs: this.#faults.lastEndMs,
      endMs: this.#cluster.now,
    };
  }
}

const NOTHING = { count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 } as const;

function clusterOf({ text, config }: Scenario, checkPlain: boolean): SimCluster {
  const { mode, max_packet_bytes: maxPacketBytes, zones, ...link } = text.network;
  const faults = linkFaults(link);
  const base = { latencyMs: [0.2, 1] as const, ...faults };
  const cluster = SimCluster.create({
    seed: text.seed,
    mode: text.mode,
    config,
    gossip: gossipSettings(text.gossip, memberlistBlock(text.config)),
    codecs: WORKLOAD_CODECS,
    checkPlain,
    network: {
      link: base,
      ...(mode !== undefined && { mode }),
      ...(maxPacketBytes !== undefined && { maxPacketBytes }),
    },
  });
  for (const { from, to, one_way: oneWay, ...rest } of zones) {
    const between = { ...base, ...linkFaults(rest) };
    cluster.links.setZones(from, to, between);
    if (!oneWay) cluster.links.setZones(to, from, between);
  }
  return cluster;
}

function nodeResult({ name, state, spec, lives, memberlist, traffic }: SimNode): NodeResult {
  const { zone, cluster } = spec;
  return {
    name,
    state,
    zone,
    cluster,
    lives,
    members: memberlist?.memberCount ?? 0,
    traffic: { ...traffic },
  };
}

/** What the timeline of a scenario holds, a line an entry. */
export function timelineLines({ text }: Scenario): readonly string[] {
  return text.timeline.map((entry) => {
    const lasting = entry.for === undefined ? '' : ` for ${seconds(entry.for)}`;
    return `${seconds(entry.at)} ${described(entry)}${lasting}`;
  });
}
