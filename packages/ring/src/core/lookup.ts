import {
  EmptyRingError,
  ReplicationFactorError,
  TooManyUnhealthyInstancesError,
} from '../errors.ts';
import type { InstanceDesc } from './instance.ts';
import type { Operation } from './operation.ts';
import type { ReplicationSet } from './replication-set.ts';
import type { RingView } from './view.ts';

/** A look-up of one key. */
export interface KeyLookup {
  /** The key: an unsigned 32-bit number. */
  readonly key: number;
  readonly operation: Operation;
  readonly nowUnixMs: number;
  /** Replicas wanted; counts when it is more than the ring's own and the strategy can expand. */
  readonly replicationFactor?: number | undefined;
}

/** Position of the first token greater than `key`, wrapping to the first of all. A key that equals a token belongs to the next one. R-32 */
export function findToken(tokens: Uint32Array, key: number): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((tokens[middle] ?? 0) > key) high = middle;
    else low = middle + 1;
  }
  return low === tokens.length ? 0 : low;
}

/**
 * The instances that hold a key: the owners of the tokens that follow it, as many different ones as there are
 * replicas, in different zones if the ring is zone aware. Order: along the ring, healthy ones only. R-32
 * @throws {EmptyRingError | ReplicationFactorError | TooFewHealthyInstancesError}
 */
export function lookUpKey(view: RingView, lookup: KeyLookup): ReplicationSet {
  const { options, strategy } = view;
  if (view.topology.tokens.length === 0) throw new EmptyRingError();
  const configured = options.replicationFactor;
  const replicationFactor = Math.max(lookup.replicationFactor ?? 0, configured);
  if (replicationFactor > configured && !strategy.canExpand) {
    throw new ReplicationFactorError(replicationFactor, configured);
  }
  const healthy: InstanceDesc[] = [];
  const unhealthy: InstanceDesc[] = [];
  for (const position of walk(view, lookup, replicationFactor)) {
    const instance = view.instances[position];
    if (instance === undefined) continue;
    const usable =
      lookup.operation.accepts(instance.stateCode) && view.isFresh(position, lookup.nowUnixMs);
    (usable ? healthy : unhealthy).push(instance);
  }
  const maxErrors = strategy.maxErrors({
    healthy,
    unhealthy,
    replicationFactor,
    zoneAware: options.zoneAwarenessEnabled,
  });
  return { instances: healthy, maxErrors, maxUnavailableZones: 0, zoneAwarenessEnabled: false };
}

/** The instances that a key's walk takes, by number, healthy or not. */
function walk(view: RingView, lookup: KeyLookup, replicationFactor: number): readonly number[] {
  const { topology, options, health } = view;
  const { tokens, owners, zoneOf } = topology;
  const zones = options.zoneAwarenessEnabled ? new ZoneQuota(view, replicationFactor) : undefined;
  const total = view.instances.length;
  const taken: number[] = [];
  let wanted = replicationFactor;
  let at = findToken(tokens, lookup.key);
  for (let steps = 0; steps < tokens.length && taken.length < Math.min(total, wanted); steps++) {
    if (zones?.exhausted === true) break;
    const owner = owners[at] ?? 0;
    at = at + 1 === tokens.length ? 0 : at + 1;
    if (taken.includes(owner)) continue;
    const zone = zoneOf[owner] ?? 0;
    if (zones !== undefined && !zones.examine(zone)) continue;
    taken.push(owner);
    if (lookup.operation.extends(health.stateCodes[owner] ?? 0)) wanted++;
    else zones?.found(zone);
  }
  return taken;
}

/** How many instances of each zone a walk may still take. Instances without a zone are not limited. */
class ZoneQuota {
  readonly #target: number;
  readonly #found: Uint32Array;
  readonly #examined: Uint32Array;
  readonly #instances: Uint32Array;
  readonly #unlimited: number;
  /** Zones that can give another instance. */
  #open: number;

  constructor(view: RingView, replicationFactor: number) {
    const { zones, instancesInZone } = view.topology;
    this.#target = Math.max(1, Math.floor(replicationFactor / view.options.replicationFactor));
    this.#found = new Uint32Array(zones.length);
    this.#examined = new Uint32Array(zones.length);
    this.#instances = instancesInZone;
    this.#unlimited = zones.indexOf('');
    this.#open = zones.length;
  }

  /** Whether no zone can give another instance. */
  get exhausted(): boolean {
    return this.#open === 0;
  }

  /** Counts an instance of `zone` that was met; false: the zone has given enough. */
  examine(zone: number): boolean {
    if (zone === this.#unlimited) return true;
    const found = this.#found[zone] ?? 0;
    if (found >= this.#target) return false;
    const examined = (this.#examined[zone] ?? 0) + 1;
    this.#examined[zone] = examined;
    if (examined === this.#instances[zone]) this.#open--;
    return true;
  }

  /** Counts an instance that was taken and uses up a place of its zone. */
  found(zone: number): void {
    if (zone === this.#unlimited) return;
    const found = (this.#found[zone] ?? 0) + 1;
    this.#found[zone] = found;
    const examinedAll = this.#examined[zone] === this.#instances[zone];
    if (found === this.#target && !examinedAll) this.#open--;
  }
}

/**
 * Every healthy instance, also those without tokens; no quorum is asked for.
 * @throws {EmptyRingError} when there are no instances
 */
export function allHealthy(
  view: RingView,
  operation: Operation,
  nowUnixMs: number,
): ReplicationSet {
  if (view.instances.length === 0) throw new EmptyRingError();
  const instances = view.instances.filter(
    (instance, position) =>
      operation.acceptsInstance(instance) && view.isFresh(position, nowUnixMs),
  );
  return { instances, maxErrors: 0, maxUnavailableZones: 0, zoneAwarenessEnabled: false };
}

/**
 * The instances to ask when all data of the ring is wanted. Zone aware: whole zones without a fault. R-35
 * @throws {EmptyRingError | TooManyUnhealthyInstancesError}
 */
export function wholeRing(view: RingView, operation: Operation, nowUnixMs: number): ReplicationSet {
  if (view.topology.tokens.length === 0) throw new EmptyRingError();
  const { replicationFactor, zoneAwarenessEnabled } = view.options;
  const healthy: InstanceDesc[] = [];
  const failed: InstanceDesc[] = [];
  for (const [position, instance] of view.instances.entries()) {
    const usable = operation.acceptsInstance(instance) && view.isFresh(position, nowUnixMs);
    (usable ? healthy : failed).push(instance);
  }
  if (zoneAwarenessEnabled) {
    const tolerated = Math.floor(Math.min(view.topology.zones.length, replicationFactor) / 2);
    const failedZones = new Set(failed.map(({ zone }) => zone));
    if (failedZones.size > tolerated) throw new TooManyUnhealthyInstancesError(failed);
    return {
      instances: healthy.filter(({ zone }) => !failedZones.has(zone)),
      maxErrors: 0,
      maxUnavailableZones: tolerated - failedZones.size,
      zoneAwarenessEnabled: true,
    };
  }
  const required =
    Math.max(view.instances.length, replicationFactor) - Math.floor(replicationFactor / 2);
  if (healthy.length < required) throw new TooManyUnhealthyInstancesError(failed);
  return {
    instances: healthy,
    maxErrors: healthy.length - required,
    maxUnavailableZones: 0,
    zoneAwarenessEnabled: false,
  };
}
