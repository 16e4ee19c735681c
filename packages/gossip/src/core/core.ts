import { assert, assertNever, type Logger, type Random } from '@ml/runtime';
import { type Address, formatAddress } from '@ml/transport';
import type { GossipConfig } from '../config.ts';
import type { Delegates } from '../delegate.ts';
import type { Member, MemberState } from '../events.ts';
import type { GossipMetrics } from '../metrics.ts';
import { decodePacket, type PacketMessage, type Ping, type PushPull } from '../wire/index.ts';
import { Awareness } from './awareness.ts';
import { BroadcastQueue } from './broadcast-queue.ts';
import type { CoreContext } from './context.ts';
import type { Effect } from './effects.ts';
import { Gossiper } from './gossiper.ts';
import { LogGate } from './log-gate.ts';
import { MemberPool, makeIdentity, memberOf } from './member-pool.ts';
import { MemberTable } from './members.ts';
import { Membership } from './membership.ts';
import { Outbox, understandsCrc } from './outbox.ts';
import { Prober } from './prober.ts';
import { type MergeRefusal, PushPuller } from './push-pull.ts';
import { Responder } from './responder.ts';
import { Sequence } from './sequence.ts';
import { TimerTable } from './timer-table.ts';

/** Oldest and newest version of the protocol that is understood. */
const PROTOCOL_MIN = 1;
const PROTOCOL_MAX = 5;

export interface GossipCoreOptions {
  readonly name: string;
  /** Where others reach us, and the same IP in the form in which it is told: 4 or 16 bytes. */
  readonly address: Address;
  readonly ip: Uint8Array;
  readonly config: GossipConfig;
  /** Largest packet to build. */
  readonly maxPacketBytes: number;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: GossipMetrics;
  readonly delegates?: Delegates;
  /** Shared between nodes of one process, so that each member's data is kept once. Default: one of our own. */
  readonly pool?: MemberPool;
}

/**
 * The protocol as a machine without clock or sockets: it takes inputs with the time they happened, one at a time (a
 * *turn*), and leaves effects to be polled. Time never runs backwards between turns.
 */
export class GossipCore {
  readonly #context: CoreContext;
  readonly #membership: Membership;
  readonly #outbox: Outbox;
  readonly #prober: Prober;
  readonly #responder: Responder;
  readonly #gossiper: Gossiper;
  readonly #pushPuller: PushPuller;
  #effects: Effect[] = [];
  #polled = 0;
  #inTurn = false;
  #lastNoticeId = 0;

  constructor(options: GossipCoreOptions) {
    this.#context = this.#makeContext(options);
    this.#outbox = new Outbox(this.#context);
    this.#membership = new Membership(this.#context);
    this.#prober = new Prober(this.#context, this.#membership, this.#outbox);
    this.#responder = new Responder(this.#context, this.#outbox);
    this.#gossiper = new Gossiper(this.#context, this.#membership, this.#outbox);
    this.#pushPuller = new PushPuller(this.#context, this.#membership);
  }

  /** Puts ourselves into the table and starts the schedule. Call it once, first. @throws {MetaTooLongError} */
  start(now: number): void {
    this.#turn(now, () => {
      this.#membership.announce(now);
      this.#prober.start(now);
      this.#gossiper.start(now);
      this.#pushPuller.start(now);
    });
  }

  /** A packet arrived at `receivedAt`, which is not after `now`; it seems to come from `from`. */
  handlePacket(now: number, from: Address, bytes: Uint8Array, receivedAt: number = now): void {
    this.#turn(now, () => {
      const { config, metrics, gate } = this.#context;
      const { messages, faults } = decodePacket(bytes, {
        label: config.label,
        skipLabelCheck: config.skipInboundLabelCheck,
      });
      for (const fault of faults) {
        metrics.rejected(fault.reason);
        gate.warn(
          now,
          { from: formatAddress(from), err: fault.message },
          'dropped a bad packet or a part of it',
        );
      }
      for (const message of messages) this.#dispatch(now, from, message, receivedAt);
    });
  }

  /** Does what is due. Calling it early does nothing. */
  handleTimeout(now: number): void {
    this.#turn(now, () => this.#context.timers.runDue(now));
  }

  /** When {@link GossipCore.handleTimeout} should be called next; undefined: not before some other input. */
  nextTimeout(): number | undefined {
    return this.#context.timers.next;
  }

  /** The oldest effect that was not polled yet. Poll until undefined after every call. */
  pollEffect(): Effect | undefined {
    const effect = this.#effects[this.#polled];
    if (effect === undefined) {
      if (this.#polled > 0) this.#effects = [];
      this.#polled = 0;
      return undefined;
    }
    this.#polled += 1;
    return effect;
  }

  /** Our full state, to be sent first (`join` as we please) or as the answer (`join` as in the request). */
  localState(now: number, join: boolean): PushPull {
    return this.#turn(now, () => this.#pushPuller.localState(now, join));
  }

  /** The full state of the peer at `from`; `join` is that of the request. Undefined when it was merged. */
  handlePushPull(
    now: number,
    remote: PushPull,
    { join, from }: { readonly join: boolean; readonly from: Address },
  ): MergeRefusal | undefined {
    return this.#turn(now, () => {
      const refusal = this.#pushPuller.merge(now, remote, { join, from });
      this.#gossiper.wake();
      return refusal;
    });
  }

  /** A user message arrived on a stream. */
  handleUserMessage(now: number, payload: Uint8Array, from: Address): void {
    this.#turn(now, () => this.#deliver(now, payload, from));
  }

  /** The stream ping of this number was answered, or not. */
  handleStreamPing(now: number, seqNo: number, answered: boolean): void {
    this.#turn(now, () => this.#prober.handleStreamPing(seqNo, answered));
  }

  /** The answer to a ping on a stream; undefined when it was meant for somebody else. */
  streamPingAnswer(
    message: Ping,
  ): { readonly type: 'ack'; readonly seqNo: number; readonly payload: undefined } | undefined {
    if (message.node !== '' && message.node !== this.#context.self.name) {
      this.#context.metrics.rejected('other_name');
      return undefined;
    }
    return { type: 'ack', seqNo: message.seqNo, payload: undefined };
  }

  /** Sends a user message in a packet of its own, with a checksum where the member understands it. */
  sendUserMessage(now: number, to: Member, payload: Uint8Array): void {
    this.#turn(now, () => {
      const { members } = this.#context;
      const id = members.find(to.name);
      const crc = id >= 0 && understandsCrc(members.identity(id));
      this.#outbox.send(to.address, { messages: [], payloads: [payload] }, crc);
    });
  }

  /** Pings anybody; a `pingDone` effect of the returned id follows. */
  ping(now: number, name: string, to: Address): number {
    return this.#turn(now, () => this.#responder.ping(now, name, to));
  }

  /**
   * Announces new meta data. A `spread` effect of the returned id follows when the news has been sent as often as it
   * should; undefined when there is nobody to tell. @throws {MetaTooLongError}
   */
  update(now: number): number | undefined {
    return this.#turn(now, () => {
      const notice = this.#notice();
      this.#membership.announce(now, notice.finished);
      return this.#membership.hasCompany ? notice.id : undefined;
    });
  }

  /** What waits to be sent goes out several times as quickly from now on: the node is about to leave. G-55. */
  hasten(now: number): void {
    this.#turn(now, () => this.#gossiper.hasten(now));
  }

  /**
   * Tells everybody that we leave, the first time. A `spread` effect of the returned id follows; undefined when there is
   * nobody to tell, or we have left before.
   */
  leave(now: number): number | undefined {
    return this.#turn(now, () => {
      const notice = this.#notice();
      const first = this.#membership.leave(now, notice.finished);
      return first && this.#membership.hasCompany ? notice.id : undefined;
    });
  }

  /** The application has queued broadcasts of its own: an idle node does not ask for them by itself. */
  notifyBroadcasts(now: number): void {
    this.#gossiper.hurry();
    this.#gossiper.arm(now);
  }

  /** Members in no particular order; those dead or left too if `all`. */
  members(options: { readonly all?: boolean } = {}): readonly Member[] {
    const { members } = this.#context;
    const found: Member[] = [];
    for (let i = 0; i < members.size; i++) {
      const id = members.at(i);
      const state = members.state(id);
      if (options.all === true || state === 'alive' || state === 'suspect') {
        found.push(memberOf(members.identity(id), state, members.incarnation(id)));
      }
    }
    return found;
  }

  /** Ourselves; dead if our own alive delegate would not have us. */
  get self(): Member {
    const { self } = this.#context;
    const { name, ip, address, versions } = self;
    const identity = { name, ip, port: address.port, versions, meta: undefined };
    return this.member(name) ?? memberOf(makeIdentity(identity), 'dead', 0);
  }

  /** The member of that name in whatever state, undefined when there is none. */
  member(name: string): Member | undefined {
    const { members } = this.#context;
    const id = members.find(name);
    if (id < 0) return undefined;
    return memberOf(members.identity(id), members.state(id), members.incarnation(id));
  }

  /** Members in that state. */
  count(state: MemberState): number {
    return this.#context.members.count(state);
  }

  get healthScore(): number {
    return this.#context.awareness.score;
  }

  /** Membership messages waiting to be sent. */
  get queuedBroadcasts(): number {
    return this.#context.queue.size;
  }

  /** Rounds of gossip so far. */
  get gossipRounds(): number {
    return this.#gossiper.rounds;
  }

  /** Gives the members back to the pool. The core is of no use any more. */
  close(): void {
    this.#context.timers.clear();
    this.#context.members.clear();
  }

  #dispatch(now: number, from: Address, message: PacketMessage, receivedAt: number): void {
    const { metrics, sequence } = this.#context;
    switch (message.type) {
      case 'ping':
        this.#responder.handlePing(now, message, from);
        return;
      case 'indirectPing':
        this.#responder.handleIndirectPing(now, message, from);
        return;
      case 'ack':
        if (!sequence.ack(now, message.seqNo, message.payload, receivedAt)) {
          metrics.rejected('unknown_ack');
        }
        return;
      case 'nack':
        if (!sequence.nack(message.seqNo)) metrics.rejected('unknown_ack');
        return;
      case 'alive':
        this.#membership.handleAlive(now, message, from);
        return;
      case 'suspect':
        this.#membership.handleSuspect(now, message);
        return;
      case 'dead':
        this.#membership.handleDead(now, message);
        return;
      case 'user':
        this.#deliver(now, message.payload, from);
        return;
      default:
        assertNever(message);
    }
  }

  #deliver(now: number, payload: Uint8Array, from: Address): void {
    const { delegate } = this.#context.delegates;
    if (delegate === undefined) return;
    this.#context.ask(now, 'onMessage', undefined, () => delegate.onMessage(payload, from));
    this.#gossiper.wake();
  }

  #notice(): { readonly id: number; readonly finished: () => void } {
    this.#lastNoticeId += 1;
    const id = this.#lastNoticeId;
    return { id, finished: () => this.#context.emit({ type: 'spread', id }) };
  }

  #turn<T>(now: number, run: () => T): T {
    assert(
      !this.#inTurn,
      'a delegate called back into the protocol: queue the work and do it after the call',
    );
    this.#inTurn = true;
    try {
      return run();
    } finally {
      this.#prober.arm(now);
      this.#gossiper.arm(now);
      this.#inTurn = false;
    }
  }

  #makeContext(options: GossipCoreOptions): CoreContext {
    const { config, metrics, random, log } = options;
    const { min, max, current } = config.delegateVersions;
    const pool = options.pool ?? new MemberPool();
    const members = new MemberTable(pool, random);
    const timers = new TimerTable();
    const gate = new LogGate(log);
    return {
      self: {
        name: options.name,
        address: options.address,
        ip: options.ip,
        versions: Uint8Array.of(
          PROTOCOL_MIN,
          PROTOCOL_MAX,
          config.protocolVersion,
          min,
          max,
          current,
        ),
      },
      config,
      delegates: options.delegates ?? {},
      maxPacketBytes: options.maxPacketBytes,
      random,
      log,
      gate,
      metrics,
      pool,
      members,
      timers,
      sequence: new Sequence(timers),
      awareness: new Awareness({
        enabled: config.lifeguard.awareness,
        maxMultiplier: config.awarenessMaxMultiplier,
      }),
      queue: new BroadcastQueue({
        retransmitMult: config.retransmitMult,
        members: () => members.size,
      }),
      emit: (effect) => {
        this.#effects.push(effect);
      },
      ask: (now, call, fallback, run) => {
        try {
          return run();
        } catch (err) {
          metrics.delegateFailures.labels({ call }).inc();
          gate.error(now, { call, err }, 'a delegate threw');
          return fallback;
        }
      },
    };
  }
}

export type { MergeRefusal } from './push-pull.ts';
