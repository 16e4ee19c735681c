import { z } from 'zod';
import type { Codec } from '../codec.ts';
import { CodecError } from '../errors.ts';
import type { Mergeable, MergeOutcome } from '../mergeable.ts';

const ID = 'usagestats.jsonCodec';
const MAX_BYTES = 64 * 1024;

const schema = z.looseObject({
  UID: z.string().min(1),
  created_at: z.iso.datetime({ offset: true }),
  version: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Who first started the cluster, as Pyroscope keeps it under `collectors/usagestats_token`. Immutable: every merge
 * keeps the older seed; of two of the same age the one with the smaller UID. // K-6
 */
export class UsageStatsSeed implements Mergeable<UsageStatsSeed> {
  readonly uid: string;
  /** RFC 3339, as its author wrote it. */
  readonly createdAt: string;
  /** The document as it came, with fields that this build does not know. */
  readonly document: Readonly<Record<string, unknown>>;

  /** @throws {CodecError} when the document has no UID or no creation time. */
  constructor(document: Readonly<Record<string, unknown>>) {
    const parsed = schema.safeParse(document);
    if (!parsed.success) {
      throw new CodecError(ID, z.prettifyError(parsed.error), { cause: parsed.error });
    }
    this.uid = parsed.data.UID;
    this.createdAt = parsed.data.created_at;
    this.document = document;
  }

  merge(
    incoming: UsageStatsSeed,
    _options: { readonly localCas: boolean; readonly nowUnixMs: number },
  ): MergeOutcome<UsageStatsSeed> {
    if (!(incoming instanceof UsageStatsSeed)) {
      throw new TypeError('only a UsageStatsSeed merges into a UsageStatsSeed');
    }
    if (!incoming.#precedes(this)) return { value: this, change: undefined };
    return { value: incoming, change: incoming };
  }

  mergeContent(): readonly string[] {
    return [this.uid];
  }

  removeTombstones(_limitUnixMs: number | undefined): {
    readonly value: UsageStatsSeed;
    readonly total: number;
    readonly removed: number;
  } {
    return { value: this, total: 0, removed: 0 };
  }

  #precedes(other: UsageStatsSeed): boolean {
    const order = compareTimes(this.createdAt, other.createdAt);
    return order === 0 ? this.uid < other.uid : order < 0;
  }
}

/** Orders RFC 3339 times down to the nanosecond, which `Date` would cut off. */
function compareTimes(left: string, right: string): number {
  return wholeSeconds(left) - wholeSeconds(right) || fraction(left) - fraction(right);
}

function wholeSeconds(time: string): number {
  return Date.parse(time.replace(/\.\d+/, ''));
}

function fraction(time: string): number {
  return Number(`0${/\.\d+/.exec(time)?.[0] ?? ''}`);
}

/** The codec of {@link UsageStatsSeed}: plain JSON, not compressed; its id on the wire is `usagestats.jsonCodec`. */
export const usageStatsCodec: Codec<UsageStatsSeed> = {
  id: ID,
  encode: (seed) => new TextEncoder().encode(JSON.stringify(seed.document)),
  decode: (bytes) => {
    if (bytes.length > MAX_BYTES) {
      throw new CodecError(ID, `${bytes.length} bytes; the limit is ${MAX_BYTES}`);
    }
    return new UsageStatsSeed(parse(bytes));
  },
};

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    throw new CodecError(ID, 'the bytes are not a JSON object', { cause: error });
  }
}
