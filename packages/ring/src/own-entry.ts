import type { KvClient } from '@ml/kv';
import type { Runtime } from '@ml/runtime';
import { RingDesc } from './core/desc.ts';
import { hasSameContent, InstanceDesc } from './core/instance.ts';
import type { KnownInstanceState } from './core/instance-state.ts';
import { countLost, fillTokens, unclaimed } from './core/own-tokens.ts';
import { register } from './core/registration.ts';
import { isTooFarAhead, nextStamp, stampAfterRefusals } from './core/stamp.ts';
import type { TokenGenerator } from './core/token-generator.ts';
import { Tokens } from './core/tokens.ts';
import type { InstanceIdentity } from './lifecycler-types.ts';
import type { TokensStore } from './tokens-store.ts';

export interface OwnEntryOptions {
  /** Names the ring in logs. */
  readonly name: string;
  readonly key: string;
  readonly identity: InstanceIdentity;
  readonly client: KvClient<RingDesc>;
  readonly runtime: Runtime;
  readonly generator: TokenGenerator;
  readonly tokensStore?: TokensStore | undefined;
}

/** Whether something has to be said, or only that the instance is alive. */
export type WriteKind = 'change' | 'heartbeat';

/** What a write changes besides the fields that an {@link OwnEntry} knows. */
export interface Decision {
  readonly tokens: Tokens;
  readonly state?: KnownInstanceState;
  /** Default: the ring as it was. */
  readonly ring?: RingDesc;
}

/** What an instance says of itself, and the writing of it. Calls must not overlap. */
export class OwnEntry {
  state: KnownInstanceState = 'PENDING';
  readOnly: boolean = false;
  readOnlyUpdatedUnixS: number = 0;
  readonly #options: OwnEntryOptions;
  #tokens: Tokens = Tokens.none;
  #storedTokens: Tokens = Tokens.none;
  #registeredUnixS = 0;
  #lastStampUnixS = 0;
  #lastSeen: RingDesc = RingDesc.empty;

  constructor(options: OwnEntryOptions) {
    this.#options = options;
  }

  get tokens(): Tokens {
    return this.#tokens;
  }

  get registeredUnixS(): number {
    return this.#registeredUnixS;
  }

  /** The ring as of the last write. */
  get lastSeen(): RingDesc {
    return this.#lastSeen;
  }

  /** Puts the entry in the ring, or takes over the one that an earlier life has left there. */
  async register(numTokens: number, signal: AbortSignal | undefined): Promise<void> {
    const { identity, client, key, runtime, generator } = this.#options;
    const storedTokens = await this.#loadTokens();
    const registrant = {
      ...identity,
      numTokens,
      generator,
      random: runtime.random,
      storedTokens,
    };
    let entry: InstanceDesc | undefined;
    let refusals = 0;
    await client.cas(
      key,
      (ring = RingDesc.empty) => {
        const registration = register(ring, registrant, runtime.clock.unixMs());
        entry = afterRefusals(registration.entry, refusals);
        this.state = registration.state;
        this.#lastSeen = ring.set(entry);
        if (!ring.has(identity.id)) refusals += 1;
        return registration.write ? this.#lastSeen : undefined;
      },
      signal === undefined ? {} : { signal },
    );
    if (entry === undefined) return;
    this.#registeredUnixS = entry.registeredUnixS;
    this.readOnly = entry.readOnly;
    this.readOnlyUpdatedUnixS = entry.readOnlyUpdatedUnixS;
    await this.#adopt(entry);
  }

  /**
   * One CAS of the own entry. `decide` gets the ring and the entry in it and says what is new besides the fields
   * that this object knows; `undefined` leaves the ring as it is.
   */
  async update(
    kind: WriteKind,
    decide: (ring: RingDesc, known: InstanceDesc | undefined) => Decision | undefined,
  ): Promise<void> {
    const { client, key, runtime, identity } = this.#options;
    let written: InstanceDesc | undefined;
    let refusals = 0;
    await client.cas(key, (ring = RingDesc.empty) => {
      const known = ring.get(identity.id);
      const nowUnixMs = runtime.clock.unixMs();
      const decision = decide(ring, known);
      written = undefined;
      if (decision === undefined) return undefined;
      const stored = Math.max(this.#lastStampUnixS, known?.heartbeatUnixS ?? 0);
      const stamp = stampAfterRefusals(nextStamp(nowUnixMs, stored), refusals);
      if (known === undefined) refusals += 1;
      const entry = (known ?? InstanceDesc.of({ id: identity.id })).with({
        addr: identity.addr,
        zone: identity.zone,
        state: decision.state ?? this.state,
        tokens: decision.tokens,
        registeredUnixS: known === undefined ? Math.floor(nowUnixMs / 1000) : this.#registeredUnixS,
        readOnly: this.readOnly,
        readOnlyUpdatedUnixS: this.readOnlyUpdatedUnixS,
        heartbeatUnixS: stamp,
      });
      if (
        kind === 'heartbeat' &&
        known !== undefined &&
        isTooFarAhead(entry.heartbeatUnixS, nowUnixMs) &&
        hasSameContent(known, entry)
      ) {
        return undefined;
      }
      written = entry;
      this.#lastSeen = (decision.ring ?? ring).set(entry);
      return this.#lastSeen;
    });
    if (written === undefined) return;
    this.#registeredUnixS = written.registeredUnixS;
    if (written.state !== 'UNKNOWN') this.state = written.state;
    await this.#adopt(written);
  }

  /** Writes the entry as this object knows it; tokens that an active instance has lost are replaced. R-46 */
  async write(kind: WriteKind): Promise<void> {
    const { generator, identity } = this.#options;
    await this.update(kind, (ring, known) => {
      if (known === undefined) return { tokens: unclaimed(this.#tokens, ring, identity.id) };
      const lost = this.state === 'ACTIVE' ? countLost(this.#tokens, known.tokens) : 0;
      const wanted = known.tokens.size + lost;
      return { tokens: fillTokens(known.tokens, wanted, { ring, generator }) };
    });
  }

  /** Takes the entry out of the ring. Never throws: a failure is logged. */
  async unregister(): Promise<void> {
    const { client, key, runtime, name, identity } = this.#options;
    try {
      await client.cas(key, (ring) =>
        ring?.has(identity.id) === true ? ring.delete(identity.id) : undefined,
      );
    } catch (error) {
      runtime.log.error(
        { ring: name, err: error },
        'the instance could not be taken out of the ring',
      );
    }
  }

  /** Deletes the stored tokens. Never throws: a failure is logged. */
  async clearStoredTokens(): Promise<void> {
    try {
      await this.#options.tokensStore?.delete();
    } catch (error) {
      const { runtime, name } = this.#options;
      runtime.log.error({ ring: name, err: error }, 'the stored tokens could not be deleted');
    }
  }

  async #loadTokens(): Promise<Tokens | undefined> {
    try {
      return await this.#options.tokensStore?.load();
    } catch (error) {
      this.#options.runtime.log.warn(
        { ring: this.#options.name, err: error },
        'stored tokens cannot be used, new ones will be taken',
      );
      return undefined;
    }
  }

  /** Takes over what was written: the stamp and the tokens, which are stored when they are new. */
  async #adopt(entry: InstanceDesc): Promise<void> {
    this.#lastStampUnixS = Math.max(this.#lastStampUnixS, entry.heartbeatUnixS);
    this.#tokens = entry.tokens;
    const { tokensStore, runtime, name } = this.#options;
    if (tokensStore === undefined || this.#tokens.equals(this.#storedTokens)) return;
    try {
      await tokensStore.store(this.#tokens);
      this.#storedTokens = this.#tokens;
    } catch (error) {
      runtime.log.error({ ring: name, err: error }, 'storing the tokens failed');
    }
  }
}

/** {@link stampAfterRefusals} of an entry. */
function afterRefusals(entry: InstanceDesc, refusals: number): InstanceDesc {
  if (refusals === 0) return entry;
  return entry.with({ heartbeatUnixS: stampAfterRefusals(entry.heartbeatUnixS, refusals) });
}
