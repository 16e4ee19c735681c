import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { STATE_CODES, STATE_NAMES } from '../../src/core/instance-state.ts';
import { Tokens } from '../../src/core/tokens.ts';

const instance = z.object({
  state: z.string().default('ACTIVE'),
  timestamp: z.number().default(0),
  addr: z.string().default(''),
  tokens: z.array(z.number()).nullish(),
  zone: z.string().default(''),
  registeredTimestamp: z.number().default(0),
  id: z.string().default(''),
  readOnlyUpdatedTimestamp: z.number().default(0),
  readOnly: z.boolean().default(false),
});
const ring = z.record(z.string(), instance);
const config = z.object({
  excludedZones: z.array(z.string()),
  heartbeatTimeoutSeconds: z.number(),
  replicationFactor: z.number(),
  strategy: z.enum(['default', 'ignoreUnhealthy']),
  zoneAwarenessEnabled: z.boolean(),
});

const schema = z.object({
  encoding: z.object({
    encode: z.array(
      z.object({ name: z.string(), hex: z.string(), codecHex: z.string(), json: ring }),
    ),
    decode: z.array(
      z.object({
        name: z.string(),
        hex: z.string(),
        json: ring.optional(),
        error: z.string().optional(),
        reencodedHex: z.string().optional(),
      }),
    ),
  }),
  merge: z.array(
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
  mergeOrder: z.array(
    z.object({
      name: z.string(),
      a: ring,
      b: ring,
      c: ring,
      '(a.b).c': ring,
      'a.(b.c)': ring,
      equal: z.boolean(),
    }),
  ),
  removeTombstones: z.array(
    z.object({
      before: ring,
      after: ring,
      limit: z.number().nullable(),
      removed: z.number(),
      total: z.number(),
    }),
  ),
  get: z.object({
    operations: z.record(z.string(), z.number()),
    rings: z.array(
      z.object({
        name: z.string(),
        config,
        instances: ring,
        counts: z.record(z.string(), z.number()),
        keys: z.array(z.number()),
        ownedKeyspace: z.record(z.string(), z.number()),
        results: z.record(
          z.string(),
          z.array(z.union([z.string(), z.tuple([z.number()], z.string())])),
        ),
      }),
    ),
  }),
  replicationSetForOperation: z.array(
    z.object({
      name: z.string(),
      config,
      instances: ring,
      op: z.string(),
      error: z.string().optional(),
      getAllHealthy: z.array(z.string()).nullish(),
      getAllHealthyError: z.string().optional(),
      result: z
        .object({
          ids: z.array(z.string()),
          maxErrors: z.number().default(0),
          maxUnavailableZones: z.number().default(0),
          zoneAwarenessEnabled: z.boolean().default(false),
        })
        .optional(),
      subringForOperationStatesCount: z.number(),
    }),
  ),
  shuffleShard: z.object({
    rings: z.array(
      z.object({
        name: z.string(),
        config,
        instances: ring,
        results: z.record(z.string(), z.record(z.string(), z.array(z.string()))),
      }),
    ),
    lookback: z.array(
      z.object({
        config,
        instances: ring,
        now: z.number(),
        results: z.record(z.string(), z.record(z.string(), z.array(z.string()))),
      }),
    ),
  }),
  tokenRanges: z.object({
    includesKey: z.object({
      keys: z.record(z.string(), z.boolean()),
      ranges: z.array(z.number()),
    }),
    rings: z.array(
      z.object({
        name: z.string(),
        config,
        instances: ring,
        ranges: z.record(z.string(), z.union([z.string(), z.array(z.number()), z.null()])),
      }),
    ),
  }),
  http: z.array(z.object({ body: z.string() })),
  misc: z.object({
    claimTokens: z.object({ after: ring, result: z.array(z.number()) }),
    heartbeat: z.array(
      z.object({ ageSeconds: z.number(), healthy: z.boolean(), timeoutSeconds: z.number() }),
    ),
    isReady: z.record(z.string(), z.string()),
    ringCompare: z.record(z.string(), z.string()),
    tokensFile: z.object({
      marshal: z.string(),
      marshalEmpty: z.string(),
      marshalNil: z.string(),
      unmarshal: z.record(z.string(), z.union([z.string(), z.array(z.number()), z.null()])),
    }),
  }),
});

export type VectorRing = z.infer<typeof ring>;
export type VectorConfig = z.infer<typeof config>;

/** What the Go reference answered; see `meta` in the file. */
export const vectors: z.infer<typeof schema> = schema.parse(
  JSON.parse(readFileSync(new URL('../vectors/ring.json', import.meta.url), 'utf8')),
);

/** A vector's ring as ours. */
export function ringOf(value: VectorRing): RingDesc {
  return RingDesc.of(
    Object.entries(value).map(([id, fields]) => {
      const stateCode =
        STATE_NAMES.find((state) => state === fields.state) === undefined
          ? Number(fields.state)
          : STATE_CODES[STATE_NAMES.find((state) => state === fields.state) ?? 'ACTIVE'];
      return new InstanceDesc({
        ...InstanceDesc.of({ id }),
        addr: fields.addr,
        heartbeatUnixS: fields.timestamp,
        stateCode,
        tokens: Tokens.of(fields.tokens ?? []),
        zone: fields.zone,
        registeredUnixS: fields.registeredTimestamp,
        encodedId: fields.id,
        readOnlyUpdatedUnixS: fields.readOnlyUpdatedTimestamp,
        readOnly: fields.readOnly,
      });
    }),
  );
}

/** A ring in the form of the vectors, everything written out. */
export function plain(ring: RingDesc): Readonly<Record<string, object>> {
  return Object.fromEntries(
    ring.instances.map((found) => [
      found.id,
      {
        state: found.state === 'UNKNOWN' ? String(found.stateCode) : found.state,
        timestamp: found.heartbeatUnixS,
        addr: found.addr,
        tokens: Array.from(found.tokens),
        zone: found.zone,
        registeredTimestamp: found.registeredUnixS,
        id: found.encodedId,
        readOnlyUpdatedTimestamp: found.readOnlyUpdatedUnixS,
        readOnly: found.readOnly,
      },
    ]),
  );
}

/** Text to bytes. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Bytes to text. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
