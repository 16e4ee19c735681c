import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { KvClient } from '@ml/kv';
import {
  createRing,
  ignoreUnhealthyStrategy,
  quorumStrategy,
  type Ring,
  type RingDesc,
  ringCodec,
} from '@ml/ring';
import { Latest } from '@ml/runtime';
import { VirtualRuntime } from '@ml/runtime/virtual';

import type { RandomRing } from './random-rings.ts';
import {
  batchLines,
  bufferedLines,
  getLines,
  mergeLines,
  rangeLines,
  shardLines,
  wholeLines,
} from './ring-answers.ts';
import {
  NAMED_OPERATIONS,
  type NamedOperation,
  type OracleRequest,
  type RingOracle,
} from './ring-oracle.ts';

/** Keys looked up with more replicas than the ring has. */
const EXPANDED_KEYS = 50;
/** Keys looked up in the later versions of a ring. */
const LATER_KEYS = 300;
/** Instances whose token ranges and states are compared. */
const SOME_INSTANCES = 40;
/** Shards that are asked for again in the later versions of a ring. */
const LATER_SHARDS = 40;
/** No more differences of one answer are reported. */
const MAX_SHOWN = 3;

/** Our answers to one question by the way in which it was put. */
type Ways = readonly (readonly [way: string, lines: readonly string[]])[];

interface Comparison {
  readonly answers: () => Ways;
  /** The key of each line, if lines are about keys. */
  readonly keys?: readonly number[];
  /** Says which fact of docs/compat/ring.md explains that we answer `ours` where the reference says `theirs`. */
  readonly explain?: (ours: string, theirs: string) => string | undefined;
}

/** Puts the same questions to our rings and to the reference's, and keeps what is answered differently. */
export class RingComparison {
  /** Differences that nothing explains. */
  readonly differences: string[] = [];
  /** Lines compared, by kind. */
  readonly compared: Map<string, number> = new Map();
  /** Lines that differ on purpose, by the number of the fact. */
  readonly explained: Map<string, number> = new Map();
  readonly #oracle: RingOracle;

  constructor(oracle: RingOracle) {
    this.#oracle = oracle;
  }

  /** All versions of a ring, with everything that can be asked about it. */
  async rings(random: RandomRing): Promise<void> {
    const { config, versions, keys, shards, operations } = random;
    const [first, ...later] = versions;
    if (first === undefined) return;
    await this.#oracle.ask({ type: 'open', desc: first, config, keys });
    const store = new OneValueStore(asDecoded(first));
    await using ring = await openRing(random, store);
    for (const operation of operations) {
      await using fresh = await openRing(random, store);
      await this.#lookUps(random, [fresh, ring], operation);
    }
    await this.#expanded(random, ring);
    await this.#whole(random, ring);
    await this.#shards(random, ring, shards);
    await this.#ranges(random, ring);
    for (const [i, desc] of later.entries()) {
      await this.#oracle.ask({ type: 'update', desc });
      await store.push(i % 2 === 0 ? desc : asDecoded(desc));
      const now = { ...random, title: `${random.title}, version ${i + 2}` };
      for (const operation of NAMED_OPERATIONS) {
        await this.#lookUps(now, [ring], operation, LATER_KEYS);
      }
      await this.#whole(now, ring);
      await this.#shards(now, ring, shards.slice(0, LATER_SHARDS));
    }
  }

  /** One merge. */
  async merge(mine: RingDesc, incoming: RingDesc): Promise<void> {
    await this.#compare(
      'merges',
      'merged',
      { type: 'merge', mine, incoming },
      {
        answers: () => [['merge', mergeLines(mine, incoming)]],
      },
    );
  }

  /** Every way to look up a key; on a fresh ring the first look-ups walk, later ones use the table of all walks. */
  async #lookUps(
    { title, keys }: RandomRing,
    rings: readonly Ring[],
    { name, operation }: NamedOperation,
    maxKeys: number = keys.length,
  ): Promise<void> {
    const asked = keys.slice(0, maxKeys);
    const request: OracleRequest = { type: 'get', operation: name, maxKeys };
    const answers = (): Ways =>
      rings.flatMap((ring, i) => {
        const where = i === 0 ? '' : ' of a used ring';
        return [
          [`get${where}`, getLines(ring, asked, operation)],
          [`getInto${where}`, bufferedLines(ring, asked, operation)],
          [`getBatch${where}`, batchLines(ring, asked, operation)],
        ] as const;
      });
    await this.#compare('look-ups', `${title}: ${name}`, request, { answers, keys: asked });
  }

  async #expanded({ title, keys, config }: RandomRing, ring: Ring): Promise<void> {
    const asked = keys.slice(0, EXPANDED_KEYS);
    for (const { name, operation } of NAMED_OPERATIONS) {
      for (const replicationFactor of [1, 2 * config.replicationFactor]) {
        const request: OracleRequest = {
          type: 'get',
          operation: name,
          maxKeys: EXPANDED_KEYS,
          replicationFactor,
        };
        const what = `${title}: ${name} with ${replicationFactor} replicas`;
        const answers = (): Ways => [['get', getLines(ring, asked, operation, replicationFactor)]];
        await this.#compare('look-ups', what, request, { answers, keys: asked });
      }
    }
  }

  async #whole({ title, keys, operations, zones }: RandomRing, ring: Ring): Promise<void> {
    const ids = [...ring.instances.slice(0, SOME_INSTANCES).map(({ id }) => id), 'nobody'];
    const names = operations.map(({ name }) => name);
    const request: OracleRequest = { type: 'whole', operations: names, zones, ids };
    await this.#compare('whole rings', title, request, {
      answers: () => [['whole ring', wholeLines(ring, { keys, operations, zones, ids })]],
    });
  }

  async #shards(
    { title, keys, nowUnixMs }: RandomRing,
    ring: Ring,
    shards: RandomRing['shards'],
  ): Promise<void> {
    const operations = NAMED_OPERATIONS.filter(({ name }) => name === 'Write' || name === 'Read');
    const names = operations.map(({ name }) => name);
    const request: OracleRequest = { type: 'shards', operations: names, shards, nowUnixMs };
    const answer = (): string[] => shardLines(ring, { keys, operations, shards, nowUnixMs });
    await this.#compare('shards', title, request, {
      answers: () => [
        ['shards', answer()],
        ['shards asked for again', answer()],
      ],
    });
  }

  async #ranges({ title }: RandomRing, ring: Ring): Promise<void> {
    const ids = [...ring.instances.slice(0, SOME_INSTANCES).map(({ id }) => id), 'nobody'];
    await this.#compare(
      'token ranges',
      title,
      { type: 'token-ranges', ids },
      {
        answers: () => [['token ranges', rangeLines(ring, ids)]],
        // the reference loses the range [0, 0].
        explain: (ours, theirs) => (ours.replace(' 0-0', '') === theirs ? 'R-21' : undefined),
      },
    );
  }

  /** Our answers, one for each way to ask, are worked out while the reference works out its own. */
  async #compare(
    kind: string,
    what: string,
    request: OracleRequest,
    comparison: Comparison,
  ): Promise<void> {
    const asked = this.#oracle.ask(request);
    const ours = comparison.answers();
    const { sha256 } = await asked;
    for (const [way, lines] of ours) {
      this.compared.set(kind, (this.compared.get(kind) ?? 0) + lines.length);
      if (digest(lines) === sha256) continue;
      const { lines: theirs = [] } = await this.#oracle.ask(request, true);
      this.#report(`${what}, ${way}`, lines, theirs, comparison);
    }
  }

  #report(
    what: string,
    ours: readonly string[],
    theirs: readonly string[],
    { explain, keys }: Comparison,
  ): void {
    const unexplained: string[] = [];
    for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
      const own = ours[i] ?? 'nothing';
      const other = theirs[i] ?? 'nothing';
      if (own === other) continue;
      const fact = explain?.(own, other);
      if (fact === undefined)
        unexplained.push(
          `${keys === undefined ? 'line' : 'key'} ${keys?.[i] ?? i}: ours "${own}", theirs "${other}"`,
        );
      else this.explained.set(fact, (this.explained.get(fact) ?? 0) + 1);
    }
    if (unexplained.length === 0) return;
    const shown = unexplained.slice(0, MAX_SHOWN).join('\n  ');
    this.differences.push(`${what}: ${unexplained.length} differences\n  ${shown}`);
  }
}

/** Holds one value for rings that watch it, and hands it over as it is, as a gossiped store does. */
class OneValueStore {
  readonly #values = new Latest<RingDesc>();
  readonly client: KvClient<RingDesc>;

  constructor(first: RingDesc) {
    this.#values.set(first);
    this.client = {
      get: async () => undefined,
      list: async () => [],
      delete: async () => undefined,
      cas: async () => undefined,
      watchKey: (_key, options) => this.#values.values(options),
      async *watchPrefix() {},
    };
  }

  /** Resolves when the rings that watch show the value: they need no more than what is queued for this turn. */
  async push(value: RingDesc): Promise<void> {
    this.#values.set(value);
    await setImmediate();
  }
}

async function openRing(random: RandomRing, store: OneValueStore): Promise<Ring> {
  const { ignoreUnhealthy, ...config } = random.config;
  return await createRing({
    name: 'diff',
    key: 'ring',
    config,
    client: store.client,
    runtime: new VirtualRuntime({ seed: 0, startUnixMs: random.nowUnixMs }),
    strategy: ignoreUnhealthy ? ignoreUnhealthyStrategy : quorumStrategy,
  });
}

/**
 * The ring as one that was read from the wire. Tombstones lose their tokens there, in the reference when they are
 * merged, so a ring in which one holds tokens stays as it is.
 */
function asDecoded(desc: RingDesc): RingDesc {
  const isOdd = desc.instances.some(({ isLeft, tokens }) => isLeft && !tokens.isEmpty);
  return isOdd ? desc : ringCodec.decode(ringCodec.encode(desc));
}

function digest(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}
