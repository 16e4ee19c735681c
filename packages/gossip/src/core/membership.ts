import type { Address } from '@ml/transport';
import { networkContains, parseIp, parseNetwork } from '@ml/transport';
import { MetaTooLongError } from '../errors.ts';
import {
  type Alive,
  type Dead,
  encodeMessage,
  NODE_STATE,
  type PushPullRecord,
  type Suspect,
} from '../wire/index.ts';
import type { CoreContext } from './context.ts';
import {
  hasParts,
  type Identity,
  type IdentityParts,
  isAt,
  makeIdentity,
  memberOf,
  sameBytes,
} from './member-pool.ts';
import { Refuter } from './refuter.ts';
import { Suspicions } from './suspicions.ts';
import { isGone, judge, MAX_INCARNATION } from './transitions.ts';

/** Most bytes of meta data that a member may carry. */
export const MAX_META_BYTES = 512;

/** A sign of life, from a packet or a record of a push/pull. */
interface AliveClaim extends IdentityParts {
  readonly incarnation: number;
}

/** Who is in the cluster: takes claims about members, decides which are news, and passes those on. */
export class Membership {
  readonly #context: CoreContext;
  readonly #suspicions: Suspicions;
  readonly #refuter: Refuter;
  readonly #networks: readonly ReturnType<typeof parseNetwork>[];
  #leaving: boolean = false;

  constructor(context: CoreContext) {
    this.#context = context;
    this.#suspicions = new Suspicions(context, (now, id) => this.#giveUp(now, id));
    this.#refuter = new Refuter(context, (now) => this.#announceRefutation(now));
    this.#networks = context.config.cidrsAllowed.map(parseNetwork);
  }

  /** Our own row, −1 while there is none. */
  get selfId(): number {
    return this.#context.members.find(this.#context.self.name);
  }

  get leaving(): boolean {
    return this.#leaving;
  }

  /** Whether anybody else is alive or suspect. */
  get hasCompany(): boolean {
    const { members } = this.#context;
    const id = this.selfId;
    return members.live > (id >= 0 && !isGone(members.state(id)) ? 1 : 0);
  }

  /**
   * Announces ourselves: at the start, and again when the meta data changed. `finished` is called once when that
   * has been sent as often as it should, or was overtaken. @throws {MetaTooLongError}
   */
  announce(now: number, finished?: () => void): void {
    const { self, delegates } = this.#context;
    const meta = delegates.delegate?.nodeMeta(MAX_META_BYTES) ?? new Uint8Array(0);
    if (meta.length > MAX_META_BYTES) throw new MetaTooLongError(meta.length, MAX_META_BYTES);
    const claim = {
      name: self.name,
      ip: self.ip,
      port: self.address.port,
      meta: meta.length === 0 ? undefined : meta.slice(),
      versions: self.versions,
      incarnation: this.#refuter.next(),
    };
    if (!this.#allowedByDelegate(now, claim)) {
      finished?.();
      return;
    }
    let id = this.selfId;
    if (id < 0) id = this.#insert(claim);
    this.#accept(now, id, claim, finished);
  }

  /** Says good-bye; false when that has been done before. */
  leave(now: number, finished: () => void): boolean {
    if (this.#leaving) return false;
    this.#leaving = true;
    const id = this.selfId;
    if (id < 0) {
      finished();
      return true;
    }
    const { self, members } = this.#context;
    this.#bury(
      now,
      id,
      { type: 'dead', node: self.name, from: self.name, incarnation: members.incarnation(id) },
      finished,
    );
    return true;
  }

  /** A sign of life that came by packet from `from`. */
  handleAlive(now: number, message: Alive, from: Address): void {
    if (this.#networks.length > 0) {
      if (!this.#isAllowed(parseIp(from.host)) || !this.#isAllowed(message.addr)) {
        this.#context.metrics.rejected('cidr');
        return;
      }
    }
    this.#alive(now, {
      name: message.node,
      ip: message.addr,
      port: message.port === 0 ? this.#context.config.bindPort : message.port,
      meta: message.meta,
      versions: message.versions,
      incarnation: message.incarnation,
    });
  }

  handleSuspect(now: number, message: Suspect): void {
    const { members, metrics, self } = this.#context;
    const id = members.find(message.node);
    if (id < 0 || !this.#isTellable(message)) return;
    const { incarnation } = message;
    const verdict = judge(this.#view(id), { type: 'suspect', incarnation });
    if (verdict === 'confirm') {
      if (this.#suspicions.confirm(id, message.from)) this.#spread(message);
      return;
    }
    if (verdict !== 'replace') return;
    if (message.node === self.name) {
      this.#refuter.refute(now, incarnation);
      return;
    }
    this.#spread(message);
    members.setIncarnation(id, incarnation);
    members.setState(id, 'suspect', now);
    metrics.suspectMessages.inc();
    this.#suspicions.start(now, id, message.from);
  }

  handleDead(now: number, message: Dead): void {
    const { members, self, log } = this.#context;
    const id = members.find(message.node);
    if (id < 0 || !this.#isTellable(message)) return;
    const { incarnation } = message;
    if (judge(this.#view(id), { type: 'dead', incarnation }) !== 'replace') return;
    if (message.node === self.name) {
      this.#refuter.refute(now, incarnation);
      return;
    }
    const { from } = message;
    const how = from === message.node ? 'member has left' : 'member is dead: another says so';
    log.debug({ member: message.node, from }, how);
    this.#bury(now, id, message);
  }

  /** One record of a peer's full state. That somebody is dead is only hearsay and makes him suspect. G-8. */
  handleRecord(now: number, record: PushPullRecord): void {
    const { name, incarnation } = record;
    const from = this.#context.self.name;
    switch (record.state) {
      case NODE_STATE.alive:
        this.#alive(now, {
          name,
          ip: record.addr,
          port: record.port === 0 ? this.#context.config.bindPort : record.port,
          meta: record.meta,
          versions: record.versions,
          incarnation,
        });
        return;
      case NODE_STATE.suspect:
      case NODE_STATE.dead:
        this.handleSuspect(now, { type: 'suspect', node: name, from, incarnation });
        return;
      case NODE_STATE.left:
        this.handleDead(now, { type: 'dead', node: name, from: name, incarnation });
        return;
      default:
        this.#context.metrics.rejected('wrong_place');
    }
  }

  /** Most signs of life are known, in a large cluster nearly all: nobody need be asked about those. */
  #isOldNews(claim: AliveClaim): boolean {
    const { members, delegates, self } = this.#context;
    if (delegates.alive !== undefined || claim.name === self.name) return false;
    const id = members.find(claim.name);
    return id >= 0 && claim.incarnation <= members.incarnation(id) && this.#isAt(id, claim);
  }

  #alive(now: number, claim: AliveClaim): void {
    if (this.#isOldNews(claim)) return;
    const { members, metrics, self } = this.#context;
    const isSelf = claim.name === self.name;
    if (isSelf && this.#leaving) return;
    if (!this.#allowedByDelegate(now, claim)) return;
    let id = members.find(claim.name);
    if (isSelf) {
      if (id >= 0) this.#aliveSelf(now, id, claim);
      return;
    }
    if (id >= 0 && claim.incarnation <= members.incarnation(id) && this.#isAt(id, claim)) return;
    if (claim.incarnation === 0 || claim.incarnation === MAX_INCARNATION) {
      metrics.rejected(claim.incarnation === 0 ? 'incarnation_zero' : 'incarnation_ceiling');
      return;
    }
    if (id < 0) {
      if (!this.#mayEnter(claim)) return;
      id = this.#insert(claim);
    }
    const moved = this.#isAt(id, claim) ? 'no' : this.#movedKind(now, id);
    if (moved !== 'no' && !this.#isAllowed(claim.ip)) {
      metrics.rejected('cidr');
      return;
    }
    const { incarnation } = claim;
    const verdict = judge(this.#view(id), { type: 'alive', incarnation, moved });
    if (verdict === 'conflict') this.#conflict(now, id, claim);
    else if (verdict === 'replace') this.#accept(now, id, claim);
  }

  /** Somebody else speaks of us: another node of our name, or what we said in an earlier life. */
  #aliveSelf(now: number, id: number, claim: AliveClaim): void {
    const { members } = this.#context;
    if (!this.#isAt(id, claim)) {
      this.#conflict(now, id, claim);
      return;
    }
    const incarnation = members.incarnation(id);
    if (claim.incarnation < incarnation) return;
    if (claim.incarnation === incarnation && hasParts(members.identity(id), claim)) return;
    this.#refuter.refute(now, claim.incarnation);
  }

  /** Takes a claim for the truth and passes it on. */
  #accept(now: number, id: number, claim: AliveClaim, finished?: () => void): void {
    const { members, pool, metrics, log } = this.#context;
    this.#suspicions.end(id);
    const identity = pool.identity(id, claim);
    this.#spreadAlive(id, identity, claim, finished);
    const before = members.state(id);
    const metaBefore = members.identity(id).meta;
    members.setIdentity(id, identity);
    members.setIncarnation(id, claim.incarnation);
    if (before !== 'alive') members.setState(id, 'alive', now);
    metrics.aliveMessages.inc();
    if (before === 'suspect') log.debug({ member: claim.name }, 'member refuted a suspicion');
    if (isGone(before)) this.#event('join', id);
    else if (!sameBytes(metaBefore, claim.meta)) this.#event('update', id);
  }

  #bury(now: number, id: number, message: Dead, finished?: () => void): void {
    const { members, metrics } = this.#context;
    this.#suspicions.end(id);
    this.#spread(message, finished);
    members.setIncarnation(id, message.incarnation);
    members.setState(id, message.node === message.from ? 'left' : 'dead', now);
    metrics.deadMessages.inc();
    this.#event('leave', id);
  }

  /** Nobody refuted in time. */
  #giveUp(now: number, id: number): void {
    const { members, self } = this.#context;
    if (!members.has(id) || members.state(id) !== 'suspect') return;
    const node = members.identity(id).name;
    this.#bury(now, id, {
      type: 'dead',
      node,
      from: self.name,
      incarnation: members.incarnation(id),
    });
  }

  #announceRefutation(now: number): void {
    const { members, metrics, gate } = this.#context;
    const id = this.selfId;
    if (id < 0 || this.#leaving) return;
    const { incarnation } = this.#refuter;
    gate.warn(now, { incarnation }, 'refuting a false claim about this node');
    members.setIncarnation(id, incarnation);
    const identity = members.identity(id);
    metrics.aliveMessages.inc();
    this.#spreadAlive(id, identity, { ...identity, port: identity.address.port, incarnation });
  }

  #conflict(now: number, id: number, claim: AliveClaim): void {
    const { members, metrics, gate, delegates } = this.#context;
    metrics.conflicts.inc();
    const existing = this.#member(id);
    const other = memberOf(makeIdentity(claim), 'alive', claim.incarnation);
    gate.error(
      now,
      { member: claim.name, existing: members.identity(id).address, other: other.address },
      'two nodes use one name, keeping the first',
    );
    this.#context.emit({ type: 'event', event: { type: 'conflict', existing, other } });
    this.#context.ask(now, 'onConflict', undefined, () =>
      delegates.conflict?.onConflict(existing, other),
    );
  }

  #insert(claim: AliveClaim): number {
    const { members, pool } = this.#context;
    return members.insert(claim.name, (id) => pool.identity(id, claim));
  }

  #mayEnter(claim: AliveClaim): boolean {
    const { members, metrics, config } = this.#context;
    const fault = !this.#isAllowed(claim.ip)
      ? 'cidr'
      : members.size >= config.limits.maxMembers
        ? 'member_limit'
        : undefined;
    if (fault !== undefined) metrics.rejected(fault);
    return fault === undefined;
  }

  #allowedByDelegate(now: number, claim: AliveClaim): boolean {
    const { delegates, metrics } = this.#context;
    const { alive } = delegates;
    if (alive === undefined) return true;
    const member = memberOf(makeIdentity(claim), 'alive', claim.incarnation);
    const reason: string | undefined = this.#context.ask(
      now,
      'refuseAlive',
      'the delegate failed',
      () => alive.refuseAlive(member),
    );
    if (reason !== undefined) metrics.rejected('alive_delegate');
    return reason === undefined;
  }

  /** Whether what is said of somebody may be stored and passed on: nothing could overrule the largest incarnation. */
  #isTellable(message: Suspect | Dead): boolean {
    const { metrics, self } = this.#context;
    if (message.incarnation < MAX_INCARNATION || message.node === self.name) return true;
    metrics.rejected('incarnation_ceiling');
    return false;
  }

  #movedKind(now: number, id: number): 'reclaim' | 'conflict' {
    const { members, config } = this.#context;
    const state = members.state(id);
    const { deadNodeReclaimMs } = config;
    const expired = deadNodeReclaimMs > 0 && now - members.changedAt(id) > deadNodeReclaimMs;
    return state === 'left' || (state === 'dead' && expired) ? 'reclaim' : 'conflict';
  }

  #isAt(id: number, claim: AliveClaim): boolean {
    return isAt(this.#context.members.identity(id), claim.ip, claim.port);
  }

  #isAllowed(ip: Uint8Array | undefined): boolean {
    if (this.#networks.length === 0) return true;
    if (ip === undefined) return false;
    return this.#networks.some((network) => network !== undefined && networkContains(network, ip));
  }

  #view(id: number): { state: ReturnType<CoreContext['members']['state']>; incarnation: number } {
    const { members } = this.#context;
    return { state: members.state(id), incarnation: members.incarnation(id) };
  }

  #member(id: number): ReturnType<typeof memberOf> {
    const { members } = this.#context;
    return memberOf(members.identity(id), members.state(id), members.incarnation(id));
  }

  #event(type: 'join' | 'leave' | 'update', id: number): void {
    this.#context.emit({ type: 'event', event: { type, member: this.#member(id) } });
  }

  #spreadAlive(id: number, identity: Identity, claim: AliveClaim, finished?: () => void): void {
    const { name, ip, port, meta, versions, incarnation } = claim;
    const news = { identity, incarnation, hasMeta: meta !== undefined };
    const bytes = this.#context.pool.announcement(id, news, () =>
      encodeMessage({ type: 'alive', node: name, addr: ip, port, meta, versions, incarnation }),
    );
    this.#queue(name, bytes, finished);
  }

  #spread(message: Suspect | Dead, finished?: () => void): void {
    this.#queue(message.node, encodeMessage(message), finished);
  }

  /** Queues a message about a member; it replaces the one about the same member that still waits. */
  #queue(name: string, bytes: Uint8Array, finished: (() => void) | undefined): void {
    const broadcast = { name, bytes };
    this.#context.queue.queue(finished === undefined ? broadcast : { ...broadcast, finished });
  }
}
