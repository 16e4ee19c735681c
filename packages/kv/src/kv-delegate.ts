import type { Delegate } from '@ml/gossip';
import { type Address, formatAddress } from '@ml/transport';
import type { Inbox } from './inbox.ts';
import type { Replica } from './replica.ts';

const NOTHING = new Uint8Array(0);

/** What a {@link KvDelegate} connects. */
export interface KvDelegateOptions {
  readonly replica: Replica;
  readonly inbox: Inbox;
}

/** The store's side of the gossip protocol. Its calls come from inside the protocol, which must not be called back. */
export class KvDelegate implements Delegate {
  readonly #replica: Replica;
  readonly #inbox: Inbox;
  #inside: boolean = false;
  #closed: boolean = false;

  constructor({ replica, inbox }: KvDelegateOptions) {
    this.#replica = replica;
    this.#inbox = inbox;
  }

  /** Whether a call of the protocol is under way. */
  get inside(): boolean {
    return this.#inside;
  }

  /** From now on everything is ignored. */
  close(): void {
    this.#closed = true;
  }

  nodeMeta(_maxBytes: number): Uint8Array {
    return NOTHING;
  }

  onMessage(bytes: Uint8Array, from: Address): void {
    this.#call(undefined, () => this.#inbox.message(bytes, formatAddress(from)));
  }

  broadcasts(overheadBytes: number, maxBytes: number): readonly Uint8Array[] {
    return this.#call([], () => this.#replica.broadcasts.take(overheadBytes, maxBytes));
  }

  localState(_isJoin: boolean): Uint8Array {
    return this.#call(NOTHING, () => {
      this.#inbox.flush();
      return this.#replica.fullState();
    });
  }

  mergeRemoteState(bytes: Uint8Array, _isJoin: boolean, from: Address): void {
    this.#call(undefined, () => this.#inbox.fullState(bytes, formatAddress(from)));
  }

  #call<T>(otherwise: T, run: () => T): T {
    if (this.#closed) return otherwise;
    this.#inside = true;
    try {
      return run();
    } finally {
      this.#inside = false;
    }
  }
}
