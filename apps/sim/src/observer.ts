import { type CloseUp, closeUpOf } from './close-up.ts';
import type { SimCluster } from './cluster.ts';
import type { SimEvent } from './events.ts';
import { Histogram } from './histogram.ts';
import { least, lookUp, most, ringFigures } from './ring-figures.ts';
import type { SimNode } from './sim-node.ts';

/** The cluster at one moment. */
export interface Sample {
  readonly atMs: number;
  /** Nodes that are up and run. */
  readonly live: number;
  /** Of these, full nodes that have said since their start that they are ready. */
  readonly ready: number;
  /** Fewest and most members that a live node sees. */
  readonly membersMin: number;
  readonly membersMax: number;
  /** Whether every node that gossips sees exactly those that do. */
  readonly viewsEqual: boolean;
  /** Live nodes that see nobody but themselves, where there are others in their cluster. */
  readonly isolated: number;
  /** Members that live nodes hold for suspect. */
  readonly suspicions: number;
  /** Age of the oldest heartbeat of a live node in the ring of a live node; 0 without rings. */
  readonly oldestHeartbeatMs: number;
  /** Fewest and most instances in the ring of a live node; 0 without rings. */
  readonly instancesMin: number;
  readonly instancesMax: number;
  /** Whether the rings of all live nodes of a cluster name the same owners for a set of keys. */
  readonly lookupsAgree: boolean;
  /** Whether the rings of all live nodes have an answer for each of them: enough healthy owners. */
  readonly lookupsSucceed: boolean;
  /** Membership messages that wait to be gossiped, over all nodes. */
  readonly queued: number;
  /** Bytes that all nodes have sent since the sample before, per live node and second. */
  readonly bytesPerNodeS: number;
  /** Present when the observer was told to look closely. */
  readonly closeUp?: CloseUp;
}

/** Numbers over the whole run. */
export interface Totals {
  suspicions: number;
  /** Suspicions of members that were up, running and cut off from nobody. */
  falseSuspicions: number;
  refutations: number;
  /** Times that a node held a member for dead. */
  deaths: number;
  /** Of these: of members that ran and were cut off from nobody since before they were suspected. */
  falseDeaths: number;
  /** Of these: of members that were paused, or cut off from somebody, meanwhile. */
  unreachableDeaths: number;
  left: number;
  rejoins: number;
  startFailures: number;
  /** Log lines of level error. */
  errorsLogged: number;
}

/** Events that are kept as text for reports; those beyond are counted. */
const MAX_KEPT_EVENTS = 2000;
/** When there are more samples every second one is dropped, and samples are taken half as often. */
const MAX_SAMPLES = 4000;
/** Keys whose owners are compared. */
const LOOKUP_KEYS = 16;
/** Message of the log line that tells of a successful rejoin; a test sees it happen. */
const REJOIN_MARK = 'joined addresses that were no members';
/** Message of the log line of a node that has become ready; a test sees it happen. */
const READY_MARK = 'ready';

/** How an {@link Observer} looks. */
export interface ObserverOptions {
  /** Virtual milliseconds from one sample to the next. Default 1000. */
  readonly everyMs?: number;
  /** Whether samples have {@link Sample.closeUp}. Default false. */
  readonly closeUp?: boolean;
}

/** An event with what the observer thinks of it. */
export interface KeptEvent {
  readonly event: SimEvent;
  /** For deaths and suspicions: whether the member was in truth up and reachable. */
  readonly wrong: boolean;
}

/** Where a member was when it was held for dead. */
type Truth = 'down' | 'unreachable' | 'reachable';

/**
 * Watches a cluster from outside without changing anything in it: counts suspicions and deaths and whether they were
 * right, and samples views, rings and queues. Its memory is bounded, whatever the length of the run.
 */
export class Observer implements Disposable {
  readonly totals: Totals = {
    suspicions: 0,
    falseSuspicions: 0,
    refutations: 0,
    deaths: 0,
    falseDeaths: 0,
    unreachableDeaths: 0,
    left: 0,
    rejoins: 0,
    startFailures: 0,
    errorsLogged: 0,
  };
  /** From the end of a node to the moment at which each other node held it for dead, in milliseconds. */
  readonly detection: Histogram = new Histogram();
  /** From the start of a node until it said that it was ready, in milliseconds. */
  readonly timeToReady: Histogram = new Histogram();
  readonly #cluster: SimCluster;
  readonly #closeUp: boolean;
  /** Nodes that are ready. */
  readonly #ready = new Set<SimNode>();
  readonly #subscription: Disposable;
  readonly #samples: Sample[] = [];
  readonly #kept: KeptEvent[] = [];
  readonly #owners = new Map<string, SimNode>();
  readonly #killedAtMs = new Map<SimNode, number>();
  /** What the last one who gave a member up by itself saw; rumours repeat it. */
  readonly #verdicts = new Map<SimNode, Truth>();
  /** Whom each node suspects at present. */
  readonly #open = new Map<string, Set<string>>();
  readonly #lookupKeys: readonly number[];
  #everyMs: number;
  #dropped = 0;
  #changes = 0;
  #compared: { readonly key: string; readonly equal: boolean } | undefined;
  #lastSentBytes = 0;

  constructor(cluster: SimCluster, options: ObserverOptions = {}) {
    const { everyMs = 1000, closeUp = false } = options;
    this.#cluster = cluster;
    this.#closeUp = closeUp;
    this.#everyMs = everyMs;
    this.#subscription = cluster.observe((event) => this.#onEvent(event));
    const random = cluster.random.fork('observed keys');
    this.#lookupKeys = Array.from({ length: LOOKUP_KEYS }, () => random.int(2 ** 32));
  }

  /** Oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** The first events, oldest first. */
  get events(): readonly KeptEvent[] {
    return this.#kept;
  }

  /** Events that were not kept because there were too many. */
  get droppedEvents(): number {
    return this.#dropped;
  }

  /** Time from one sample to the next. */
  get everyMs(): number {
    return this.#everyMs;
  }

  /** Looks at the cluster now. */
  sample(): Sample {
    const cluster = this.#cluster;
    const live = cluster.live;
    const members = live.map((node) => node.memberlist?.memberCount ?? 0);
    const rings = ringFigures(live, cluster.runtime.clock.unixMs());
    const sample: Sample = {
      atMs: cluster.now,
      live: live.length,
      ready: live.reduce((count, node) => count + (this.#ready.has(node) ? 1 : 0), 0),
      membersMin: least(members),
      membersMax: most(members),
      viewsEqual: this.#viewsEqual(members),
      isolated: isolatedOf(live),
      suspicions: this.#suspicionsNow(),
      ...rings,
      ...lookUp(live, this.#lookupKeys),
      queued: live.reduce((sum, node) => sum + queuedOf(node), 0),
      bytesPerNodeS: this.#bytesPerNodeS(live.length),
      ...(this.#closeUp && { closeUp: closeUpOf(live, cluster.nodes) }),
    };
    this.#samples.push(sample);
    if (this.#samples.length > MAX_SAMPLES) this.#thin();
    return sample;
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  #thin(): void {
    const kept = this.#samples.filter((_, index) => index % 2 === 0);
    this.#samples.splice(0, this.#samples.length, ...kept);
    this.#everyMs *= 2;
  }

  #onEvent(event: SimEvent): void {
    this.#trackSuspicion(event);
    switch (event.type) {
      case 'suspect':
        this.#onSuspect(event);
        break;
      case 'dead':
        this.#onDead(event);
        break;
      case 'refuted':
        this.#changes += 1;
        this.totals.refutations += 1;
        this.#keep(event, false);
        break;
      case 'left':
        this.#changes += 1;
        this.totals.left += 1;
        this.#keep(event, false);
        break;
      case 'node':
        this.#onNode(event);
        break;
      case 'log':
        this.#onLog(event);
        break;
      case 'note':
        this.#keep(event, false);
        break;
      case 'confirmed':
        break;
    }
  }

  #trackSuspicion(event: SimEvent): void {
    if (event.type === 'suspect') {
      const open = this.#open.get(event.node) ?? new Set<string>();
      this.#open.set(event.node, open.add(event.member));
    } else if (event.type === 'refuted' || event.type === 'dead' || event.type === 'left') {
      this.#open.get(event.node)?.delete(event.member);
    } else if (event.type === 'node' && event.what !== 'paused' && event.what !== 'resumed') {
      this.#open.delete(event.node);
    }
  }

  #onSuspect(event: Extract<SimEvent, { type: 'suspect' | 'confirmed' }>): void {
    this.#changes += 1;
    this.totals.suspicions += 1;
    const member = this.#owner(event.member);
    const wrong = member !== undefined && member.reachableSinceMs < event.atMs;
    if (wrong) this.totals.falseSuspicions += 1;
    this.#keep(event, wrong);
  }

  #onDead(event: Extract<SimEvent, { type: 'dead' }>): void {
    this.#changes += 1;
    this.totals.deaths += 1;
    const member = this.#owner(event.member);
    if (member === undefined) {
      this.#keep(event, false);
      return;
    }
    const truth = this.#truth(member, event);
    if (truth === 'reachable') this.totals.falseDeaths += 1;
    if (truth === 'unreachable') this.totals.unreachableDeaths += 1;
    const killedAtMs = this.#killedAtMs.get(member);
    if (truth === 'down' && killedAtMs !== undefined) this.detection.add(event.atMs - killedAtMs);
    this.#keep(event, truth === 'reachable');
  }

  /** Who gave the member up by itself is judged by the time since it began to suspect; rumours share that judgement. */
  #truth(member: SimNode, event: Extract<SimEvent, { type: 'dead' }>): Truth {
    if (event.suspectMs === undefined)
      return this.#verdicts.get(member) ?? truthOf(member, event.atMs);
    const truth = truthOf(member, event.atMs - event.suspectMs);
    this.#verdicts.set(member, truth);
    return truth;
  }

  #onNode(event: Extract<SimEvent, { type: 'node' }>): void {
    this.#changes += 1;
    const node = this.#cluster.node(event.node);
    this.#owners.set(node.memberName, node);
    if (event.what === 'failed') this.totals.startFailures += 1;
    if (event.what === 'killed') this.#killedAtMs.set(node, event.atMs);
    if (event.what === 'starting') this.#verdicts.delete(node);
    if (event.what === 'starting') this.#ready.delete(node);
    if (event.what === 'started') this.#killedAtMs.delete(node);
    this.#keep(event, false);
  }

  #onLog(event: Extract<SimEvent, { type: 'log' }>): void {
    if (event.level === 'error') this.totals.errorsLogged += 1;
    if (event.message === REJOIN_MARK) this.totals.rejoins += 1;
    if (event.message === READY_MARK) {
      const node = this.#cluster.node(event.node);
      this.#ready.add(node);
      this.timeToReady.add(event.atMs - node.startedAtMs);
    }
    this.#keep(event, false);
  }

  #keep(event: SimEvent, wrong: boolean): void {
    if (this.#kept.length < MAX_KEPT_EVENTS) this.#kept.push({ event, wrong });
    else this.#dropped += 1;
  }

  #owner(member: string): SimNode | undefined {
    const known = this.#owners.get(member);
    if (known?.memberName === member) return known;
    return this.#cluster.nodes.find((node) => node.memberName === member);
  }

  /** Comparing all views is dear, so it is done only when something has changed since. */
  #viewsEqual(members: readonly number[]): boolean {
    const sum = members.reduce((total, count) => total + count, 0);
    const key = `${this.#changes} ${members.length} ${sum}`;
    if (this.#compared?.key !== key) {
      this.#compared = { key, equal: this.#cluster.converged() };
    }
    return this.#compared.equal;
  }

  #suspicionsNow(): number {
    let count = 0;
    for (const open of this.#open.values()) count += open.size;
    return count;
  }

  #bytesPerNodeS(live: number): number {
    let sent = 0;
    for (const { traffic } of this.#cluster.nodes) {
      sent += traffic.sentPacketBytes + traffic.sentStreamBytes;
    }
    const last = this.#samples.at(-1)?.atMs ?? 0;
    const seconds = (this.#cluster.now - last) / 1000;
    const bytes = sent - this.#lastSentBytes;
    this.#lastSentBytes = sent;
    return seconds > 0 && live > 0 ? bytes / seconds / live : 0;
  }
}

function truthOf(member: SimNode, sinceMs: number): Truth {
  if (member.startedAtMs > sinceMs) return 'down';
  return member.reachableSinceMs <= sinceMs ? 'reachable' : 'unreachable';
}

function isolatedOf(live: readonly SimNode[]): number {
  const sizes = new Map<string, number>();
  for (const { spec } of live) sizes.set(spec.cluster, (sizes.get(spec.cluster) ?? 0) + 1);
  return live.filter((node) => {
    const alone = (node.memberlist?.memberCount ?? 1) <= 1;
    return alone && (sizes.get(node.spec.cluster) ?? 0) > 1;
  }).length;
}

function queuedOf({ memberlist }: SimNode): number {
  return memberlist?.queuedBroadcasts ?? 0;
}
