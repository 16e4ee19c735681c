import {
  abortReason,
  assertNever,
  type Closer,
  Deferred,
  Mailbox,
  noteAsync,
  onAbort,
  type Runtime,
  TimeoutError,
  type Timer,
} from '@ml/runtime';
import {
  type Address,
  formatAddress,
  type Packet,
  type Stream,
  type Transport,
} from '@ml/transport';
import type { GossipConfig } from './config.ts';
import type { GossipCore } from './core/core.ts';
import type { Effect } from './core/effects.ts';
import type { LogGate } from './core/log-gate.ts';
import { MemberlistClosedError } from './errors.ts';
import type { MemberEvent } from './events.ts';
import { Exchanges } from './exchanges.ts';
import type { GossipMetrics } from './metrics.ts';
import { StreamServer } from './stream-server.ts';

/** Events that may wait for one reader. */
const EVENT_CAPACITY = 1024;

/** What the driver of one node is made of. */
export interface DriverOptions {
  readonly core: GossipCore;
  readonly config: GossipConfig;
  readonly runtime: Runtime;
  readonly transport: Transport;
  readonly metrics: GossipMetrics;
  readonly gate: LogGate;
  /** Closed by {@link Driver.close}; takes over what the driver has to close. */
  readonly closer: Closer;
}

/**
 * Gives a core its time, its packets and its streams, and carries out its effects. One timer a node.
 * Turns never overlap: each input is handled to its end, effects included, before the next.
 */
export class Driver {
  readonly #options: DriverOptions;
  readonly #closer: Closer;
  readonly #exchanges: Exchanges;
  readonly #server: StreamServer;
  readonly #readers = new Set<Mailbox<MemberEvent>>();
  readonly #pings = new Map<number, Deferred<number | undefined>>();
  readonly #notices = new Map<number, Deferred<void>>();
  readonly #pushPullTargets: Address[] = [];
  #pushPulling: boolean = false;
  #timer: Timer | undefined;
  /** What the timer was set for; its own deadline is later when that had passed already. */
  #timerFor: number = 0;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#closer = options.closer;
    const context = {
      ...options,
      turn: <T>(run: (now: number) => T): T => this.turn(run),
      closing: this.#closer.signal,
    };
    this.#exchanges = new Exchanges(context);
    this.#server = new StreamServer(context);
  }

  get closed(): boolean {
    return this.#closer.closing;
  }

  /** Begins to take part. The transport is ours from here on: closing the driver closes it. */
  async start(): Promise<void> {
    const { core, transport } = this.#options;
    this.#closer.defer(() => this.#stop());
    this.turn((now) => core.start(now));
    await transport.listen({
      onPacket: (packet) => this.#onPacket(packet),
      onStream: (stream) => this.#onStream(stream),
    });
    this.#closer.use(transport);
  }

  close(): Promise<void> {
    return this.#closer.close();
  }

  /** Runs one turn of the core, then its effects. */
  turn<T>(run: (now: number) => T): T {
    try {
      return run(this.#options.runtime.clock.now());
    } finally {
      this.#settle();
    }
  }

  /** Sets the timer anew: the core has been given something to do outside of a turn. */
  rearm(): void {
    this.#arm();
  }

  /** Carries out what the core asks for, and sets the timer. */
  #settle(): void {
    const { core } = this.#options;
    for (let effect = core.pollEffect(); effect !== undefined; effect = core.pollEffect()) {
      this.#carryOut(effect);
    }
    this.#arm();
  }

  pushPull(to: Address, join: boolean, signal?: AbortSignal): Promise<void> {
    return this.#exchanges.pushPull(to, join, signal);
  }

  sendUser(to: Address, payload: Uint8Array, signal?: AbortSignal): Promise<void> {
    return this.#exchanges.sendUser(to, payload, signal);
  }

  /** Resolves to the round trip in milliseconds, undefined when no answer came in time. */
  async ping(name: string, to: Address, signal?: AbortSignal): Promise<number | undefined> {
    const answer = new Deferred<number | undefined>();
    this.turn((now) => {
      this.#pings.set(this.#options.core.ping(now, name, to), answer);
    });
    using _link = this.#rejectOnAbort(answer, 'a ping', signal);
    using _closing = this.#rejectOnClose(answer, 'ping');
    return await answer.promise;
  }

  /** Resolves when the notice that `begin` starts has spread; `begin` returns its id, or undefined when nobody needs it. */
  async spread(
    what: string,
    begin: (now: number) => number | undefined,
    limits: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const done = new Deferred<void>();
    const id = this.turn((now) => {
      const started = begin(now);
      if (started !== undefined) this.#notices.set(started, done);
      return started;
    });
    if (id === undefined) return;
    const { timeoutMs, signal } = limits;
    using _timer =
      timeoutMs > 0
        ? this.#options.runtime.timers.after(
            timeoutMs,
            () => done.reject(new TimeoutError(what, timeoutMs)),
            { plain: true },
          )
        : undefined;
    using _link = this.#rejectOnAbort(done, what, signal);
    using _closing = this.#rejectOnClose(done, what);
    try {
      await done.promise;
    } finally {
      this.#notices.delete(id);
    }
  }

  /** What happens from now on, for one reader. */
  events(signal?: AbortSignal): AsyncIterableIterator<MemberEvent> {
    const mailbox = new Mailbox<MemberEvent>({
      capacity: EVENT_CAPACITY,
      gap: (count) => ({ type: 'dropped', count }),
    });
    if (this.closed) mailbox.close();
    else this.#readers.add(mailbox);
    const values = mailbox.values({ signal });
    const forget = (): void => {
      this.#readers.delete(mailbox);
    };
    const link = onAbort(signal, forget);
    return {
      next: () => values.next(),
      return: async () => {
        forget();
        link[Symbol.dispose]();
        mailbox.close();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  #onPacket(packet: Packet): void {
    if (this.closed) return;
    const { core, metrics } = this.#options;
    metrics.packetBytesReceived.inc(packet.bytes.length);
    this.turn((now) => core.handlePacket(now, packet.from, packet.bytes, packet.receivedAt));
  }

  #onStream(stream: Stream): void {
    noteAsync();
    void this.#server.serve(stream);
  }

  #carryOut(effect: Effect): void {
    const { transport, metrics } = this.#options;
    switch (effect.type) {
      case 'packet':
        metrics.packetBytesSent.inc(effect.bytes.length);
        transport.sendPacket(effect.to, effect.bytes);
        return;
      case 'pushPull':
        this.#pushPullLater(effect.to);
        return;
      case 'streamPing':
        noteAsync();
        void this.#streamPing(effect);
        return;
      case 'pingDone':
        this.#pings.get(effect.id)?.resolve(effect.roundTripMs);
        this.#pings.delete(effect.id);
        return;
      case 'spread':
        this.#notices.get(effect.id)?.resolve();
        return;
      case 'event':
        this.#publish(effect.event);
        return;
      default:
        assertNever(effect);
    }
  }

  #publish(event: MemberEvent): void {
    for (const reader of this.#readers) {
      if (!reader.push(event)) this.#options.metrics.droppedEvents.inc();
    }
  }

  async #streamPing(effect: Extract<Effect, { type: 'streamPing' }>): Promise<void> {
    const { core } = this.#options;
    const { message, to, deadline } = effect;
    const answered = await this.#exchanges.ping(to, message, deadline);
    if (!this.closed) this.turn((now) => core.handleStreamPing(now, message.seqNo, answered));
  }

  /** Scheduled push/pulls run one after the other; those of a round that meets the one before are left out. */
  #pushPullLater(to: Address): void {
    if (this.#pushPullTargets.length < this.#options.config.pushPullNodes) {
      this.#pushPullTargets.push(to);
    }
    if (this.#pushPulling) return;
    this.#pushPulling = true;
    noteAsync();
    void this.#runPushPulls();
  }

  async #runPushPulls(): Promise<void> {
    const { runtime } = this.#options;
    for (
      let to = this.#pushPullTargets.shift();
      to !== undefined;
      to = this.#pushPullTargets.shift()
    ) {
      try {
        await this.#exchanges.pushPull(to, false);
      } catch (err) {
        if (this.closed) break;
        runtime.log.warn({ to: formatAddress(to), err }, 'a scheduled push/pull failed');
      }
    }
    this.#pushPulling = false;
  }

  #arm(): void {
    const { core, runtime } = this.#options;
    const next = core.nextTimeout();
    if (next === undefined || this.closed) return;
    if (this.#timer !== undefined && this.#timerFor <= next) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerFor = next;
    this.#timer = runtime.timers.after(next - runtime.clock.now(), () => this.#onTimer(), {
      plain: true,
    });
  }

  #onTimer(): void {
    if (this.closed) return;
    const { core, runtime, metrics } = this.#options;
    this.#timer = undefined;
    const { gossipRounds } = core;
    const startedAt = runtime.clock.now();
    this.turn((now) => core.handleTimeout(now));
    if (core.gossipRounds > gossipRounds) {
      metrics.gossipSeconds.observe((runtime.clock.now() - startedAt) / 1000);
    }
  }

  #rejectOnAbort(
    waiting: Deferred<never> | Deferred<number | undefined> | Deferred<void>,
    what: string,
    signal: AbortSignal | undefined,
  ): Disposable {
    return onAbort(signal, () => {
      if (signal !== undefined) waiting.reject(abortReason(signal, what));
    });
  }

  #rejectOnClose(waiting: Deferred<number | undefined> | Deferred<void>, what: string): Disposable {
    return onAbort(this.#closer.signal, () => waiting.reject(new MemberlistClosedError(what)));
  }

  #stop(): void {
    this.#timer?.[Symbol.dispose]();
    for (const reader of this.#readers) reader.close();
    this.#readers.clear();
    this.#options.core.close();
  }
}
