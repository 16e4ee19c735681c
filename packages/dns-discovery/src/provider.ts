import type { Gauge, Registerer } from '@ml/metrics';
import type { Runtime } from '@ml/runtime';
import { DnsLookupError } from './errors.ts';
import { type LookupResult, lookup } from './lookup.ts';
import { type DnsMetrics, registerDnsMetrics } from './metrics.ts';
import type { Resolver } from './resolver.ts';
import { isDynamic, parseSpec } from './spec.ts';

/** How long an entry that is no longer found keeps its last good addresses: 10 minutes. */
export const DEFAULT_KEEP_LAST_GOOD_MS = 600_000;

/** What a {@link DnsProvider} is made of. */
export interface DnsProviderOptions {
  readonly resolver: Resolver;
  readonly runtime: Pick<Runtime, 'clock' | 'log'>;
  /** None: nothing is measured. */
  readonly metrics?: Registerer;
  /** Ends the hold of the metrics on this provider. */
  readonly signal?: AbortSignal;
  /**
   * How long, in milliseconds, an entry whose name is no longer found keeps its last good addresses. Default
   * {@link DEFAULT_KEEP_LAST_GOOD_MS}; 0 drops them at once, as the reference does. Look-ups that *fail* keep them
   * without limit in either case.
   */
  readonly keepLastGoodMs?: number;
}

/** What one {@link DnsProvider.resolve} yielded. */
export interface Resolution {
  /** In the order of the entries and of the answers, without duplicates; kept older answers included. */
  readonly addresses: readonly string[];
  /** One error for each entry that could not be looked up or is badly written. */
  readonly failures: readonly DnsLookupError[];
  /** Entries whose name exists nowhere or has no records of the kind, whether or not older answers were kept. */
  readonly notFound: readonly string[];
}

interface Entry {
  readonly addresses: readonly string[];
  /** {@link Clock.now} of the last answer that held an address. */
  readonly goodAt: number;
  readonly ambiguousPorts: readonly number[];
}

type Outcome =
  | { readonly type: 'found'; readonly result: LookupResult }
  | { readonly type: 'notFound' }
  | { readonly type: 'failed'; readonly error: DnsLookupError };

/** Turns join entries into addresses and remembers the last good ones. As the `dns` provider of dskit. D-8 D-9 D-20 */
export class DnsProvider {
  readonly #resolver: Resolver;
  readonly #runtime: Pick<Runtime, 'clock' | 'log'>;
  readonly #keepLastGoodMs: number;
  readonly #metrics: DnsMetrics | undefined;
  #entries: ReadonlyMap<string, Entry> = new Map();

  constructor(options: DnsProviderOptions) {
    this.#resolver = options.resolver;
    this.#runtime = options.runtime;
    this.#keepLastGoodMs = options.keepLastGoodMs ?? DEFAULT_KEEP_LAST_GOOD_MS;
    const collect = (gauge: Gauge<'addr'>): void => this.#collect(gauge);
    this.#metrics = options.metrics && registerDnsMetrics(options.metrics, collect, options.signal);
  }

  /**
   * Resolves each entry; plain ones pass through. An entry that fails keeps its last good addresses, entries not
   * named in this call are forgotten. Never rejects because of a look-up; rejects with the signal's reason when
   * aborted, and then nothing is changed.
   */
  async resolve(
    specs: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Resolution> {
    const names = [...new Set(specs)];
    const outcomes = await Promise.all(names.map((spec) => this.#lookUp(spec, options)));
    options.signal?.throwIfAborted();
    const entries = new Map<string, Entry>();
    const failures: DnsLookupError[] = [];
    const notFound: string[] = [];
    outcomes.forEach((outcome, index) => {
      const spec = names[index] ?? '';
      if (outcome.type === 'failed') failures.push(outcome.error);
      if (outcome.type === 'notFound') notFound.push(spec);
      entries.set(spec, this.#next(spec, outcome));
    });
    this.#entries = entries;
    return { addresses: unique(entries.values()), failures, notFound };
  }

  /** What the latest {@link resolve} found, sorted, without duplicates. */
  addresses(): readonly string[] {
    return unique(this.#entries.values()).sort((a, b) => (a < b ? -1 : 1));
  }

  /**
   * The addresses of a plain host name, straight from the resolver: nothing is kept and nothing counted. IP
   * literals return themselves; an unknown name has none. Rejects as {@link Resolver.lookupAddresses}.
   */
  lookupHost(
    host: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<readonly string[]> {
    return this.#resolver.lookupAddresses(host, options);
  }

  async #lookUp(text: string, options: { readonly signal?: AbortSignal }): Promise<Outcome> {
    try {
      if (isDynamic(text)) this.#metrics?.lookups.inc();
      const result = await lookup(parseSpec(text), { resolver: this.#resolver, ...options });
      return result.addresses.length === 0 ? { type: 'notFound' } : { type: 'found', result };
    } catch (cause) {
      if (options.signal?.aborted !== true) this.#metrics?.failures.inc();
      return { type: 'failed', error: new DnsLookupError(text, cause) };
    }
  }

  #next(spec: string, outcome: Outcome): Entry {
    const { clock, log } = this.#runtime;
    const last = this.#entries.get(spec);
    switch (outcome.type) {
      case 'found': {
        const { addresses, ambiguousPorts, dropped } = outcome.result;
        if (dropped > 0) log.warn({ entry: spec, dropped }, 'dns answer cut: too many records');
        if (ambiguousPorts.length > 1 && String(ambiguousPorts) !== String(last?.ambiguousPorts)) {
          log.warn(
            { entry: spec, ports: ambiguousPorts.join(',') },
            'srv records give one target several ports: give the port in the entry, or query the name of one port (_port._tcp.service)',
          );
        }
        return { addresses, ambiguousPorts, goodAt: clock.now() };
      }
      case 'notFound':
        return this.#keep(spec, last);
      case 'failed':
        log.warn(
          { entry: spec, err: outcome.error, kept: last?.addresses.length ?? 0 },
          'dns look-up failed',
        );
        return last ?? NOTHING;
    }
  }

  #keep(spec: string, last: Entry | undefined): Entry {
    const { clock, log } = this.#runtime;
    const kept =
      last !== undefined &&
      last.addresses.length > 0 &&
      clock.now() - last.goodAt < this.#keepLastGoodMs;
    log.warn({ entry: spec, kept: kept ? last.addresses.length : 0 }, 'dns name not found');
    return kept ? last : NOTHING;
  }

  #collect(gauge: Gauge<'addr'>): void {
    gauge.reset();
    for (const [spec, entry] of this.#entries) {
      gauge.labels({ addr: spec }).set(entry.addresses.length);
    }
  }
}

const NOTHING: Entry = { addresses: [], ambiguousPorts: [], goodAt: 0 };

function unique(entries: Iterable<Entry>): string[] {
  return [...new Set([...entries].flatMap((entry) => entry.addresses))];
}
