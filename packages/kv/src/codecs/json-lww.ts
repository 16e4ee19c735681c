import { z } from 'zod';
import type { Codec } from '../codec.ts';
import { CodecError } from '../errors.ts';
import type { Mergeable, MergeOutcome } from '../mergeable.ts';
import { DEFAULT_MAX_VALUE_BYTES } from './protobuf.ts';

/** One named value, or the mark that it was deleted. */
export type LwwItem<T> =
  | { readonly type: 'value'; readonly value: T; readonly updatedUnixMs: number }
  | { readonly type: 'tombstone'; readonly updatedUnixMs: number };

/**
 * A map of JSON values by name where the last writer of each name wins: the simplest way to gossip data of one's
 * own. Immutable. Of two writes of one millisecond a deletion wins, then the larger JSON text, so that all
 * replicas agree.
 */
export class LwwMap<T> implements Mergeable<LwwMap<T>> {
  readonly items: ReadonlyMap<string, LwwItem<T>>;

  constructor(items: ReadonlyMap<string, LwwItem<T>> = new Map()) {
    this.items = items;
  }

  /** The value under `name`; `undefined` when there is none or it was deleted. */
  get(name: string): T | undefined {
    const item = this.items.get(name);
    return item?.type === 'value' ? item.value : undefined;
  }

  /** Names and values, without deleted ones. */
  entries(): readonly (readonly [name: string, value: T])[] {
    return [...this.items].flatMap(([name, item]) =>
      item.type === 'value' ? [[name, item.value] as const] : [],
    );
  }

  /** With `value` under `name`. It wins over what this map holds, also when a clock ahead of ours wrote that. */
  set(name: string, value: T, nowUnixMs: number): LwwMap<T> {
    const updatedUnixMs = after(this.items.get(name), nowUnixMs);
    return new LwwMap(new Map(this.items).set(name, { type: 'value', value, updatedUnixMs }));
  }

  /** Without `name`. In a CAS this leaves a tombstone, so that the deletion spreads. */
  delete(name: string): LwwMap<T> {
    const items = new Map(this.items);
    items.delete(name);
    return new LwwMap(items);
  }

  merge(
    incoming: LwwMap<T>,
    options: { readonly localCas: boolean; readonly nowUnixMs: number },
  ): MergeOutcome<LwwMap<T>> {
    if (!(incoming instanceof LwwMap)) throw new TypeError('only an LwwMap merges into an LwwMap');
    const change = new Map<string, LwwItem<T>>();
    for (const [name, theirs] of incoming.items) {
      const ours = this.items.get(name);
      if (ours === undefined || (theirs !== ours && supersedes(theirs, ours))) {
        change.set(name, theirs);
      }
    }
    if (options.localCas) {
      for (const [name, ours] of this.items) {
        if (ours.type === 'tombstone' || incoming.items.has(name)) continue;
        change.set(name, { type: 'tombstone', updatedUnixMs: after(ours, options.nowUnixMs) });
      }
    }
    if (change.size === 0) return { value: this, change: undefined };
    return { value: new LwwMap(new Map([...this.items, ...change])), change: new LwwMap(change) };
  }

  mergeContent(): readonly string[] {
    return [...this.items.keys()];
  }

  removeTombstones(limitUnixMs: number | undefined): {
    readonly value: LwwMap<T>;
    readonly total: number;
    readonly removed: number;
  } {
    let total = 0;
    const old: string[] = [];
    for (const [name, item] of this.items) {
      if (item.type !== 'tombstone') continue;
      if (limitUnixMs === undefined || item.updatedUnixMs < limitUnixMs) old.push(name);
      else total += 1;
    }
    if (old.length === 0) return { value: this, total, removed: 0 };
    const rest = new Map(this.items);
    for (const name of old) rest.delete(name);
    return { value: new LwwMap(rest), total, removed: old.length };
  }
}

function after<T>(item: LwwItem<T> | undefined, nowUnixMs: number): number {
  return item === undefined ? nowUnixMs : Math.max(nowUnixMs, item.updatedUnixMs + 1);
}

function supersedes<T>(theirs: LwwItem<T>, ours: LwwItem<T>): boolean {
  if (theirs.updatedUnixMs !== ours.updatedUnixMs) {
    return theirs.updatedUnixMs > ours.updatedUnixMs;
  }
  if (theirs.type === 'tombstone') return ours.type === 'value';
  return ours.type === 'value' && JSON.stringify(theirs.value) > JSON.stringify(ours.value);
}

/** Checks one value; a zod schema is one. Throws when it is not a `T`. */
export interface ValueSchema<T> {
  parse(value: unknown): T;
}

export interface JsonLwwOptions {
  /** Larger encodings are refused. Default 64 MiB. */
  readonly maxValueBytes?: number;
}

const anyValue: ValueSchema<unknown> = { parse: (value) => value };

const itemSchema = z.union([
  z.strictObject({ t: z.int().min(0), v: z.unknown() }),
  z.strictObject({ t: z.int().min(0), d: z.literal(true) }),
]);
/** Not a record: zod's would lose a name like `__proto__`. */
const objectSchema = z.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'not a JSON object',
);

/**
 * A codec for {@link LwwMap}s as plain JSON, `{"name": {"t": <Unix ms>, "v": <value>}}` or `{"t": …, "d": true}`
 * for a deleted one. `schema` checks each value that comes in; without one any JSON is accepted.
 */
export function jsonLww(id: string): Codec<LwwMap<unknown>>;
export function jsonLww<T>(
  id: string,
  schema: ValueSchema<T>,
  options?: JsonLwwOptions,
): Codec<LwwMap<T>>;
export function jsonLww(
  id: string,
  schema: ValueSchema<unknown> = anyValue,
  options: JsonLwwOptions = {},
): Codec<LwwMap<unknown>> {
  const { maxValueBytes = DEFAULT_MAX_VALUE_BYTES } = options;
  const checkSize = (bytes: Uint8Array): Uint8Array => {
    if (bytes.length <= maxValueBytes) return bytes;
    throw new CodecError(id, `${bytes.length} bytes; the limit is ${maxValueBytes}`);
  };
  return {
    id,
    encode: (map) => checkSize(new TextEncoder().encode(JSON.stringify(toJson(map)))),
    decode: (bytes) => {
      checkSize(bytes);
      try {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
        return fromJson(objectSchema.parse(JSON.parse(text)), schema);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new CodecError(id, `not a value of this type: ${why}`, { cause: error });
      }
    },
  };
}

function toJson(map: LwwMap<unknown>): object {
  return Object.fromEntries(
    [...map.items].map(([name, item]) => [
      name,
      item.type === 'value'
        ? { t: item.updatedUnixMs, v: item.value }
        : { t: item.updatedUnixMs, d: true },
    ]),
  );
}

function fromJson(json: object, schema: ValueSchema<unknown>): LwwMap<unknown> {
  const items = new Map<string, LwwItem<unknown>>();
  for (const [name, value] of Object.entries(json)) {
    const item = itemSchema.parse(value);
    items.set(
      name,
      'd' in item
        ? { type: 'tombstone', updatedUnixMs: item.t }
        : { type: 'value', value: schema.parse(item.v), updatedUnixMs: item.t },
    );
  }
  return new LwwMap(items);
}
