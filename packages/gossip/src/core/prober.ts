import { encodeMessage, type Ping, type Suspect } from '../wire/index.ts';
import type { CoreContext } from './context.ts';
import { type Identity, memberOf } from './member-pool.ts';
import type { Membership } from './membership.ts';
import { type Outbox, understandsCrc } from './outbox.ts';
import type { TimerRow } from './timer-table.ts';
import { isGone } from './transitions.ts';

/** From these protocol versions on, a member answers pings on streams, and says when it got no answer for us. */
const STREAM_PING_PROTOCOL = 3;
const NACK_PROTOCOL = 4;

interface Probe {
  readonly id: number;
  readonly target: Identity;
  /** The target's incarnation when the probe began: what a failure accuses. */
  readonly incarnation: number;
  readonly seqNo: number;
  readonly startedAt: number;
  readonly deadline: number;
  /** Ends the direct phase. */
  timer: TimerRow | undefined;
  direct: boolean;
  expectedNacks: number;
  nacks: number;
  answeredOnStream: boolean;
}

/**
 * SWIM's failure detector (§3.1): one member after the other is pinged, directly first, then by way of others and over
 * a stream; who stays silent is suspected. One probe at a time. G-10, G-13.
 */
export class Prober {
  readonly #context: CoreContext;
  readonly #membership: Membership;
  readonly #outbox: Outbox;
  #phase = 0;
  #tick: TimerRow | undefined;
  #index = 0;
  #probe: Probe | undefined;
  /** A tick came while a probe was under way: the next one starts as soon as that ends. */
  #overdue: boolean = false;

  constructor(context: CoreContext, membership: Membership, outbox: Outbox) {
    this.#context = context;
    this.#membership = membership;
    this.#outbox = outbox;
  }

  start(now: number): void {
    const { config, random } = this.#context;
    const { probeIntervalMs, stagger } = config;
    if (probeIntervalMs === 0) return;
    this.#phase = now + (stagger ? 1 + random.int(probeIntervalMs) : probeIntervalMs);
  }

  /** Sets the next tick when there is anybody to probe or to forget; ticks keep their phase. */
  arm(now: number): void {
    const { config, members, timers } = this.#context;
    const { probeIntervalMs } = config;
    if (this.#tick !== undefined || probeIntervalMs === 0 || members.size < 2) return;
    const at = nextTick(now, this.#phase, probeIntervalMs);
    this.#tick = timers.set('probe', at, (tickAt) => this.#onTick(tickAt));
  }

  handleStreamPing(seqNo: number, answered: boolean): void {
    if (this.#probe?.seqNo === seqNo) this.#probe.answeredOnStream = answered;
  }

  #onTick(now: number): void {
    this.#tick = undefined;
    this.arm(now);
    if (this.#probe === undefined) this.#probeNext(now);
    else this.#overdue = true;
  }

  #probeNext(now: number): void {
    const { members, config } = this.#context;
    for (let checked = 0; checked < members.size; ) {
      if (this.#index >= members.size) {
        members.reap(now, config.gossipToTheDeadMs, this.#membership.selfId);
        this.#index = 0;
        checked += 1;
        continue;
      }
      const id = members.at(this.#index);
      this.#index += 1;
      if (id !== this.#membership.selfId && !isGone(members.state(id))) {
        this.#begin(now, id);
        return;
      }
      checked += 1;
    }
  }

  #begin(now: number, id: number): void {
    const { config, members, sequence, awareness, metrics, timers } = this.#context;
    const interval = awareness.scale(config.probeIntervalMs);
    if (interval > config.probeIntervalMs) metrics.degradedProbes.inc();
    const probe: Probe = {
      id,
      target: members.identity(id),
      incarnation: members.incarnation(id),
      seqNo: sequence.next(),
      startedAt: now,
      deadline: now + interval,
      timer: undefined,
      direct: true,
      expectedNacks: 0,
      nacks: 0,
      answeredOnStream: false,
    };
    this.#probe = probe;
    sequence.wait(probe.seqNo, probe.deadline, {
      onAck: (at, payload, receivedAt) => this.#onAck(at, probe, payload, receivedAt),
      onNack: () => {
        probe.nacks += 1;
      },
      onExpire: (at) => this.#onDeadline(at, probe),
    });
    this.#sendPing(now, probe);
    if (config.probeTimeoutMs < interval) {
      probe.timer = timers.set('probeTimeout', now + config.probeTimeoutMs, (at) =>
        this.#askOthers(at, probe),
      );
    }
  }

  #sendPing(now: number, probe: Probe): void {
    const { config, members } = this.#context;
    const { target, id } = probe;
    const ping = encodeMessage(this.#ping(probe));
    if (members.state(id) !== 'suspect' || !config.lifeguard.buddy) {
      this.#outbox.sendPiggybacked(now, target.address, ping);
      return;
    }
    const accusation = encodeMessage(this.#accusation(probe));
    const parts = { messages: [ping, accusation], payloads: [] };
    this.#outbox.send(target.address, parts, understandsCrc(target));
  }

  #onAck(now: number, probe: Probe, payload: Uint8Array | undefined, receivedAt: number): void {
    const { awareness, delegates, members } = this.#context;
    awareness.change(-1);
    const { ping } = delegates;
    if (probe.direct && ping !== undefined && members.has(probe.id)) {
      const member = memberOf(probe.target, members.state(probe.id), members.incarnation(probe.id));
      const roundTripMs = Math.max(0, receivedAt - probe.startedAt);
      this.#context.ask(now, 'onPingComplete', undefined, () =>
        ping.onPingComplete(member, roundTripMs, payload ?? new Uint8Array(0)),
      );
    }
    this.#end(now, probe);
  }

  /** The direct ping was not answered in time. */
  #askOthers(now: number, probe: Probe): void {
    const { members, config } = this.#context;
    probe.direct = false;
    const { selfId } = this.#membership;
    const helpers = members.sample(
      config.indirectChecks,
      (id) => id !== selfId && id !== probe.id && members.state(id) === 'alive',
    );
    for (const helper of helpers) this.#askOne(now, probe, members.identity(helper));
    if (this.#mayPingOnStream(now, probe)) {
      this.#context.emit({
        type: 'streamPing',
        message: this.#ping(probe),
        to: probe.target.address,
        deadline: probe.deadline,
      });
    }
  }

  #askOne(now: number, probe: Probe, helper: Identity): void {
    const { config, self } = this.#context;
    const { target } = probe;
    const nack = config.lifeguard.nacks && pMaxOf(helper) >= NACK_PROTOCOL;
    if (nack) probe.expectedNacks += 1;
    const request = encodeMessage({
      type: 'indirectPing',
      seqNo: probe.seqNo,
      target: target.ip,
      port: target.address.port,
      node: target.name,
      nack,
      sourceAddr: self.ip,
      sourcePort: self.address.port,
      sourceNode: self.name,
    });
    this.#outbox.sendPiggybacked(now, helper.address, request);
  }

  #mayPingOnStream(now: number, probe: Probe): boolean {
    const { config, delegates, members } = this.#context;
    if (!config.streamPing || pMaxOf(probe.target) < STREAM_PING_PROTOCOL) return false;
    const { ping } = delegates;
    if (ping?.allowStreamPing === undefined || !members.has(probe.id)) return true;
    const member = memberOf(probe.target, members.state(probe.id), members.incarnation(probe.id));
    return this.#context.ask(
      now,
      'allowStreamPing',
      true,
      () => ping.allowStreamPing?.(member) ?? true,
    );
  }

  /** Nobody's ack came in the whole probe interval. */
  #onDeadline(now: number, probe: Probe): void {
    const { awareness, gate } = this.#context;
    if (probe.answeredOnStream) {
      gate.warn(
        now,
        { member: probe.target.name },
        'member answers on streams but not to packets: check that packets get through',
      );
      awareness.change(-1);
      this.#end(now, probe);
      return;
    }
    awareness.change(probe.expectedNacks > 0 ? Math.max(0, probe.expectedNacks - probe.nacks) : 1);
    this.#membership.handleSuspect(now, this.#accusation(probe));
    this.#end(now, probe);
  }

  #end(now: number, probe: Probe): void {
    const { timers, metrics } = this.#context;
    timers.cancel(probe.timer);
    metrics.probeSeconds.observe((now - probe.startedAt) / 1000);
    this.#probe = undefined;
    if (!this.#overdue) return;
    this.#overdue = false;
    this.#probeNext(now);
  }

  #accusation(probe: Probe): Suspect {
    return {
      type: 'suspect',
      node: probe.target.name,
      from: this.#context.self.name,
      incarnation: probe.incarnation,
    };
  }

  #ping(probe: Probe): Ping {
    return ownPing(this.#context, probe.seqNo, probe.target.name);
  }
}

/** A ping of ours for the member of that name. */
export function ownPing(context: CoreContext, seqNo: number, node: string): Ping {
  const { self } = context;
  return {
    type: 'ping',
    seqNo,
    node,
    sourceAddr: self.ip,
    sourcePort: self.address.port,
    sourceNode: self.name,
  };
}

/** The first moment after `now` that lies whole intervals after `phase`, or `phase` itself. */
export function nextTick(now: number, phase: number, intervalMs: number): number {
  if (now < phase) return phase;
  const tick = phase + (Math.floor((now - phase) / intervalMs) + 1) * intervalMs;
  // Times are fractions: the quotient may come out just below the tick that is now.
  return tick > now ? tick : tick + intervalMs;
}

function pMaxOf(identity: Identity): number {
  return identity.versions[1] ?? 0;
}
