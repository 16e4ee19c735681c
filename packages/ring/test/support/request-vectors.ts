import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const partition = z.object({
  id: z.number().default(0),
  state: z.string(),
  stateTimestamp: z.number(),
  tokens: z.array(z.number()).nullish(),
});
const owner = z.object({
  ownedPartition: z.number().default(0),
  state: z.string(),
  updatedTimestamp: z.number(),
});
const ring = z.object({
  partitions: z.record(z.string(), partition),
  owners: z.record(z.string(), owner),
});

const schema = z.object({
  encoding: z.array(
    z.object({ name: z.string(), hex: z.string(), codecHex: z.string(), json: ring }),
  ),
  goRand: z.object({
    pyroscopeSegmentWriterSteps: z.object({
      seed: z.string(),
      first32: z.array(z.number()),
      sha256: z.string(),
    }),
    randomTokenGenerator: z.array(
      z.object({
        seed: z.number(),
        count: z.number(),
        taken: z.array(z.number()).nullable(),
        tokens: z.array(z.number()),
      }),
    ),
    sources: z.array(
      z.object({
        seed: z.string(),
        uint32: z.array(z.number()),
        uint32_2000th: z.number(),
        uint64: z.array(z.string()),
        intn_1_to_20: z.array(z.number()),
      }),
    ),
  }),
  seeds: z.array(
    z.object({
      identifier: z.string(),
      zone: z.string(),
      seed: z.string(),
      uint32: z.array(z.number()),
    }),
  ),
  spreadMinimizing: z.object({
    cases: z.array(
      z.object({
        instance: z.string(),
        zone: z.string().optional(),
        zones: z.array(z.string()).optional(),
        zoneId: z.number().optional(),
        first20: z.array(z.number()),
        last3: z.array(z.number()),
        sha256: z.string(),
      }),
    ),
    constructor: z.array(
      z.object({
        instance: z.string(),
        zone: z.string(),
        zones: z.array(z.string()),
        error: z.string().optional(),
      }),
    ),
    partial: z.array(
      z.object({
        count: z.number(),
        taken: z.array(z.number()),
        tokens: z.array(z.number()).optional(),
        returned: z.number().optional(),
      }),
    ),
  }),
  partitionMerge: z.array(
    z.object({
      name: z.string(),
      before: ring,
      incoming: ring,
      localCAS: z.boolean(),
      now: z.number(),
      after: ring,
      change: ring.nullish(),
    }),
  ),
  partitionRing: z.object({
    partitions: z.record(
      z.string(),
      z.object({ state: z.string(), stateTimestamp: z.number(), tokensSha256: z.string() }),
    ),
    owners: z.record(z.string(), z.array(z.string())),
    activeKeys: z.array(z.number()),
    activePartitionForKey: z.array(z.number()),
    shuffleShard: z.record(z.string(), z.record(z.string(), z.array(z.number()))),
    tokenRanges: z.record(
      z.string(),
      z.object({ count: z.number(), first: z.array(z.number()), sha256: z.string() }),
    ),
    smallTokenRanges: z.array(
      z.object({
        partitions: z.record(z.string(), partition),
        ranges: z.record(z.string(), z.array(z.number())),
      }),
    ),
  }),
  doBatch: z.object({
    cases: z.array(
      z.object({
        completionOrder: z.array(z.enum(['ok', '4xx', '5xx'])),
        maxErrors: z.number(),
        replicas: z.number(),
        result: z.enum(['ok', '4xx', '5xx']),
      }),
    ),
  }),
  partitionPage: z.string(),
});

export type VectorPartitionRing = z.infer<typeof ring>;

/** What the Go reference answered. */
export const requestVectors: z.infer<typeof schema> = schema.parse(
  JSON.parse(
    readFileSync(new URL('../vectors/partitions-and-requests.json', import.meta.url), 'utf8'),
  ),
);

/** The hash by which the vectors name long lists: over 4-byte big-endian numbers. */
export function hashOf(numbers: Iterable<number>): string {
  const hash = createHash('sha256');
  for (const number of numbers) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, number);
    hash.update(bytes);
  }
  return hash.digest('hex');
}
