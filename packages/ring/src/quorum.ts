import {
  abortReason,
  Deferred,
  onAbort,
  type Runtime,
  type Timer,
  throwIfAborted,
} from '@ml/runtime';
import type { InstanceDesc } from './core/instance.ts';
import type { ReplicationSet } from './core/replication-set.ts';
import { RingOptionsError } from './errors.ts';
import { CallCancelledError, QuorumFailedError, type ReplicaFailure } from './request-errors.ts';

/** What a call to one replica gets. */
export interface QuorumCallOptions {
  /** Fires when the answer is not wanted any more; its reason says why, mostly a {@link CallCancelledError}. */
  readonly signal: AbortSignal;
  /** Fires {@link signal}: for calls whose signal outlives the quorum, see {@link QuorumOptions.keepSignals}. */
  readonly release: () => void;
}

/** Asks one replica. */
export type AskReplica<R> = (instance: InstanceDesc, options: QuorumCallOptions) => Promise<R>;

export interface QuorumOptions<R> {
  /** Timers, randomness and a log for what goes wrong in the background. */
  readonly runtime: Pick<Runtime, 'timers' | 'random' | 'log'>;
  /** Gives up: the wait rejects with the signal's reason, all calls are told. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether to start with as few calls as can make a quorum, and add one (or one zone) for each failure. Default
   * false: all at once. As `MinimizeRequests` in dskit.
   */
  readonly minimizeRequests?: boolean;
  /**
   * Adds another call (or zone) each time that this many milliseconds have passed without a quorum, if some are held
   * back; 0 (default): never. As `HedgingDelay` in dskit.
   */
  readonly hedgingDelayMs?: number;
  /** Errors after which no other replica needs to be asked; thrown as they are. Default: none. */
  readonly isTerminalError?: (error: unknown) => boolean;
  /** The order in which zones are preferred when requests are minimised. Default: random. */
  readonly zoneOrder?: (zones: readonly string[]) => readonly string[];
  /** Frees an answer that is not returned, early or late: called exactly once for each. Must not throw. */
  readonly cleanup?: (answer: R, instance: InstanceDesc) => void;
  /**
   * Whether the signals of returned answers stay alive, for answers that are streams. Each such call must then be
   * ended with its `release`, or {@link signal} be fired. Default false: all signals fire when the wait is over. As
   * `DoUntilQuorumWithoutSuccessfulContextCancellation` in dskit.
   */
  readonly keepSignals?: boolean;
}

/**
 * Asks the replicas of a set until enough have answered, and returns these answers in the order of the set. Answers
 * count by instance, or by whole zone if the set says so: then one failure in a zone spoils the zone. Calls that are
 * not needed any more are cancelled and not waited for. As `DoUntilQuorum` in dskit. R-80
 * @throws {QuorumFailedError} when too many replicas (zones) failed
 * @throws {RingOptionsError} when set or options contradict themselves
 */
export async function doUntilQuorum<R>(
  set: ReplicationSet,
  ask: AskReplica<R>,
  options: QuorumOptions<R>,
): Promise<readonly R[]> {
  checkRequest(set, options);
  throwIfAborted(options.signal, 'asking for a quorum');
  return await new QuorumRequest(set, ask, options).run();
}

/**
 * {@link doUntilQuorum} for several sets at once; the answers stand in the order of the sets. The first set that fails
 * cancels all others. As `DoMultiUntilQuorumWithoutSuccessfulContextCancellation` in dskit. R-80
 * @throws {QuorumFailedError}
 * @throws {RingOptionsError} also when there are no sets
 */
export async function doMultiUntilQuorum<R>(
  sets: readonly ReplicationSet[],
  ask: AskReplica<R>,
  options: QuorumOptions<R>,
): Promise<readonly R[]> {
  if (sets.length === 0) throw new RingOptionsError('no replication sets to ask');
  for (const set of sets) checkRequest(set, options);
  throwIfAborted(options.signal, 'asking for several quorums');
  const requests = sets.map((set) => new QuorumRequest(set, ask, options));
  let failed: { readonly error: unknown } | undefined;
  const outcomes = await Promise.all(
    requests.map(async (request) => {
      try {
        return await request.run();
      } catch (error) {
        if (failed !== undefined) return [];
        failed = { error };
        const reason = new CallCancelledError('other-set-failed', { cause: error });
        for (const other of requests) other.discard(reason);
        return [];
      }
    }),
  );
  if (failed !== undefined) throw failed.error;
  return outcomes.flat();
}

function checkRequest<R>(set: ReplicationSet, options: QuorumOptions<R>): void {
  const { hedgingDelayMs = 0 } = options;
  if (!(hedgingDelayMs >= 0)) {
    throw new RingOptionsError(`a hedging delay of ${hedgingDelayMs} ms; it must be 0 or more`);
  }
  if (set.zoneAwarenessEnabled && set.maxErrors > 0) {
    throw new RingOptionsError(
      `the replication set tolerates ${set.maxErrors} failed instances and counts by zone; only one can hold`,
    );
  }
}

/** One call, or one that may become necessary. */
interface Call<R> {
  readonly instance: InstanceDesc;
  readonly controller: AbortController;
  answer: { readonly value: R } | undefined;
  /** Ties the signal of a returned answer to the caller's. */
  link: Disposable | undefined;
}

/** What counts as one: an instance, or all instances of a zone. */
interface Group<R> {
  readonly calls: readonly Call<R>[];
  failed: boolean;
}

/** One wait for a quorum. By zone or by instance makes no difference but for the groups. */
class QuorumRequest<R> {
  readonly #ask: AskReplica<R>;
  readonly #options: QuorumOptions<R>;
  readonly #calls: readonly Call<R>[];
  /** In the order in which they are started. */
  readonly #groups: readonly Group<R>[];
  readonly #tolerated: number;
  readonly #done = new Deferred<readonly R[]>();
  readonly #failures: ReplicaFailure[] = [];
  readonly #counted = new Set<Call<R>>();
  #started = 0;
  #succeeded = 0;
  #failed = 0;
  #over: boolean = false;
  #hedging: Timer | undefined;
  #link: Disposable | undefined;

  constructor(set: ReplicationSet, ask: AskReplica<R>, options: QuorumOptions<R>) {
    const byZone = set.zoneAwarenessEnabled || set.maxUnavailableZones > 0;
    this.#ask = ask;
    this.#options = options;
    this.#calls = set.instances.map((instance) => ({
      instance,
      controller: new AbortController(),
      answer: undefined,
      link: undefined,
    }));
    this.#tolerated = byZone ? set.maxUnavailableZones : set.maxErrors;
    this.#groups = byZone ? this.#byZone() : this.#byInstance();
  }

  run(): Promise<readonly R[]> {
    const { runtime, signal, minimizeRequests = false, hedgingDelayMs = 0 } = this.#options;
    if (this.#required === 0) {
      this.#succeed();
      return this.#done.promise;
    }
    const first = minimizeRequests ? this.#required : this.#groups.length;
    if (hedgingDelayMs > 0 && first < this.#groups.length) {
      this.#hedging = runtime.timers.every(hedgingDelayMs, () => this.#startNext());
    }
    this.#link = onAbort(signal, () => {
      const reason = signal && abortReason(signal, 'asking for a quorum');
      this.#fail(reason, reason);
    });
    while (!this.#over && this.#started < first) this.#startNext();
    return this.#done.promise;
  }

  /** Ends the request; frees what it has returned when it is over already. */
  discard(reason: CallCancelledError): void {
    if (!this.#over) {
      this.#fail(reason, reason);
      return;
    }
    for (const call of this.#counted) this.#cancel(call, reason);
  }

  get #required(): number {
    return Math.max(0, this.#groups.length - this.#tolerated);
  }

  #byInstance(): readonly Group<R>[] {
    const groups = this.#calls.map((call) => ({ calls: [call], failed: false }));
    const { minimizeRequests, runtime } = this.#options;
    return minimizeRequests === true ? runtime.random.shuffle(groups) : groups;
  }

  #byZone(): readonly Group<R>[] {
    const { minimizeRequests, runtime, zoneOrder } = this.#options;
    const byZone = new Map<string, Call<R>[]>();
    for (const call of this.#calls) {
      const zone = byZone.get(call.instance.zone);
      if (zone === undefined) byZone.set(call.instance.zone, [call]);
      else zone.push(call);
    }
    const zones = Array.from(byZone.keys());
    const order =
      zoneOrder?.(zones) ?? (minimizeRequests === true ? runtime.random.shuffle(zones) : zones);
    if (order.length !== zones.length || zones.some((zone) => !order.includes(zone))) {
      throw new RingOptionsError(
        `the zone order ${JSON.stringify(order)} does not name each of ${JSON.stringify(zones)} once`,
      );
    }
    return order.map((zone) => ({ calls: byZone.get(zone) ?? [], failed: false }));
  }

  /** Starts the next group that is held back, if there is one. */
  #startNext(): void {
    const group = this.#groups[this.#started];
    if (this.#over || group === undefined) return;
    this.#started++;
    if (this.#started === this.#groups.length) this.#hedging?.[Symbol.dispose]();
    for (const call of group.calls) void this.#call(group, call);
  }

  async #call(group: Group<R>, call: Call<R>): Promise<void> {
    let value: R;
    try {
      value = await this.#ask(call.instance, {
        signal: call.controller.signal,
        release: () => {
          call.link?.[Symbol.dispose]();
          call.controller.abort(new CallCancelledError('released'));
        },
      });
    } catch (error) {
      this.#callFailed(group, call, error);
      return;
    }
    call.answer = { value };
    this.#callAnswered(group, call);
  }

  #callAnswered(group: Group<R>, call: Call<R>): void {
    if (this.#over || group.failed) {
      this.#drop(call);
      return;
    }
    if (group.calls.some(({ answer }) => answer === undefined)) return;
    for (const member of group.calls) this.#counted.add(member);
    this.#succeeded++;
    if (this.#succeeded === this.#required) this.#succeed();
  }

  #callFailed(group: Group<R>, call: Call<R>, error: unknown): void {
    const { signal } = call.controller;
    if (this.#over || (signal.aborted && error === signal.reason)) return;
    this.#failures.push({ instance: call.instance, error });
    if (this.#isTerminal(error)) {
      this.#fail(error);
      return;
    }
    if (group.failed) return;
    group.failed = true;
    this.#failed++;
    if (this.#failed > this.#tolerated) {
      const unit = this.#groups.length === this.#calls.length ? 'replicas' : 'groups of replicas';
      const what = `${this.#failed} of ${this.#groups.length} ${unit} failed, ${this.#tolerated} may`;
      this.#fail(new QuorumFailedError(what, this.#failures));
      return;
    }
    const reason = new CallCancelledError('zone-failed', { cause: error });
    for (const member of group.calls) if (member !== call) this.#cancel(member, reason);
    this.#startNext();
  }

  #isTerminal(error: unknown): boolean {
    const { isTerminalError, runtime } = this.#options;
    try {
      return isTerminalError?.(error) === true;
    } catch (fault) {
      runtime.log.error({ err: fault }, 'asking whether an error is terminal failed');
      return false;
    }
  }

  #succeed(): void {
    this.#end();
    const { signal, keepSignals = false } = this.#options;
    const reason = new CallCancelledError('quorum-reached');
    const answers: R[] = [];
    for (const call of this.#calls) {
      if (!this.#counted.has(call) || call.answer === undefined) {
        this.#cancel(call, reason);
        continue;
      }
      answers.push(call.answer.value);
      if (!keepSignals) call.controller.abort(reason);
      else if (!call.controller.signal.aborted) {
        call.link = onAbort(signal, () => call.controller.abort(signal?.reason));
      }
    }
    this.#done.resolve(answers);
  }

  /** Rejects with `error`; the calls are told `reason`. */
  #fail(
    error: unknown,
    reason: unknown = new CallCancelledError('quorum-failed', { cause: error }),
  ): void {
    if (this.#over) return;
    this.#end();
    for (const call of this.#calls) this.#cancel(call, reason);
    this.#done.reject(error);
  }

  #end(): void {
    this.#over = true;
    this.#hedging?.[Symbol.dispose]();
    this.#link?.[Symbol.dispose]();
  }

  /** Tells a call to stop and frees its answer if there is one. */
  #cancel(call: Call<R>, reason: unknown): void {
    call.link?.[Symbol.dispose]();
    call.controller.abort(reason);
    this.#drop(call);
  }

  #drop(call: Call<R>): void {
    const { answer, instance } = call;
    if (answer === undefined) return;
    call.answer = undefined;
    try {
      this.#options.cleanup?.(answer.value, instance);
    } catch (error) {
      const { log } = this.#options.runtime;
      log.error({ instance: instance.id, err: error }, 'cleaning up an answer failed');
    }
  }
}
