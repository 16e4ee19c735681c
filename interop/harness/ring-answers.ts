import {
  EmptyRingError,
  type InstanceDesc,
  type KeyBatch,
  type Operation,
  type ReadRing,
  ReplicaBuffer,
  ReplicationFactorError,
  type ReplicationSet,
  type RingDesc,
  TokenRangesError,
  TooFewHealthyInstancesError,
  TooManyUnhealthyInstancesError,
  UnknownInstanceError,
} from '@ml/ring';

import type { NamedOperation, WantedShard } from './ring-oracle.ts';

// The same texts as those of `go/cmd/ringdiff`.

/** Keys looked up in each subring and shard. */
const KEYS_IN_SUBRINGS = 4;

/** Look-ups one by one. */
export function getLines(
  ring: ReadRing,
  keys: readonly number[],
  operation: Operation,
  replicationFactor?: number,
): string[] {
  const options = replicationFactor === undefined ? {} : { replicationFactor };
  return keys.map((key) => walkLine(() => ring.get(key, operation, options)));
}

/** Look-ups one by one into one buffer. */
export function bufferedLines(
  ring: ReadRing,
  keys: readonly number[],
  operation: Operation,
): string[] {
  const buffer = new ReplicaBuffer();
  return keys.map((key) =>
    lineOf(() => {
      const count = ring.getInto(key, operation, buffer);
      const ids = Array.from({ length: count }, (_, i) => buffer.at(i)?.id);
      return `${ids.join(' ')} | ${buffer.maxErrors} 0 false`;
    }),
  );
}

/**
 * Look-ups in one batch. The first key without an answer fails a batch, so keys after that one are looked up in a
 * batch of those that have answers, and the others in batches of one.
 */
export function batchLines(
  ring: ReadRing,
  keys: readonly number[],
  operation: Operation,
): string[] {
  let whole: KeyBatch | undefined;
  const failure = lineOf(() => {
    whole = ring.getBatch(keys, operation);
    return '';
  });
  if (whole !== undefined) return linesOfBatch(whole);
  const alone = keys.map((key) =>
    lineOf(() => linesOfBatch(ring.getBatch([key], operation))[0] ?? ''),
  );
  const firstFailure = alone.find((line) => line.startsWith('!'));
  if (firstFailure !== failure)
    return [`the batch fails with ${failure}, its keys with ${firstFailure}`];
  const answered = keys.filter((_, i) => !alone[i]?.startsWith('!'));
  const together = linesOfBatch(ring.getBatch(answered, operation));
  let next = 0;
  return alone.map((line) => (line.startsWith('!') ? line : (together[next++] ?? 'nothing')));
}

/** The whole ring for each operation, its counts, and the states of instances. */
export function wholeLines(
  ring: ReadRing,
  asked: {
    readonly keys: readonly number[];
    readonly operations: readonly NamedOperation[];
    readonly zones: readonly string[];
    readonly ids: readonly string[];
  },
): string[] {
  const lines: string[] = [];
  for (const { name, operation } of asked.operations) {
    lines.push(`all healthy for ${name}: ${setLine(() => ring.getAllHealthy(operation))}`);
    lines.push(`set for ${name}: ${setLine(() => ring.replicationSetFor(operation))}`);
    lines.push(...subringLines(`subring for ${name}`, ring.subringFor(operation), asked));
  }
  lines.push(`counts: ${countsLine(ring)}`);
  for (const zone of asked.zones) {
    const { instances, withTokens, writableWithTokens } = ring.counts(zone);
    lines.push(`counts in zone ${zone}: ${instances} ${withTokens} ${writableWithTokens}`);
  }
  for (const id of asked.ids) lines.push(`state of ${id}: ${lineOf(() => ring.instanceState(id))}`);
  return lines;
}

/** Who is in each shard, and look-ups in it. */
export function shardLines(
  ring: ReadRing,
  asked: {
    readonly keys: readonly number[];
    readonly operations: readonly NamedOperation[];
    readonly shards: readonly WantedShard[];
    readonly nowUnixMs: number;
  },
): string[] {
  return asked.shards.flatMap(({ tenant, size, lookbackMs }) => {
    const shard =
      lookbackMs === 0
        ? ring.shuffleShard(tenant, size)
        : ring.shuffleShardWithLookback(tenant, size, lookbackMs, asked.nowUnixMs);
    return subringLines(`${tenant} ${size} ${lookbackMs}`, shard, asked);
  });
}

/** The keys that each instance holds. */
export function rangeLines(ring: ReadRing, ids: readonly string[]): string[] {
  return ids.map((id) => {
    const text = lineOf(() =>
      ring
        .tokenRanges(id)
        .map(([from, to]) => `${from}-${to}`)
        .join(' '),
    );
    return text === '' ? `${id}:` : `${id}: ${text}`;
  });
}

/** What a merge makes of two rings. */
export function mergeLines(mine: RingDesc, incoming: RingDesc): string[] {
  const { value, change } = mine.merge(incoming, { localCas: false, nowUnixMs: 0 });
  const changed = change === undefined ? ['no change'] : ['change', ...descLines(change)];
  return [...descLines(value), ...changed];
}

function subringLines(
  what: string,
  subring: ReadRing,
  asked: { readonly keys: readonly number[]; readonly operations: readonly NamedOperation[] },
): string[] {
  const lines = [`${what}: ${idsOf(subring.instances)}`, `${what}, counts: ${countsLine(subring)}`];
  for (const { name, operation } of asked.operations) {
    lines.push(`${what}, set for ${name}: ${setLine(() => subring.replicationSetFor(operation))}`);
    for (const key of asked.keys.slice(0, KEYS_IN_SUBRINGS)) {
      lines.push(`${what}, ${name} ${key}: ${walkLine(() => subring.get(key, operation))}`);
    }
  }
  return lines;
}

function linesOfBatch(batch: KeyBatch): string[] {
  return Array.from({ length: batch.size }, (_, i) => {
    const ids: (string | undefined)[] = [];
    for (let k = 0; k < batch.count(i); k++) ids.push(batch.instances[batch.position(i, k)]?.id);
    return `${ids.join(' ')} | ${batch.maxErrors(i)} 0 false`;
  });
}

/** In the order in which the instances were met. */
function walkLine(find: () => ReplicationSet): string {
  return lineOf(() => {
    const set = find();
    return `${idsOf(set.instances)} ${limitsOf(set)}`;
  });
}

/** In byte order of the ids. */
function setLine(find: () => ReplicationSet): string {
  return lineOf(() => {
    const set = find();
    const sorted = set.instances.toSorted((a, b) => Buffer.from(a.id).compare(Buffer.from(b.id)));
    return `${idsOf(sorted)} ${limitsOf(set)}`;
  });
}

function limitsOf({
  maxErrors,
  maxUnavailableZones,
  zoneAwarenessEnabled,
}: ReplicationSet): string {
  return `| ${maxErrors} ${maxUnavailableZones} ${zoneAwarenessEnabled}`;
}

function idsOf(instances: readonly InstanceDesc[]): string {
  return instances.map(({ id }) => id).join(' ');
}

function countsLine(ring: ReadRing): string {
  const { instances, withTokens, writableWithTokens } = ring.counts();
  return [
    instances,
    withTokens,
    writableWithTokens,
    ring.zones.length,
    ring.replicationFactor,
  ].join(' ');
}

function descLines(desc: RingDesc): string[] {
  return desc.instances.map((i) => {
    const times = [
      i.heartbeatUnixS,
      i.state,
      i.registeredUnixS,
      i.readOnly,
      i.readOnlyUpdatedUnixS,
    ];
    const tokens = `[${i.tokens.values.join(' ')}]`;
    return [`${i.id}:`, i.encodedId, i.addr, ...times, tokens, i.zone].join(' ');
  });
}

function lineOf(answer: () => string): string {
  try {
    return answer();
  } catch (error) {
    return errorLine(error);
  }
}

/** The kind of a ring's error; anything else is passed on. */
function errorLine(error: unknown): string {
  if (error instanceof EmptyRingError) return '! empty';
  if (error instanceof TooManyUnhealthyInstancesError) return '! too many unhealthy';
  if (error instanceof UnknownInstanceError) return '! unknown instance';
  if (error instanceof ReplicationFactorError) return '! replication factor';
  if (error instanceof TokenRangesError) return '! token ranges';
  if (error instanceof TooFewHealthyInstancesError) {
    const { healthy, required, unhealthy } = error;
    return `! ${healthy} of ${required}, not ${unhealthy.map(({ addr }) => addr).join(',')}`;
  }
  throw error;
}
