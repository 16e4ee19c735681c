import { type Address, formatAddress, formatIp } from '@ml/transport';
import { encodeMessage, type IndirectPing, type Ping } from '../wire/index.ts';
import type { CoreContext } from './context.ts';
import { type Outbox, replyAddress } from './outbox.ts';
import { ownPing } from './prober.ts';
import { RateLimiter } from './rate-limiter.ts';

/** Answers pings, and pings members for others. G-13. */
export class Responder {
  readonly #context: CoreContext;
  readonly #outbox: Outbox;
  readonly #limiter: RateLimiter;
  #lastPingId = 0;

  constructor(context: CoreContext, outbox: Outbox) {
    this.#context = context;
    this.#outbox = outbox;
    const perS = context.config.limits.indirectPingsPerS;
    this.#limiter = new RateLimiter({ perS, burst: 2 * perS });
  }

  handlePing(now: number, message: Ping, from: Address): void {
    const { self, metrics, gate, delegates } = this.#context;
    if (message.node !== '' && message.node !== self.name) {
      metrics.rejected('other_name');
      gate.warn(
        now,
        { wanted: message.node, from: formatAddress(from) },
        'got a ping for a node of another name: its address was probably taken over by this node',
      );
      return;
    }
    const { ping } = delegates;
    const payload =
      ping === undefined
        ? undefined
        : this.#context.ask(now, 'ackPayload', undefined, () => ping.ackPayload());
    const ack = encodeMessage({ type: 'ack', seqNo: message.seqNo, payload });
    this.#outbox.sendPiggybacked(now, replyAddress(message, from), ack);
  }

  handleIndirectPing(now: number, message: IndirectPing, from: Address): void {
    const { config, metrics, sequence } = this.#context;
    const fault = this.#relayFault(now, message, from);
    const host = formatIp(message.target);
    if (fault !== undefined || host === undefined) {
      metrics.rejected(fault ?? 'relay_target');
      return;
    }
    const asker = replyAddress(message, from);
    const seqNo = sequence.next();
    sequence.wait(seqNo, now + config.probeTimeoutMs, {
      onAck: (at) => {
        const ack = encodeMessage({ type: 'ack', seqNo: message.seqNo, payload: undefined });
        this.#outbox.sendPiggybacked(at, asker, ack);
      },
      onExpire: (at) => {
        if (!message.nack) return;
        const nack = encodeMessage({ type: 'nack', seqNo: message.seqNo });
        this.#outbox.sendPiggybacked(at, asker, nack);
      },
    });
    const to = { host, port: message.port === 0 ? config.bindPort : message.port };
    this.#outbox.sendPiggybacked(
      now,
      to,
      encodeMessage(ownPing(this.#context, seqNo, message.node)),
    );
  }

  /** Pings somebody because the application asks; the answer comes as a `pingDone` effect of the returned id. */
  ping(now: number, name: string, to: Address): number {
    const { config, sequence } = this.#context;
    this.#lastPingId += 1;
    const id = this.#lastPingId;
    const seqNo = sequence.next();
    sequence.wait(seqNo, now + config.probeTimeoutMs, {
      onAck: (_at, _payload, receivedAt) => {
        const roundTripMs = Math.max(0, receivedAt - now);
        this.#context.emit({ type: 'pingDone', id, roundTripMs });
      },
      onExpire: () => this.#context.emit({ type: 'pingDone', id, roundTripMs: undefined }),
    });
    this.#outbox.sendPiggybacked(now, to, encodeMessage(ownPing(this.#context, seqNo, name)));
    return id;
  }

  /** Why a relay is refused: peers could use us to reach or to flood others. */
  #relayFault(
    now: number,
    message: IndirectPing,
    from: Address,
  ): 'rate_limit' | 'relay_target' | 'pending_limit' | undefined {
    const { config, members, sequence } = this.#context;
    const { limits } = config;
    if (sequence.pending >= limits.maxPendingPings) return 'pending_limit';
    if (!this.#limiter.take(now, formatAddress(from))) return 'rate_limit';
    return limits.relayToMembersOnly && members.find(message.node) < 0 ? 'relay_target' : undefined;
  }
}
