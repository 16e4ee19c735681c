import { shuffleShardRand } from './go-rand.ts';
import type { InstanceDesc } from './instance.ts';
import type { RingView } from './view.ts';
import { findToken } from './walk.ts';
import type { ZoneTokens } from './zone-tokens.ts';

/** Which part of a ring a tenant gets. */
export interface ShardRequest {
  /** The tenant, or whatever the shard is for. */
  readonly identifier: string;
  /** Instances wanted; 0 or less: all that take new data. */
  readonly size: number;
  /** Also the instances that were in the shard at any time since, in Unix seconds; `undefined`: only now. */
  readonly sinceUnixS: number | undefined;
}

/** The members of a shard. */
export interface Shard {
  /** Ascending. */
  readonly positions: Uint32Array;
  /** The same members hold for a later {@link ShardRequest.sinceUnixS} up to this one. */
  readonly holdsUntilUnixS: number;
}

/**
 * Picks the members of a tenant's shard: as many as asked for in each zone, by a random stream of the tenant and the
 * zone, so that shards stay as they are when the ring changes elsewhere. `undefined`: the whole ring is the shard.
 * As `shuffleShard` in dskit.
 */
export function pickShard(view: RingView, request: ShardRequest): Shard | undefined {
  if (isWholeRing(view, request)) return undefined;
  const picker = new Picker(view, request);
  if (request.size <= 0) picker.takeAll();
  else picker.pick();
  return picker.shard();
}

function isWholeRing({ topology }: RingView, { size, sinceUnixS }: ShardRequest): boolean {
  const { readOnlyInstances, oldestRegisteredUnixS, oldestReadOnlyUpdatedUnixS } = topology;
  if (size <= 0 && readOnlyInstances === 0) return true;
  if (sinceUnixS === undefined) return false;
  if (size <= 0) return oldestReadOnlyUpdatedUnixS >= sinceUnixS;
  return oldestRegisteredUnixS > 0 && oldestRegisteredUnixS >= sinceUnixS;
}

class Picker {
  readonly #view: RingView;
  readonly #request: ShardRequest;
  readonly #picked: Uint8Array;
  readonly #since: number;

  constructor(view: RingView, request: ShardRequest) {
    this.#view = view;
    this.#request = request;
    this.#picked = new Uint8Array(view.instances.length);
    this.#since = request.sinceUnixS ?? Number.POSITIVE_INFINITY;
  }

  takeAll(zone?: number): void {
    const { instances, topology } = this.#view;
    for (const [position, instance] of instances.entries()) {
      const there = zone === undefined || topology.zoneOf[position] === zone;
      if (there && this.#includes(instance)) this.#picked[position] = 1;
    }
  }

  pick(): void {
    const { topology, placement, options } = this.#view;
    const { size } = this.#request;
    const zoneAware = options.zoneAwarenessEnabled;
    const each = zoneAware ? Math.ceil(size / topology.zones.length) : size;
    for (const [zone, tokens] of placement.zoneTokens.entries()) {
      const name = zoneAware ? (topology.zones[zone] ?? '') : '';
      if (zoneAware && each >= (topology.instancesInZone[zone] ?? 0)) this.takeAll(zone);
      else this.#pickFrom(tokens, name, each);
    }
  }

  shard(): Shard {
    const { instances } = this.#view;
    const positions: number[] = [];
    let holdsUntilUnixS = Number.POSITIVE_INFINITY;
    for (const [position, instance] of instances.entries()) {
      if (this.#picked[position] !== 1) continue;
      positions.push(position);
      for (const unixS of [instance.registeredUnixS, instance.readOnlyUpdatedUnixS]) {
        if (unixS >= this.#since) holdsUntilUnixS = Math.min(holdsUntilUnixS, unixS);
      }
    }
    return { positions: Uint32Array.from(positions), holdsUntilUnixS };
  }

  #pickFrom(zone: ZoneTokens, name: string, count: number): void {
    const random = shuffleShardRand(this.#request.identifier, name);
    for (let picked = 0; picked < count; picked++) {
      if (!this.#pickOne(zone, findToken(zone.tokens, random.uint32()))) return;
    }
  }

  /** Takes the next member along the ring, and before it those that count as extra ones; false: there is none. */
  #pickOne({ owners }: ZoneTokens, start: number): boolean {
    const { instances } = this.#view;
    let at = start;
    for (let steps = 0; steps < owners.length; steps++) {
      const position = owners[at] ?? 0;
      at = at + 1 === owners.length ? 0 : at + 1;
      const instance = instances[position];
      if (instance === undefined || this.#picked[position] === 1) continue;
      if (!this.#includes(instance)) continue;
      this.#picked[position] = 1;
      if (!this.#isExtra(instance)) return true;
    }
    return false;
  }

  /** Whether the instance may be a member: it takes new data, or did so within the time looked back on. */
  #includes({ readOnly, readOnlyUpdatedUnixS }: InstanceDesc): boolean {
    if (!readOnly) return true;
    if (this.#request.sinceUnixS === undefined) return false;
    return readOnlyUpdatedUnixS <= 0 || readOnlyUpdatedUnixS >= this.#since;
  }

  /** Whether the instance came or changed within the time looked back on, so that another one held its place before. */
  #isExtra({ registeredUnixS, readOnly, readOnlyUpdatedUnixS }: InstanceDesc): boolean {
    if (this.#request.sinceUnixS === undefined) return false;
    return registeredUnixS >= this.#since || readOnly || readOnlyUpdatedUnixS >= this.#since;
  }
}
