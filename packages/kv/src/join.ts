import { type DnsLookupError, type DnsProvider, isDynamic } from '@ml/dns-discovery';
import { retransmitLimit } from '@ml/gossip/core';
import { Backoff, type Runtime, throwIfAborted } from '@ml/runtime';
import { ClusterJoinError, FastJoinError } from './errors.ts';

/** Waits between attempts to discover addresses: as in dskit, without a flag. // K-35 */
const DISCOVERY_BACKOFF = { minMs: 100, maxMs: 5000, maxRetries: 10 };
/** After this many addresses of one attempt the names are looked up again. */
const ADDRESSES_PER_DISCOVERY = 100;

/** Contacts the member behind an address, or the members if its name has several; resolves to how many answered. */
export interface Joinable {
  join(addresses: readonly string[], options: { readonly signal?: AbortSignal }): Promise<number>;
}

export interface JoinerOptions {
  readonly target: Joinable;
  readonly dns: Pick<DnsProvider, 'resolve'>;
  readonly runtime: Runtime;
  /** Join entries: addresses, host names, or names with a discovery prefix; an entry may list several with commas. */
  readonly entries: readonly string[];
  /** As -memberlist.retransmit-factor in dskit: also says how many members a fast join contacts. */
  readonly retransmitFactor: number;
  readonly minJoinBackoffMs: number;
  readonly maxJoinBackoffMs: number;
  readonly maxJoinRetries: number;
}

/** Addresses to dial, and what could not be looked up. */
export interface Discovery {
  readonly addresses: readonly string[];
  readonly failures: readonly DnsLookupError[];
}

interface WaitOptions {
  readonly signal?: AbortSignal;
}

/** Finds members and exchanges full states with them. */
export class Joiner {
  readonly #options: JoinerOptions;
  readonly #plain: readonly string[];
  readonly #dynamic: readonly string[];

  constructor(options: JoinerOptions) {
    const entries = options.entries
      .flatMap((entry) => entry.split(',')) // K-36
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    this.#options = options;
    this.#plain = entries.filter((entry) => !isDynamic(entry));
    this.#dynamic = entries.filter(isDynamic);
  }

  /** Whether there is anything to join. */
  get configured(): boolean {
    return this.#plain.length + this.#dynamic.length > 0;
  }

  /** Plain entries, then what the others resolve to. While a look-up fails it is tried again, up to ten times. */
  async discover({ signal }: WaitOptions = {}): Promise<Discovery> {
    const { dns, runtime } = this.#options;
    const abort = signal === undefined ? {} : { signal };
    const backoff = new Backoff(DISCOVERY_BACKOFF, runtime.random);
    for (;;) {
      const { addresses, failures } = await dns.resolve(this.#dynamic, abort);
      const all = [...this.#plain, ...addresses];
      if (failures.length === 0) return { addresses: all, failures };
      await backoff.wait(runtime, abort);
      if (!backoff.ongoing) return { addresses: all, failures };
    }
  }

  /**
   * Contacts a few members, in random order, one after the other, to start with their data: as many as a gossip
   * message would be sent to. Resolves to how many answered, ourselves included when the names lead to us. // K-37
   * @throws {FastJoinError} when none did.
   */
  async fastJoin({ signal }: WaitOptions = {}): Promise<number> {
    const { runtime, retransmitFactor } = this.#options;
    const { addresses, failures } = await this.discover(signal === undefined ? {} : { signal });
    if (addresses.length === 0) throw new FastJoinError(nothingFound(failures), causes(failures));
    const wanted = retransmitLimit(retransmitFactor, addresses.length);
    const errors: unknown[] = [];
    let reached = 0;
    for (const address of runtime.random.shuffle(addresses)) {
      if (reached >= wanted) break;
      reached += await this.#joinOne(address, errors, signal);
    }
    if (reached > 0) return reached;
    throw new FastJoinError(nobodyAnswered(addresses.length, errors), causes(errors));
  }

  /**
   * Contacts everyone who is found, and looks names up again after each hundred. Resolves to how many answered.
   * @throws {ClusterJoinError} when none did.
   */
  async joinAll({ signal }: WaitOptions = {}): Promise<number> {
    const tried = new Set<string>();
    const errors: unknown[] = [];
    let reached = 0;
    for (;;) {
      const { addresses, failures } = await this.discover(signal === undefined ? {} : { signal });
      const next = [...new Set(addresses)].filter((address) => !tried.has(address));
      if (tried.size === 0 && next.length === 0) {
        throw new ClusterJoinError(nothingFound(failures), causes(failures));
      }
      for (const address of next.slice(0, ADDRESSES_PER_DISCOVERY)) {
        tried.add(address);
        reached += await this.#joinOne(address, errors, signal);
      }
      if (next.length <= ADDRESSES_PER_DISCOVERY) break;
    }
    if (reached > 0) return reached;
    throw new ClusterJoinError(nobodyAnswered(tried.size, errors), causes(errors));
  }

  /**
   * {@link joinAll} with waits between attempts: resolves to how many answered in the first attempt that reached
   * anyone. @throws {ClusterJoinError} of the last attempt.
   */
  async joinWithBackoff({ signal }: WaitOptions = {}): Promise<number> {
    const { runtime, minJoinBackoffMs, maxJoinBackoffMs, maxJoinRetries } = this.#options;
    const abort = signal === undefined ? {} : { signal };
    const waits = { minMs: minJoinBackoffMs, maxMs: maxJoinBackoffMs, maxRetries: maxJoinRetries };
    const backoff = new Backoff(waits, runtime.random);
    for (;;) {
      try {
        return await this.joinAll(abort);
      } catch (error) {
        throwIfAborted(signal, 'joining the cluster');
        runtime.log.warn({ attempt: backoff.retries + 1, err: error }, 'attempt to join failed');
        await backoff.wait(runtime, abort);
        if (!backoff.ongoing) throw error;
      }
    }
  }

  /** Contacts these addresses; resolves to how many answered. */
  async join(addresses: readonly string[], { signal }: WaitOptions = {}): Promise<number> {
    let reached = 0;
    for (const address of addresses) reached += await this.#joinOne(address, [], signal);
    return reached;
  }

  async #joinOne(
    address: string,
    errors: unknown[],
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const { target, runtime } = this.#options;
    try {
      return await target.join([address], signal === undefined ? {} : { signal });
    } catch (error) {
      throwIfAborted(signal, 'joining the cluster');
      errors.push(error);
      runtime.log.debug({ address, err: error }, 'address did not answer a join');
      return 0;
    }
  }
}

function nothingFound(failures: readonly Error[]): string {
  if (failures.length === 0) {
    return 'the join entries lead to no address yet; check that the names in -memberlist.join exist';
  }
  return `looking up the join entries failed: ${failures.map(text).join('; ')}`;
}

/** How many errors a message spells out. */
const SHOWN_ERRORS = 3;

function nobodyAnswered(count: number, errors: readonly unknown[]): string {
  const shown = errors.slice(0, SHOWN_ERRORS).map(text).join('; ');
  return `none of ${count} addresses answered: ${shown}${errors.length > SHOWN_ERRORS ? '; …' : ''}`;
}

function causes(errors: readonly unknown[]): ErrorOptions {
  if (errors.length === 0) return {};
  return { cause: errors.length === 1 ? errors[0] : new AggregateError(errors) };
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
