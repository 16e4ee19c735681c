import type { InstanceDesc } from './instance.ts';
import { areUsable, type KeyLookup, meet } from './lookup.ts';
import type { Operation } from './operation.ts';
import { USABLE } from './operation-health.ts';
import type { RingView } from './view.ts';

const FIRST_SIZE = 8;
const none: readonly InstanceDesc[] = [];

/**
 * Takes the answer of a look-up without making objects: for callers that look up many keys one by one. Holds the
 * latest answer only.
 */
export class ReplicaBuffer {
  #instances: readonly InstanceDesc[] = none;
  #positions: Uint32Array = new Uint32Array(FIRST_SIZE);
  #count = 0;
  #maxErrors = 0;

  /** How many instances the answer has. */
  get count(): number {
    return this.#count;
  }

  /** How many of them may fail. */
  get maxErrors(): number {
    return this.#maxErrors;
  }

  /** The instances of the ring at the time of the answer, ascending by id; {@link positions} index them. */
  get instances(): readonly InstanceDesc[] {
    return this.#instances;
  }

  /** The answer in its first {@link count} elements, along the ring. Another array when an answer needs more room. */
  get positions(): Uint32Array {
    return this.#positions;
  }

  /** Instance number `i` of the answer, `undefined` from {@link count} on. */
  at(i: number): InstanceDesc | undefined {
    return i < this.#count ? this.#instances[this.#positions[i] ?? 0] : undefined;
  }

  /**
   * Looks up a key and returns how many instances there are. When it throws, the buffer holds no answer.
   * @throws as `lookUpKey`
   */
  fill(view: RingView, key: number, operation: Operation, nowUnixMs: number): number {
    const { table, fullMaxErrors } = view.placement;
    if (this.#instances !== view.instances) this.#instances = view.instances;
    if (table !== undefined && fullMaxErrors >= 0) {
      const { uniform, flags } = view.healthFor(operation, nowUnixMs);
      const { width } = table;
      table.read(table.find(key), this.#positions);
      if (uniform || areUsable(this.#positions, width, flags)) {
        this.#count = width;
        this.#maxErrors = fullMaxErrors;
        return width;
      }
    }
    this.#count = 0;
    const lookup = { key, operation, nowUnixMs };
    return this.#judge(view, lookup, meet(view, lookup));
  }

  #judge(view: RingView, lookup: KeyLookup, met: ArrayLike<number>): number {
    const { flags } = view.healthFor(lookup.operation, lookup.nowUnixMs);
    if (this.#positions.length < met.length) this.#positions = new Uint32Array(2 * met.length);
    const unhealthy: InstanceDesc[] = [];
    let healthy = 0;
    for (let i = 0; i < met.length; i++) {
      const position = met[i] ?? 0;
      if ((flags[position] ?? 0) & USABLE) this.#positions[healthy++] = position;
      else unhealthy.push(...view.instances.slice(position, position + 1));
    }
    this.#maxErrors = view.strategy.maxErrors({
      healthy,
      unhealthy,
      replicationFactor: view.options.replicationFactor,
      zoneAware: view.options.zoneAwarenessEnabled,
    });
    this.#count = healthy;
    return healthy;
  }
}
