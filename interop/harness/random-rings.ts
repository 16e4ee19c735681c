import { InstanceDesc, type KnownInstanceState, RingDesc, TOKEN_SPACE, Tokens } from '@ml/ring';
import { assert, type Random } from '@ml/runtime';

import {
  maskOperation,
  NAMED_OPERATIONS,
  type NamedOperation,
  type OracleConfig,
  type WantedShard,
} from './ring-oracle.ts';

/**
 * The reference reads the real clock, so nothing that depends on the time of a look-up is nearer than this to where
 * the answer changes.
 */
const CLOCK_MARGIN_S = 600;
const TENANTS = 50;
const KEYS = 1000;
const DAY_S = 86_400;
const STATES: readonly KnownInstanceState[] = ['ACTIVE', 'LEAVING', 'PENDING', 'JOINING', 'LEFT'];
const STATE_BITS = 0x1f;
const ACTIVE_BIT = 1;
const SMALL_RING = 20;
const EXTEND_SHIFT = 16;

/** A ring through three versions, and what to ask about it. */
export interface RandomRing {
  /** What is special about it, for reports. */
  readonly title: string;
  readonly config: OracleConfig;
  readonly nowUnixMs: number;
  /** At first; then with other states and heartbeats; then with other instances, tokens and read-only flags. */
  readonly versions: readonly RingDesc[];
  readonly keys: readonly number[];
  readonly operations: readonly NamedOperation[];
  readonly shards: readonly WantedShard[];
  /** Every zone that may occur, and one that does not. */
  readonly zones: readonly string[];
}

/** What a ring is drawn by. */
interface Shape {
  readonly instances: number;
  readonly tokensEach: number;
  /** Tokens are below this. */
  readonly tokenSpace: number;
  /** Low numbers are among the tokens. */
  readonly lowTokens: boolean;
  readonly zones: readonly string[];
  /** Chances, 0 to 1. */
  readonly unhealthy: number;
  readonly tokenless: number;
  readonly readOnly: number;
  readonly unknownTimes: number;
}

/** A ring of 1 to 300 instances with up to 128 tokens each, in up to five zones. */
export function randomRing(random: Random, nowUnixMs: number): RandomRing {
  const zones = zoneNames(random.int(6));
  if (zones.length > 0 && chance(random, 0.2)) zones.push('');
  return drawRing(random, nowUnixMs, {
    instances: logUniform(random, 300),
    tokensEach: logUniform(random, 128),
    tokenSpace: chance(random, 0.1) ? 100_000 : TOKEN_SPACE,
    lowTokens: chance(random, 0.25),
    zones,
    unhealthy: pick(random, [0, 0, 0.02, 0.1, 0.3, 0.7]),
    tokenless: pick(random, [0, 0, 0.1, 0.3, chance(random, 0.1) ? 1 : 0]),
    readOnly: pick(random, [0, 0, 0.05, 0.3, chance(random, 0.2) ? 1 : 0]),
    unknownTimes: pick(random, [0, 0, 0.1]),
  });
}

/** A ring of 300 instances with 128 tokens each. */
export function largeRing(random: Random, nowUnixMs: number): RandomRing {
  return drawRing(random, nowUnixMs, {
    instances: 300,
    tokensEach: 128,
    tokenSpace: TOKEN_SPACE,
    lowTokens: false,
    zones: zoneNames(pick(random, [0, 3, 3, 5])),
    unhealthy: pick(random, [0, 0, 0.01, 0.1]),
    tokenless: 0,
    readOnly: pick(random, [0, 0.02]),
    unknownTimes: 0,
  });
}

/** Two rings of the same few instances, tokens and seconds, as a merge gets them. The first one is in order. */
export function randomMerge(random: Random): {
  readonly mine: RingDesc;
  readonly incoming: RingDesc;
} {
  const many = 1 + random.int(pick(random, [4, 12, 40]));
  const times = 1 + random.int(5);
  const tokens = pick(random, [8, 200, TOKEN_SPACE]);
  const draw = (): RingDesc => {
    const some: InstanceDesc[] = [];
    for (let i = 0; i < many; i++) {
      if (chance(random, 0.25)) continue;
      const state = pick(random, STATES);
      const own = Array.from({ length: random.int(6) }, () => random.int(tokens));
      some.push(
        InstanceDesc.of({
          id: `i-${i}`,
          addr: `10.0.0.${i}:${random.int(3)}`,
          zone: pick(random, ['', 'a']),
          state,
          heartbeatUnixS: random.int(times),
          tokens: state === 'LEFT' ? Tokens.none : Tokens.of(own),
          registeredUnixS: random.int(2),
          readOnly: chance(random, 0.2),
          readOnlyUpdatedUnixS: random.int(2),
        }),
      );
    }
    return RingDesc.of(some);
  };
  return { mine: draw(), incoming: draw() };
}

function drawRing(random: Random, nowUnixMs: number, shape: Shape): RandomRing {
  const config = drawConfig(random, shape.zones);
  const drawer = new InstanceDrawer(random, shape, config, Math.floor(nowUnixMs / 1000));
  const drawn = RingDesc.of(Array.from({ length: shape.instances }, () => drawer.next()));
  const first = withSharedTokens(drawn, config);
  const second = drawer.otherHealth(first);
  const { replicationFactor, zoneAwarenessEnabled, heartbeatTimeoutMs } = config;
  return {
    title:
      `${shape.instances} instances, up to ${shape.tokensEach} tokens, zones [${shape.zones.join(' ')}]` +
      ` without [${config.excludedZones.join(' ')}], replication factor ${replicationFactor}, zone awareness` +
      ` ${zoneAwarenessEnabled}, ignore unhealthy ${config.ignoreUnhealthy}, timeout ${heartbeatTimeoutMs} ms`,
    config,
    nowUnixMs,
    versions: [first, second, drawer.otherTopology(second)],
    keys: drawKeys(random, first),
    operations: [
      ...NAMED_OPERATIONS,
      drawOperation(random, shape.instances),
      drawOperation(random, shape.instances),
    ],
    shards: Array.from({ length: TENANTS }, () => drawShards(random, shape.instances)).flat(),
    zones: [...new Set([...shape.zones, '', 'nowhere'])],
  };
}

function drawConfig(random: Random, zones: readonly string[]): OracleConfig {
  const oneEach = zones.length > 0 && chance(random, 0.4);
  const excludes = zones.length > 1 && chance(random, 0.2);
  const excludedZones = excludes ? random.shuffle(zones).slice(0, 1 + random.int(2)) : [];
  return {
    replicationFactor: oneEach
      ? Math.max(1, zones.length - excludedZones.length)
      : pick(random, [1, 2, 3, 3, 3, 4, 5, 7, 9]),
    heartbeatTimeoutMs: 1000 * pick(random, [0, 1200, 3600, 86_400]),
    zoneAwarenessEnabled: oneEach || chance(random, zones.length > 0 ? 0.6 : 0.1),
    excludedZones,
    ignoreUnhealthy: chance(random, 0.25),
  };
}

/** Draws instances whose tokens nobody else holds. */
class InstanceDrawer {
  readonly #random: Random;
  readonly #shape: Shape;
  readonly #config: OracleConfig;
  readonly #nowUnixS: number;
  readonly #taken = new Set<number>();
  #drawn = 0;

  constructor(random: Random, shape: Shape, config: OracleConfig, nowUnixS: number) {
    this.#random = random;
    this.#shape = shape;
    this.#config = config;
    this.#nowUnixS = nowUnixS;
  }

  next(): InstanceDesc {
    const random = this.#random;
    const { zones, readOnly } = this.#shape;
    const number = this.#drawn++;
    const isReadOnly = chance(random, readOnly);
    return InstanceDesc.of({
      id: `i-${number}`,
      addr: `10.0.${number >> 8}.${number & 255}:9095`,
      zone: zones.length === 0 ? '' : pick(random, zones),
      ...this.#health(),
      tokens: this.#tokens(),
      registeredUnixS: this.#past(),
      readOnly: isReadOnly,
      readOnlyUpdatedUnixS: isReadOnly || chance(random, 0.05) ? this.#past() : 0,
    });
  }

  /** The ring with other states and heartbeats. */
  otherHealth(ring: RingDesc): RingDesc {
    let changed = ring;
    for (const instance of ring) {
      if (chance(this.#random, 0.2)) changed = changed.set(instance.with(this.#health()));
    }
    return changed;
  }

  /** The ring with an instance more and one less, one with new tokens and one with its read-only flag flipped. */
  otherTopology(ring: RingDesc): RingDesc {
    const random = this.#random;
    const [gone, moved, flipped] = random.shuffle(ring.instances);
    let changed = ring.set(this.next());
    if (gone !== undefined && ring.size > 1) changed = changed.delete(gone.id);
    if (moved !== undefined) changed = changed.set(moved.with({ tokens: this.#tokens() }));
    if (flipped === undefined) return changed;
    const readOnly = !flipped.readOnly;
    return changed.set(flipped.with({ readOnly, readOnlyUpdatedUnixS: this.#past() }));
  }

  #health(): { readonly state: KnownInstanceState; readonly heartbeatUnixS: number } {
    const random = this.#random;
    const timeoutS = this.#config.heartbeatTimeoutMs / 1000;
    const sick = chance(random, this.#shape.unhealthy);
    const state = sick && chance(random, 0.6) ? pick(random, STATES) : 'ACTIVE';
    const stale = sick && (state === 'ACTIVE' || chance(random, 0.5));
    const ageS = stale
      ? timeoutS + CLOCK_MARGIN_S + random.int(5000)
      : random.int(Math.max(1, timeoutS - CLOCK_MARGIN_S));
    const future = !stale && chance(random, 0.05);
    return { state, heartbeatUnixS: this.#nowUnixS + (future ? 1000 : -ageS) };
  }

  #tokens(): Tokens {
    const random = this.#random;
    const { tokensEach, tokenSpace, tokenless, lowTokens } = this.#shape;
    if (chance(random, tokenless)) return Tokens.none;
    const count = chance(random, 0.5) ? tokensEach : 1 + random.int(tokensEach);
    const own: number[] = [];
    while (own.length < count) {
      const low = lowTokens && chance(random, 0.3) && this.#taken.size < 100;
      const token = random.int(low ? pick(random, [4, 200]) : tokenSpace);
      if (this.#taken.has(token)) continue;
      this.#taken.add(token);
      own.push(token);
    }
    return Tokens.of(own);
  }

  /** Some time ago, in Unix seconds; 0 when unknown. */
  #past(): number {
    const random = this.#random;
    if (chance(random, this.#shape.unknownTimes)) return 0;
    return this.#nowUnixS - random.int(pick(random, [120, 7200, DAY_S, 30 * DAY_S]));
  }
}

/** Some instances of excluded zones hold tokens of others, which then must not count. */
function withSharedTokens(ring: RingDesc, config: OracleConfig): RingDesc {
  const isExcluded = ({ zone }: InstanceDesc): boolean => config.excludedZones.includes(zone);
  const other = ring.instances.find((instance) => !isExcluded(instance));
  if (other === undefined) return ring;
  let changed = ring;
  for (const instance of ring.instances.filter(isExcluded).slice(0, 5)) {
    const tokens = instance.tokens.with(other.tokens.values.slice(0, 3));
    changed = changed.set(instance.with({ tokens }));
  }
  return changed;
}

/** Keys everywhere, on tokens and next to them. */
function drawKeys(random: Random, ring: RingDesc): readonly number[] {
  const { tokens } = ring.tokenIndex;
  const keys = [0, 1, TOKEN_SPACE - 1];
  while (keys.length < KEYS) {
    const token = tokens[random.int(Math.max(1, tokens.length))] ?? 0;
    const near = (token + random.int(3) - 1 + TOKEN_SPACE) % TOKEN_SPACE;
    keys.push(chance(random, 0.4) ? near : random.int(TOKEN_SPACE));
  }
  return keys;
}

/**
 * Any operation; in larger rings none that active instances extend: every walk would go on through the whole ring,
 * which takes the reference milliseconds a key.
 */
function drawOperation(random: Random, instances: number): NamedOperation {
  const healthy = random.int(STATE_BITS + 1);
  const extending = random.int(STATE_BITS + 1);
  const active = instances > SMALL_RING ? ACTIVE_BIT : 0;
  return maskOperation(healthy | ((extending & ~active) << EXTEND_SHIFT));
}

/** A tenant's shards, of two sizes, each with and without look-back. */
function drawShards(random: Random, instances: number): readonly WantedShard[] {
  const tenant = `tenant-${random.int(1_000_000)}`;
  const sizes = [pick(random, [0, 1, 3, 9]), 1 + random.int(instances + 5)];
  return sizes.flatMap((size) => {
    const lookbackMs = 1000 * pick(random, [60, 3600, DAY_S, 7 * DAY_S]);
    return [0, lookbackMs].map((period) => ({ tenant, size, lookbackMs: period }));
  });
}

function zoneNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `zone-${String.fromCharCode(97 + i)}`);
}

function chance(random: Random, probability: number): boolean {
  return random.float() < probability;
}

/** A number from 1 to `max`; small ones are likelier. */
function logUniform(random: Random, max: number): number {
  return Math.min(max, Math.floor(Math.exp(random.float() * Math.log(max + 1))));
}

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.int(items.length)];
  assert(item !== undefined, 'there is something to pick from');
  return item;
}
