import { InstanceDesc, RingDesc, Tokens } from '@ml/ring';
import { seededRandom } from '@ml/runtime';
import type { Params } from './measure.ts';

/** When the rings made here begin, in Unix seconds: long ago, so that any number of later heartbeats is none of the future. */
export const START_S: number = Math.floor(Date.now() / 1000) - 30 * 86_400;

/** Instance number `i` of a made ring. */
export function instanceName(
  i: number,
  zones: number,
): { readonly id: string; readonly zone: string } {
  const zone = zones > 0 ? `zone-${String.fromCharCode(97 + (i % zones))}` : '';
  return { id: `ingester-${zone}-${String(i).padStart(4, '0')}`, zone };
}

/** A ring of `instances` with `tokens` random tokens each, spread over `zones`. */
export function makeRing(params: Params): RingDesc {
  const random = seededRandom(42);
  const taken = new Set<number>();
  const zones = params.number('zones');
  const made: InstanceDesc[] = [];
  for (let i = 0; i < params.number('instances'); i += 1) {
    const own: number[] = [];
    while (own.length < params.number('tokens')) {
      const token = random.int(2 ** 32);
      if (taken.has(token)) continue;
      taken.add(token);
      own.push(token);
    }
    const { id, zone } = instanceName(i, zones);
    made.push(
      InstanceDesc.of({
        id,
        zone,
        addr: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}:9095`,
        state: 'ACTIVE',
        tokens: Tokens.of(own),
        heartbeatUnixS: START_S,
        registeredUnixS: START_S - 86_400,
      }),
    );
  }
  return RingDesc.of(made);
}

/** Keys in the order in which the peer asks for them. */
export class KeySequence {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  next(): number {
    const state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) | 0;
    this.#state = state;
    return (state ^ (state >>> 13)) >>> 0;
  }

  /** The next `count` ones. */
  take(count: number): Uint32Array {
    return Uint32Array.from({ length: count }, () => this.next());
  }
}

/** The instances of a ring one after the other, each with a heartbeat a second later than the last one's. */
export class Heartbeats {
  readonly #base: RingDesc;
  #ticks = 0;

  constructor(base: RingDesc) {
    this.#base = base;
  }

  /** The instance that beat last, as it was then. */
  get last(): InstanceDesc {
    return this.#at(this.#ticks);
  }

  /** The next instance to beat, stamped. */
  next(): InstanceDesc {
    this.#ticks += 1;
    return this.#at(this.#ticks);
  }

  /** The same, with one of its tokens changed. */
  nextWithOtherToken(): InstanceDesc {
    const stamped = this.next();
    const values = stamped.tokens.values.slice();
    const at = this.#ticks % values.length;
    values[at] = ((values[at] ?? 0) ^ 1) >>> 0;
    return stamped.with({ tokens: Tokens.normalised(values.sort()) });
  }

  #at(tick: number): InstanceDesc {
    const { instances } = this.#base;
    const known = instances[tick % instances.length];
    if (known === undefined) throw new TypeError('the ring has no instances');
    return known.with({ heartbeatUnixS: START_S + tick });
  }
}
