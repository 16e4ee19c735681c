import type { Random } from '@ml/runtime';
import { DnsQueryError } from './errors.ts';
import { isAddressLiteral } from './literal.ts';
import type { Resolver, SrvRecord } from './resolver.ts';
import { orderSrv } from './srv-order.ts';

/** How a name misbehaves: it answers SERVFAIL, or not at all until it is healed or the asker gives up. */
export type NameFault = 'servfail' | 'hang';

/**
 * A zone held in memory that may change while it is in use: for the simulator, the dev cluster and tests. Names are
 * compared without case and trailing dot; there is no search list.
 */
export class StaticResolver implements Resolver {
  readonly #random: Random;
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #srv = new Map<string, readonly SrvRecord[]>();
  readonly #faults = new Map<string, NameFault>();
  #waiting: (() => void)[] = [];

  /** `random` draws the order among SRV records of one priority. */
  constructor(options: { readonly random: Random }) {
    this.#random = options.random;
  }

  /** Sets the A and AAAA records of a host; none: the name has no addresses. */
  setAddresses(host: string, addresses: readonly string[]): void {
    this.#addresses.set(key(host), [...addresses]);
  }

  /** Sets the SRV records of a name; none: the name has no SRV records. Priority and weight default to 0. */
  setSrv(
    name: string,
    records: readonly (Pick<SrvRecord, 'target' | 'port'> & Partial<SrvRecord>)[],
  ): void {
    this.#srv.set(
      key(name),
      records.map((record) => ({ priority: 0, weight: 0, ...record })),
    );
  }

  /** Lets every look-up of a name (`*`: of every name) misbehave until {@link heal}. */
  fail(name: string, fault: NameFault): void {
    this.#faults.set(key(name), fault);
  }

  /** Ends the fault of a name (`*`: the one set for every name); look-ups that hang are answered. */
  heal(name: string): void {
    this.#faults.delete(key(name));
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async lookupAddresses(
    host: string,
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly string[]> {
    options.signal?.throwIfAborted();
    if (isAddressLiteral(host)) return [host.replace(/^\[(.*)\]$/, '$1')];
    await this.#pass(host, options.signal);
    return this.#addresses.get(key(host)) ?? [];
  }

  async lookupSrv(
    name: string,
    options: { readonly signal?: AbortSignal },
  ): Promise<readonly SrvRecord[]> {
    options.signal?.throwIfAborted();
    await this.#pass(name, options.signal);
    return orderSrv(this.#srv.get(key(name)) ?? [], this.#random);
  }

  async #pass(name: string, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const fault = this.#faults.get(key(name)) ?? this.#faults.get('*');
      if (fault === undefined) return;
      if (fault === 'servfail') {
        throw new DnsQueryError(name, `no proper answer for ${JSON.stringify(name)}: SERVFAIL`);
      }
      await this.#healed(signal);
    }
  }

  #healed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiting = this.#waiting.filter((wake) => wake !== done);
        reject(signal?.reason);
      };
      const done = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      this.#waiting.push(done);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

function key(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
