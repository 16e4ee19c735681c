import type { Operation } from './operation.ts';
import { firstAbove } from './token-search.ts';
import type { RingView } from './view.ts';

/** Position of the first token greater than `key`, wrapping to the first of all. A key that equals a token belongs to the next one. R-32 */
export function findToken(tokens: Uint32Array, key: number): number {
  const at = firstAbove(tokens, key, 0, tokens.length);
  return at === tokens.length ? 0 : at;
}

/** A walk along the ring. */
export interface Walk {
  /** Where it begins: an unsigned 32-bit number. */
  readonly key: number;
  readonly operation: Operation;
  /** Instances wanted, before any extends the walk. */
  readonly replicationFactor: number;
}

/** The instances that a key's walk takes, by position, in the order in which it meets them, healthy or not. R-32 */
export function walkRing(view: RingView, walk: Walk): readonly number[] {
  const { topology, options, instances } = view;
  const { tokens, owners, zoneOf } = topology;
  const { operation, replicationFactor } = walk;
  const zones = options.zoneAwarenessEnabled ? new ZoneQuota(view, replicationFactor) : undefined;
  const total = instances.length;
  const taken: number[] = [];
  let wanted = replicationFactor;
  let at = findToken(tokens, walk.key);
  for (let steps = 0; steps < tokens.length && taken.length < Math.min(total, wanted); steps++) {
    if (zones?.exhausted === true) break;
    const owner = owners[at] ?? 0;
    at = at + 1 === tokens.length ? 0 : at + 1;
    if (taken.includes(owner)) continue;
    const zone = zoneOf[owner] ?? 0;
    if (zones !== undefined && !zones.examine(zone)) continue;
    taken.push(owner);
    if (operation.extends(instances[owner]?.stateCode ?? 0)) wanted++;
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
