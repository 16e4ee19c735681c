import type { Address } from '@ml/transport';
import type { Member } from '../events.ts';
import { NODE_STATE, type PushPull, type PushPullRecord } from '../wire/index.ts';
import type { CoreContext } from './context.ts';
import { pushPullIntervalMs } from './formulas.ts';
import { makeIdentity, memberOf, sameBytes } from './member-pool.ts';
import type { MemberTable } from './members.ts';
import type { Membership } from './membership.ts';

/** Why a peer's state is not merged. */
export interface MergeRefusal {
  readonly by: 'protocol_versions' | 'merge_delegate';
  readonly text: string;
}

/** Full state exchanges: when, with whom, what we say, and what we make of the answer. G-8, G-9. */
export class PushPuller {
  readonly #context: CoreContext;
  readonly #membership: Membership;

  constructor(context: CoreContext, membership: Membership) {
    this.#context = context;
    this.#membership = membership;
  }

  start(now: number): void {
    const { config, random } = this.#context;
    const { pushPullIntervalMs: interval, stagger } = config;
    if (interval > 0) this.#schedule(now + (stagger ? random.int(interval) : 0));
  }

  /** Our full state. */
  localState(now: number, join: boolean): PushPull {
    const { members, delegates } = this.#context;
    const { delegate } = delegates;
    const records: PushPullRecord[] = [];
    for (let i = 0; i < members.size; i++) records.push(recordOf(members, members.at(i)));
    const nothing = new Uint8Array(0);
    const userState =
      delegate === undefined
        ? nothing
        : this.#context.ask(now, 'localState', nothing, () => delegate.localState(join));
    return { type: 'pushPull', join, records, userState };
  }

  /** Takes over what is news in a peer's state; undefined when it was merged. */
  merge(
    now: number,
    remote: PushPull,
    { join, from }: { readonly join: boolean; readonly from: Address },
  ): MergeRefusal | undefined {
    const { delegates, metrics } = this.#context;
    const refusal = this.#refusal(now, remote.records, join);
    if (refusal !== undefined) {
      metrics.rejected(refusal.by);
      return refusal;
    }
    for (const record of remote.records) this.#membership.handleRecord(now, record);
    const { delegate } = delegates;
    if (delegate !== undefined && remote.userState.length > 0) {
      this.#context.ask(now, 'mergeRemoteState', undefined, () =>
        delegate.mergeRemoteState(remote.userState, join, from),
      );
    }
    return undefined;
  }

  #refusal(
    now: number,
    records: readonly PushPullRecord[],
    join: boolean,
  ): MergeRefusal | undefined {
    const text = versionsFault(this.#context.members, records);
    if (text !== undefined) return { by: 'protocol_versions', text };
    const { merge } = this.#context.delegates;
    if (!join || merge === undefined) return undefined;
    const remote = records.map(publicMember);
    const reason: string | undefined = this.#context.ask(
      now,
      'refuseMerge',
      'the merge delegate failed',
      () => merge.refuseMerge(remote),
    );
    return reason === undefined ? undefined : { by: 'merge_delegate', text: reason };
  }

  #schedule(from: number): void {
    const { config, members, timers } = this.#context;
    const at = from + pushPullIntervalMs(config.pushPullIntervalMs, members.size);
    timers.set('pushPull', at, (now) => this.#onTick(now));
  }

  #onTick(now: number): void {
    const { config, members } = this.#context;
    const { selfId } = this.#membership;
    const peers = members.sample(
      config.pushPullNodes,
      (id) => id !== selfId && members.state(id) === 'alive',
    );
    for (const peer of peers) {
      this.#context.emit({ type: 'pushPull', to: members.identity(peer).address });
    }
    this.#schedule(now);
  }
}

function recordOf(members: MemberTable, id: number): PushPullRecord {
  const { name, ip, address, meta, versions } = members.identity(id);
  return {
    name,
    addr: ip,
    port: address.port,
    meta,
    incarnation: members.incarnation(id),
    state: NODE_STATE[members.state(id)],
    versions,
  };
}

function publicMember(record: PushPullRecord): Member {
  const { name, addr, port, meta, versions, incarnation } = record;
  const state = (['alive', 'suspect', 'dead', 'left'] as const)[record.state] ?? ('dead' as const);
  return memberOf(makeIdentity({ name, ip: addr, port, meta, versions }), state, incarnation);
}

/** Offsets of the ranges in a member's six version bytes. */
const VERSION_RANGES = [
  { what: 'protocol', min: 0, max: 1, current: 2 },
  { what: 'delegate protocol', min: 3, max: 4, current: 5 },
] as const;

/**
 * Whether we and they could not understand each other: every member's current version must lie within the range that all
 * living members share. The text says who is out of it; undefined when all is well. G-6.
 */
function versionsFault(
  members: MemberTable,
  records: readonly PushPullRecord[],
): string | undefined {
  if (allSpeakAlike(members, records)) return undefined;
  for (const { what, min, max, current } of VERSION_RANGES) {
    let least = 0;
    let most = 255;
    const narrow = (versions: Uint8Array): void => {
      least = Math.max(least, versions[min] ?? 0);
      most = Math.min(most, versions[max] ?? 0);
    };
    for (const { state, versions } of records) if (state === NODE_STATE.alive) narrow(versions);
    for (let i = 0; i < members.size; i++) {
      const id = members.at(i);
      if (members.state(id) === 'alive') narrow(members.identity(id).versions);
    }
    const fits = (versions: Uint8Array): boolean => {
      const version = versions[current] ?? 0;
      return version >= least && version <= most;
    };
    const fault = (name: string, versions: Uint8Array): string =>
      `${JSON.stringify(name)} speaks ${what} version ${versions[current]}, outside of what all living members understand (${least} to ${most})`;
    for (const { name, versions } of records) if (!fits(versions)) return fault(name, versions);
    for (let i = 0; i < members.size; i++) {
      const { name, versions } = members.identity(members.at(i));
      if (!fits(versions)) return fault(name, versions);
    }
  }
  return undefined;
}

/** Whether there is one set of versions, in order in itself, as nearly always: that is soon seen. */
function allSpeakAlike(members: MemberTable, records: readonly PushPullRecord[]): boolean {
  const versions = records[0]?.versions;
  if (versions === undefined) return false;
  for (const { min, max, current } of VERSION_RANGES) {
    const version = versions[current] ?? 0;
    if (version < (versions[min] ?? 0) || version > (versions[max] ?? 0)) return false;
  }
  for (const record of records) if (!sameBytes(record.versions, versions)) return false;
  for (let i = 0; i < members.size; i++) {
    if (!sameBytes(members.identity(members.at(i)).versions, versions)) return false;
  }
  return true;
}
