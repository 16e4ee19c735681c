import type { Member } from '@ml/gossip';
import { type Runtime, throwIfAborted } from '@ml/runtime';
import { type Address, formatAddress } from '@ml/transport';
import type { Joiner } from './join.ts';

export interface RejoinerOptions {
  readonly joiner: Joiner;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  /** Every so often everyone who is found is contacted; 0: never. As -memberlist.rejoin-interval in dskit. */
  readonly everyoneIntervalMs: number;
  /** Every so often those who are found but are no members are contacted; 0: never. // K-38 */
  readonly absentIntervalMs: number;
  /** Each wait of the latter differs from it by at most this part, 0 to 1. */
  readonly absentJitter: number;
  readonly members: () => readonly Member[];
  /** What a join address leads to; none when it leads nowhere now. */
  readonly resolve: (
    address: string,
    options: { readonly signal: AbortSignal },
  ) => Promise<readonly Address[]>;
}

/** Joins again from time to time, so that a cluster that fell apart becomes one again. */
export class Rejoiner implements Disposable {
  readonly #options: RejoinerOptions;
  readonly #timers: Disposable[] = [];
  #running: boolean = false;

  constructor(options: RejoinerOptions) {
    const { runtime, everyoneIntervalMs, absentIntervalMs, absentJitter } = options;
    this.#options = options;
    if (everyoneIntervalMs > 0) {
      const run = () => void this.#once(() => this.#everyone());
      this.#timers.push(runtime.timers.every(everyoneIntervalMs, run));
    }
    if (absentIntervalMs > 0) {
      const run = () => void this.#once(() => this.#absent());
      this.#timers.push(runtime.timers.every(absentIntervalMs, run, { jitter: absentJitter }));
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  /** A rejoin that takes longer than its interval is not started twice. Failures are logged, never thrown. */
  async #once(run: () => Promise<void>): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      await run();
    } catch (error) {
      const { signal, runtime } = this.#options;
      if (!signal.aborted) runtime.log.warn({ err: error }, 'rejoining the cluster failed');
    } finally {
      this.#running = false;
    }
  }

  async #everyone(): Promise<void> {
    const { joiner, signal, runtime } = this.#options;
    const reached = await joiner.joinAll({ signal });
    runtime.log.debug({ reached }, 'rejoined the cluster');
  }

  async #absent(): Promise<void> {
    const { joiner, signal, runtime, members } = this.#options;
    const { addresses } = await joiner.discover({ signal });
    const known = new Set(members().map(({ address }) => formatAddress(address)));
    const absent: string[] = [];
    for (const address of new Set(addresses)) {
      for (const resolved of await this.#resolve(address)) {
        const text = formatAddress(resolved);
        if (!known.has(text)) absent.push(text);
      }
    }
    if (absent.length === 0) return;
    const reached = await joiner.join(absent, { signal });
    const fields = { dialled: absent.length, reached, addresses: absent.slice(0, 10) };
    if (reached > 0) runtime.log.info(fields, 'joined addresses that were no members');
    else runtime.log.debug(fields, 'addresses that are no members did not answer');
  }

  async #resolve(address: string): Promise<readonly Address[]> {
    const { resolve, signal, runtime } = this.#options;
    try {
      return await resolve(address, { signal });
    } catch (error) {
      throwIfAborted(signal, 'rejoining the cluster');
      runtime.log.debug({ address, err: error }, 'join address leads nowhere');
      return [];
    }
  }
}
