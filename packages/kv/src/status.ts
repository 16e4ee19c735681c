import type { Member, Memberlist } from '@ml/gossip';
import type { HistoryMessage } from './core/history.ts';
import type { StoreEntry } from './core/store.ts';
import type { AnyMergeable } from './mergeable.ts';
import type { Replica } from './replica.ts';

/**
 * Where a store is in its life. `new` until started; `starting` while members are contacted for the first time;
 * `running` from then on; `stopping` while it leaves; then `terminated`, or `failed` when it could not start or gave
 * up joining. Nothing leads back.
 */
export type KvState =
  | { readonly type: 'new' | 'starting' | 'running' | 'stopping' | 'terminated' }
  | { readonly type: 'failed'; readonly error: unknown };

/** One key, without its value. */
export interface KvKeyStatus {
  readonly key: string;
  /** Local counter of changes, from 1. */
  readonly version: number;
  readonly codecId: string;
  readonly deleted: boolean;
  /** When it was deleted; `undefined` when it was not. */
  readonly updateUnixMs: number | undefined;
  /** Length of the whole value as it goes into a full exchange; 0 when it cannot be encoded. */
  readonly sizeBytes: number;
}

/** What the status page of a store shows. As the `/memberlist` page of dskit. */
export interface KvStatus {
  readonly nowUnixMs: number;
  /** Name of this node, with its suffix. */
  readonly name: string;
  readonly state: KvState;
  /** 0 is best. */
  readonly healthScore: number;
  /** Members that are alive or suspect, by name. */
  readonly members: readonly Member[];
  /** Whether there are join entries but no member besides this node. */
  readonly isolated: boolean;
  /** By key. */
  readonly store: readonly KvKeyStatus[];
  /** Messages that wait to be gossiped. */
  readonly queued: { readonly local: number; readonly gossip: number; readonly bytes: number };
  /** Bound of each of the two lists below; 0: no messages are kept. */
  readonly messageHistoryBufferBytes: number;
  /** Oldest first. */
  readonly sentMessages: readonly HistoryMessage[];
  readonly receivedMessages: readonly HistoryMessage[];
}

/** One key with its whole value, tombstones included. */
export interface KvEntryView {
  readonly key: string;
  readonly version: number;
  readonly codecId: string;
  readonly deleted: boolean;
  readonly updateUnixMs: number | undefined;
  readonly value: AnyMergeable;
  /** The value as its codec writes it. */
  encode(): Uint8Array;
}

/** One message of the history with the value in it. */
export interface KvMessageView {
  readonly message: HistoryMessage;
  /** @throws {CodecNotRegisteredError} @throws {CodecError} */
  decode(): AnyMergeable;
}

/** What {@link statusOf} puts together. */
export interface StatusSources {
  readonly nowUnixMs: number;
  readonly name: string;
  readonly state: KvState;
  readonly memberlist: Memberlist | undefined;
  readonly joinConfigured: boolean;
  readonly replica: Replica;
  readonly historyBytes: number;
}

export function statusOf(sources: StatusSources): KvStatus {
  const { replica, memberlist } = sources;
  const members = [...(memberlist?.members() ?? [])].sort((a, b) => order(a.name, b.name));
  return {
    nowUnixMs: sources.nowUnixMs,
    name: sources.name,
    state: sources.state,
    healthScore: memberlist?.healthScore ?? 0,
    members,
    isolated: sources.joinConfigured && members.length <= 1,
    store: [...replica.store.entries()]
      .map(([key, entry]) => keyStatus(replica, key, entry))
      .sort((a, b) => order(a.key, b.key)),
    queued: {
      local: replica.broadcasts.size('local'),
      gossip: replica.broadcasts.size('gossip'),
      bytes: replica.broadcasts.bytes,
    },
    messageHistoryBufferBytes: sources.historyBytes,
    sentMessages: replica.history.messages('sent'),
    receivedMessages: replica.history.messages('received'),
  };
}

function keyStatus(replica: Replica, key: string, entry: StoreEntry): KvKeyStatus {
  const { version, codecId, deleted, updateUnixMs } = entry;
  const sizeBytes = replica.encodedEntry(key, entry)?.length ?? 0;
  return { key, version, codecId, deleted, updateUnixMs, sizeBytes };
}

export function entryView(replica: Replica, key: string): KvEntryView | undefined {
  const entry = replica.store.get(key);
  if (entry === undefined) return undefined;
  return {
    key,
    ...entry,
    encode: () => replica.requireCodec(entry.codecId).encode(entry.value),
  };
}

export function messageView(replica: Replica, id: number): KvMessageView | undefined {
  const message = replica.history.find(id);
  if (message === undefined) return undefined;
  return { message, decode: () => replica.decodeAlone(message.pair) };
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
