import { assert } from '@ml/runtime';
import { type Address, formatIp } from '@ml/transport';
import type { Member, MemberState } from '../events.ts';

/** What makes a member known, apart from its state. Never changes: a change makes a new record. */
export interface Identity {
  readonly name: string;
  /** Where it is dialled. */
  readonly address: Address;
  /** The address as it travels: 4 or 16 bytes, kept as they came. */
  readonly ip: Uint8Array;
  readonly meta: Uint8Array | undefined;
  /** pMin, pMax, pCur, dMin, dMax, dCur. */
  readonly versions: Uint8Array;
}

/** The parts of an {@link Identity} as they come from a message. */
export interface IdentityParts {
  readonly name: string;
  readonly ip: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array | undefined;
  readonly versions: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

/** A member's announcement as it was encoded last. */
interface Announcement {
  readonly identity: Identity;
  readonly incarnation: number;
  /** Absent metadata and empty metadata are told apart on the wire. */
  readonly hasMeta: boolean;
  readonly bytes: Uint8Array;
}

interface Slot {
  readonly name: string;
  references: number;
  latest: Identity | undefined;
  announcement: Announcement | undefined;
}

/** How a {@link MemberPool} is used. */
export interface MemberPoolOptions {
  /**
   * Whether several tables use it: then the announcement that a member's news is passed on with is encoded once for
   * all of them, and kept. Default false: a single table encodes each only once.
   */
  readonly shared?: boolean;
}

/**
 * Names as small integers, and one copy of each identity. Tables of one process may share a pool: a simulator
 * with thousands of nodes then keeps each member's name and address once, and a row costs some 25 bytes.
 *
 * A slot lives as long as some table holds a reference; its number is then used again.
 */
export class MemberPool {
  readonly #ids = new Map<string, number>();
  readonly #slots: (Slot | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #shared: boolean;

  constructor(options: MemberPoolOptions = {}) {
    this.#shared = options.shared ?? false;
  }

  /** Names held at present. */
  get size(): number {
    return this.#ids.size;
  }

  /** The number of a name that some table holds, −1 for others. */
  lookup(name: string): number {
    return this.#ids.get(name) ?? -1;
  }

  /** The number of `name`, and one more reference to it. */
  acquire(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) {
      const slot = this.#slots[known];
      if (slot !== undefined) slot.references += 1;
      return known;
    }
    const id = this.#free.pop() ?? this.#slots.length;
    this.#slots[id] = { name, references: 1, latest: undefined, announcement: undefined };
    this.#ids.set(name, id);
    return id;
  }

  /** Gives back one reference. */
  release(id: number): void {
    const slot = this.#slots[id];
    if (slot === undefined) return;
    slot.references -= 1;
    if (slot.references > 0) return;
    this.#ids.delete(slot.name);
    this.#slots[id] = undefined;
    this.#free.push(id);
  }

  /** The identity with these parts, shared with whoever asked for the same one last; bytes are copied when it is new. */
  identity(id: number, parts: IdentityParts): Identity {
    const slot = this.#slots[id];
    const latest = slot?.latest;
    if (latest !== undefined && hasParts(latest, parts)) return latest;
    const made = makeIdentity(parts);
    if (slot !== undefined) slot.latest = made;
    return made;
  }

  /** What `encode` makes of this member at this incarnation; in a shared pool, as it came out for the table before. */
  announcement(
    id: number,
    news: Pick<Announcement, 'identity' | 'incarnation' | 'hasMeta'>,
    encode: () => Uint8Array,
  ): Uint8Array {
    const slot = this.#shared ? this.#slots[id] : undefined;
    if (slot === undefined) return encode();
    const { identity, incarnation, hasMeta } = news;
    const known = slot.announcement;
    if (
      known?.identity === identity &&
      known.incarnation === incarnation &&
      known.hasMeta === hasMeta
    ) {
      return known.bytes;
    }
    const bytes = encode().slice();
    slot.announcement = { identity, incarnation, hasMeta, bytes };
    return bytes;
  }
}

/** The identity of these parts, for somebody who is not in a table; nothing is kept. */
export function makeIdentity(parts: IdentityParts): Identity {
  const host = formatIp(parts.ip);
  assert(host !== undefined, 'member addresses have 4 or 16 bytes');
  return {
    name: parts.name,
    address: { host, port: parts.port },
    ip: parts.ip.slice(),
    meta: parts.meta?.slice(),
    versions: parts.versions.slice(),
  };
}

/** What the application sees of a member. */
export function memberOf(identity: Identity, state: MemberState, incarnation: number): Member {
  const [pMin = 0, pMax = 0, pCur = 0, dMin = 0, dMax = 0, dCur = 0] = identity.versions;
  return {
    name: identity.name,
    address: identity.address,
    meta: identity.meta ?? NO_BYTES,
    state,
    incarnation,
    protocol: { pMin, pMax, pCur, dMin, dMax, dCur },
  };
}

/** Whether the identity stands at this address; bytes count, so the two forms of one IPv4 address differ. */
export function isAt(identity: Identity, ip: Uint8Array, port: number): boolean {
  return identity.address.port === port && sameBytes(identity.ip, ip);
}

/** Whether the identity has just these parts. */
export function hasParts(identity: Identity, parts: IdentityParts): boolean {
  return (
    isAt(identity, parts.ip, parts.port) &&
    sameBytes(identity.meta, parts.meta) &&
    sameBytes(identity.versions, parts.versions)
  );
}

/** Whether both have the same bytes; absent is the same as empty. */
export function sameBytes(a: Uint8Array = NO_BYTES, b: Uint8Array = NO_BYTES): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
