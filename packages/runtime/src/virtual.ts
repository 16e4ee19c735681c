import { abortReason } from './abort.ts';
import { asyncNotes } from './async-note.ts';
import type { Clock } from './clock.ts';
import { assert, MlError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import { type Logger, silentLogger, stampedLogger } from './log.ts';
import { afterContinuations } from './node-drain.ts';
import { PromiseWatch } from './node-promise-watch.ts';
import { type Random, seededRandom } from './random.ts';
import { repeatTimer } from './repeating-timer.ts';
import type { Runtime } from './runtime.ts';
import type { Timer, TimerOptions, Timers } from './timers.ts';

/** 1 January 2024, 00:00 UTC: where virtual wall clocks start unless told otherwise. */
const DEFAULT_START_UNIX_MS = 1_704_067_200_000;

/** So many events at one moment mean a loop of timers of 0 ms. */
const MAX_EVENTS_PER_MOMENT = 2_000_000;

/** Plain events in a row before the process's event loop gets a turn, so that signals still reach a busy simulation. */
const EVENTS_PER_TURN = 65_536;

/**
 * A simulation did not get where it was to get: the condition stayed false until the limit, nothing is left to happen,
 * or time stands still under endless events.
 */
export class SimulationStalledError extends MlError<'ML_SIMULATION_STALLED'> {
  constructor(message: string, options?: ErrorOptions) {
    super('ML_SIMULATION_STALLED', message, options);
  }
}

/** A callback that was registered as plain left promise continuations behind without a call of `noteAsync`. */
export class PlainEventError extends MlError<'ML_PLAIN_EVENT'> {
  constructor(nowMs: number, options?: ErrorOptions) {
    super(
      'ML_PLAIN_EVENT',
      `a plain event at ${nowMs} ms left promise continuations behind: drop \`plain\`, settle promises through ` +
        'Deferred, or call noteAsync',
      options,
    );
  }
}

/** Options of {@link VirtualRuntime}. */
export interface VirtualRuntimeOptions {
  /** Everything random in the simulation follows from it. */
  readonly seed: bigint | number;
  /** Wall clock at virtual time 0. Default: 1 January 2024 UTC. */
  readonly startUnixMs?: number;
  /**
   * Proves of every plain event that it left no continuation behind, and fails the run where one did. Slow; for tests
   * of code that uses plain timers. Default false.
   */
  readonly checkPlain?: boolean;
  /** Where the nodes log; each line carries `node` and `virtualMs`. Default: no log. */
  readonly log?: Logger;
}

/** Options of {@link VirtualRuntime.node}. */
export interface VirtualNodeOptions {
  /** How far the node's wall clock is ahead of the simulation's, in milliseconds. Default 0. */
  readonly clockSkewMs?: number;
}

/** Limits of a run. */
export interface RunOptions {
  /** Ends the run between two events; virtual time stays where it is. */
  readonly signal?: AbortSignal;
}

/**
 * Virtual time for many nodes: one time line, one seed, no waiting.
 *
 * Events run one at a time in the order (time, registration). Time is counted in whole microseconds. Before the
 * next event runs, and so before time moves, every promise continuation that the last one set off has run to its
 * end: after an event the loop lets the continuations drain. Events registered as `plain` skip that, unless
 * something called `noteAsync` meanwhile, as Deferred, Latest, Mailbox and sleep do when they settle a promise.
 * A timer is not plain unless it says so, so forgetting the option costs speed, never order.
 *
 * Code under simulation must not wait for the outside world (sockets, files, thread pool, real timers): the loop does
 * not know of it and moves on. An exception in an event's callback rejects the run that was under way.
 */
export class VirtualRuntime implements Runtime {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
  readonly #startUnixMs: number;
  readonly #log: Logger | undefined;
  readonly #checkPlain: boolean;
  readonly #queue = new EventQueue<NodeState>();
  readonly #lives = new Map<string, number>();
  #nowUs = 0;
  #executed = 0;
  #thisMoment = 0;
  #running = false;

  constructor(options: VirtualRuntimeOptions) {
    this.#startUnixMs = options.startUnixMs ?? DEFAULT_START_UNIX_MS;
    this.#log = options.log;
    this.#checkPlain = options.checkPlain ?? false;
    this.random = seededRandom(options.seed);
    this.clock = this.#clockOf(() => 0);
    this.timers = this.#timersOf(undefined, this.clock, this.random);
    this.log = this.#logOf({});
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#nowUs / 1000;
  }

  /** Events run so far. */
  get executedEvents(): number {
    return this.#executed;
  }

  /** Events still to come, those of paused nodes excluded. */
  get pendingEvents(): number {
    return this.#queue.length;
  }

  /**
   * The runtime of one node: same time line, own random stream (forked by name), own log, own wall clock. Asking for
   * a name again means a restart of that node: the new life has a random stream of its own.
   */
  node(name: string, options: VirtualNodeOptions = {}): VirtualNode {
    const life = (this.#lives.get(name) ?? 0) + 1;
    this.#lives.set(name, life);
    const state: NodeState = { skewMs: options.clockSkewMs ?? 0, mode: 'running', held: [] };
    const random = this.random.fork(life === 1 ? `node ${name}` : `node ${name}, life ${life}`);
    const clock = this.#clockOf(() => state.skewMs);
    return {
      name,
      clock,
      timers: this.#timersOf(state, clock, random),
      random,
      log: this.#logOf({ node: name }),
      get clockSkewMs() {
        return state.skewMs;
      },
      get paused() {
        return state.mode === 'paused';
      },
      get crashed() {
        return state.mode === 'crashed';
      },
      setSkewMs: (ms) => {
        state.skewMs = ms;
      },
      pause: () => {
        if (state.mode === 'running') state.mode = 'paused';
      },
      resume: () => this.#resume(state),
      crash: () => this.#crash(state),
      post: (ms, run) => this.#push(ms, run, state, true),
    };
  }

  /**
   * Runs `run` once, `ms` from now, as a plain event of no node: it cannot be cancelled and no pause holds it up. The
   * cheapest way to make something happen later; meant for deliveries of a simulated network.
   */
  post(ms: number, run: () => void): void {
    this.#push(ms, run, undefined, true);
  }

  /** Lets `ms` of virtual time pass: all that falls due up to and including its end happens. */
  async runFor(ms: number, options: RunOptions = {}): Promise<void> {
    assert(ms >= 0 && Number.isFinite(ms), `a run of ${ms} ms is not a finite length`);
    const endUs = this.#nowUs + Math.round(ms * 1000);
    await this.#run(endUs, undefined, options);
    this.#nowUs = endUs;
  }

  /**
   * Runs until `done` holds. It is asked whenever time is about to move (but at most every `checkEveryMs`, default 0),
   * so first at the present moment. Throws a {@link SimulationStalledError} when `limitMs` of virtual time have passed
   * or no event is left, and `done` still does not hold.
   */
  async runUntil(
    done: () => boolean,
    options: RunOptions & { readonly limitMs: number; readonly checkEveryMs?: number },
  ): Promise<void> {
    const { limitMs } = options;
    assert(limitMs >= 0 && Number.isFinite(limitMs), `a limit of ${limitMs} ms is not finite`);
    const endUs = this.#nowUs + Math.round(limitMs * 1000);
    const everyUs = (options.checkEveryMs ?? 0) * 1000;
    let askAgainUs = this.#nowUs;
    const ask = (): boolean => {
      if (this.#nowUs < askAgainUs) return false;
      askAgainUs = this.#nowUs + everyUs;
      return done();
    };
    if (await this.#run(endUs, ask, options)) return;
    if (this.#queue.peekUs() === Number.POSITIVE_INFINITY) {
      if (done()) return;
      throw new SimulationStalledError(
        `nothing is left to happen at ${this.now} ms, and the awaited condition does not hold`,
      );
    }
    this.#nowUs = endUs;
    if (done()) return;
    throw new SimulationStalledError(
      `the awaited condition did not come true within ${limitMs} ms of virtual time (now ${this.now} ms, ` +
        `${this.#queue.length} events pending)`,
    );
  }

  /** Resolves to true when `ask` held, to false when nothing is due until `endUs`. */
  #run(endUs: number, ask: (() => boolean) | undefined, options: RunOptions): Promise<boolean> {
    assert(!this.#running, 'a run starts while another one is under way');
    const { signal } = options;
    const watch = this.#checkPlain ? new PromiseWatch() : undefined;
    this.#running = true;
    return new Promise<boolean>((resolve, reject) => {
      let broken: unknown;
      const end = (settle: () => void): void => {
        this.#running = false;
        watch?.[Symbol.dispose]();
        settle();
      };
      const step = (): void => {
        try {
          if (broken !== undefined) throw broken;
          if (signal?.aborted === true) throw abortReason(signal, 'the simulation');
          const outcome = this.#turn(endUs, ask);
          if (outcome === 'plain') {
            watch?.whenChecked((left) => {
              if (left > 0) broken = new PlainEventError(this.now);
            });
          }
          if (outcome === 'again' || outcome === 'plain') afterContinuations(step);
          else end(() => resolve(outcome === 'done'));
        } catch (error) {
          end(() => reject(error));
        }
      };
      // What was set off before the run has to come to rest first.
      afterContinuations(step);
    });
  }

  /** Runs events until continuations must drain, or the end. */
  #turn(endUs: number, ask: (() => boolean) | undefined): 'again' | 'plain' | 'done' | 'idle' {
    const queue = this.#queue;
    for (let count = 0; count < EVENTS_PER_TURN; count++) {
      const timeUs = queue.peekUs();
      if (ask !== undefined && timeUs > this.#nowUs && ask()) return 'done';
      if (timeUs > endUs) return 'idle';
      if (timeUs > this.#nowUs) this.#thisMoment = 0;
      this.#nowUs = timeUs;
      this.#thisMoment++;
      if (this.#thisMoment > MAX_EVENTS_PER_MOMENT) this.#throwStandstill();
      queue.pop();
      const owner = queue.owner;
      if (owner !== undefined && owner.mode !== 'running') {
        if (owner.mode === 'paused') owner.held.push(queue.hold());
        else queue.take();
        continue;
      }
      const plain = queue.plain;
      const notes = asyncNotes();
      this.#executed++;
      queue.take()();
      if (!plain || notes !== asyncNotes()) return 'again';
      if (this.#checkPlain) return 'plain';
    }
    return 'again';
  }

  #throwStandstill(): never {
    throw new SimulationStalledError(
      `time stands still at ${this.now} ms: more than ${MAX_EVENTS_PER_MOMENT} events ran at this moment`,
    );
  }

  #push(ms: number, run: () => void, owner: NodeState | undefined, plain: boolean): number {
    assert(!Number.isNaN(ms), 'a timer is set to NaN milliseconds');
    return this.#queue.push(this.#dueUs(ms), run, owner, plain);
  }

  /** Rounds up, but not for the noise of a multiplication: 1.1 ms are 1100 µs. Something above 0 stays above 0. */
  #dueUs(ms: number): number {
    if (!(ms > 0)) return this.#nowUs;
    return this.#nowUs + Math.max(1, Math.ceil(ms * 1000 - 0.001));
  }

  #after(
    owner: NodeState | undefined,
    ms: number,
    run: () => void,
    options: TimerOptions | undefined,
  ): Timer {
    const slot = this.#push(ms, run, owner, options?.plain === true);
    return new VirtualTimer(this.#queue, slot, this.#dueUs(ms) / 1000);
  }

  #resume(state: NodeState): void {
    if (state.mode !== 'paused') return;
    state.mode = 'running';
    for (const slot of state.held.splice(0)) this.#queue.unhold(slot, this.#nowUs);
  }

  #crash(state: NodeState): void {
    state.mode = 'crashed';
    for (const slot of state.held.splice(0)) this.#queue.discard(slot);
  }

  #clockOf(skewMs: () => number): Clock {
    return {
      now: () => this.#nowUs / 1000,
      unixMs: () => Math.floor(this.#startUnixMs + this.#nowUs / 1000 + skewMs()),
    };
  }

  #timersOf(owner: NodeState | undefined, clock: Clock, random: Random): Timers {
    const after: Timers['after'] = (ms, run, options) => this.#after(owner, ms, run, options);
    let jitter: Random | undefined;
    return {
      after,
      every: (ms, run, options) => {
        jitter ??= random.fork('timers');
        return repeatTimer({ after, clock, random: jitter }, ms, run, options);
      },
    };
  }

  #logOf(fields: object): Logger {
    if (this.#log === undefined) return silentLogger;
    return stampedLogger(this.#log, () => ({ ...fields, virtualMs: this.now }));
  }
}

class VirtualTimer implements Timer {
  readonly deadline: number;
  readonly #queue: EventQueue<NodeState>;
  readonly #slot: number;
  readonly #stamp: number;

  constructor(queue: EventQueue<NodeState>, slot: number, deadline: number) {
    this.#queue = queue;
    this.#slot = slot;
    this.#stamp = queue.stampOf(slot);
    this.deadline = deadline;
  }

  [Symbol.dispose](): void {
    this.#queue.cancel(this.#slot, this.#stamp);
  }
}

/** One node of a {@link VirtualRuntime}: its runtime, and what a test may do to it. */
export interface VirtualNode extends Runtime {
  readonly name: string;
  /** How far the wall clock is ahead of the simulation's, in milliseconds. The monotonic clock is never skewed. */
  readonly clockSkewMs: number;
  readonly paused: boolean;
  readonly crashed: boolean;
  /** Makes the wall clock jump, as an operator or NTP would. */
  setSkewMs(ms: number): void;
  /** Stops the node's timers and posts, as SIGSTOP or a long garbage collection would; its clocks go on. */
  pause(): void;
  /** Ends a pause: what fell due meanwhile happens now, in the order it was due. */
  resume(): void;
  /** None of the node's timers and posts runs any more, as after SIGKILL. There is no way back: ask for a new node. */
  crash(): void;
  /** {@link VirtualRuntime.post}, held up while the node is paused. */
  post(ms: number, run: () => void): void;
}

interface NodeState {
  skewMs: number;
  mode: 'running' | 'paused' | 'crashed';
  /** Slots of events that fell due during a pause. */
  readonly held: number[];
}
