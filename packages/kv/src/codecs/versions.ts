import type { Codec } from '../codec.ts';
import type { Mergeable, MergeOutcome } from '../mergeable.ts';
import { ProtobufReader, ProtobufWriter } from '../wire/protobuf.ts';
import { protobufCodec } from './protobuf.ts';

const NO_BYTES = new Uint8Array(0);
const NS_PER_MS = 1_000_000n;

/** What one process says about the query API it speaks. As `InstanceVersion` in Pyroscope. */
export interface InstanceVersion {
  readonly id: string;
  readonly addr: string;
  /** When it last said so, Unix time in nanoseconds. */
  readonly timestampUnixNs: bigint;
  readonly querierApi: bigint;
  /** It has gone: a tombstone. */
  readonly left: boolean;
  /** Protobuf fields that this build does not know, as they came: they are passed on. */
  readonly unknown?: Uint8Array;
}

/**
 * Versions by instance, as Pyroscope keeps them under `collectors/versions`. Immutable. Newer statements win; of
 * two of the same time the one that left. // K-5
 */
export class Versions implements Mergeable<Versions> {
  /** Of no instance. */
  static readonly empty: Versions = new Versions(new Map());

  readonly instances: ReadonlyMap<string, InstanceVersion>;
  /** Protobuf fields beside the instances that this build does not know. */
  readonly unknown: Uint8Array;

  constructor(instances: ReadonlyMap<string, InstanceVersion>, unknown: Uint8Array = NO_BYTES) {
    this.instances = instances;
    this.unknown = unknown;
  }

  /** With `instance` under its id. */
  with(instance: InstanceVersion): Versions {
    return new Versions(new Map(this.instances).set(instance.id, instance), this.unknown);
  }

  /** Without the instance of that id. In a CAS this leaves a tombstone. */
  without(id: string): Versions {
    const instances = new Map(this.instances);
    instances.delete(id);
    return new Versions(instances, this.unknown);
  }

  merge(
    incoming: Versions,
    options: { readonly localCas: boolean; readonly nowUnixMs: number },
  ): MergeOutcome<Versions> {
    if (!(incoming instanceof Versions)) throw new TypeError('only Versions merge into Versions');
    const change = new Map<string, InstanceVersion>();
    for (const [key, theirs] of incoming.instances) {
      const ours = this.instances.get(key);
      if (ours === undefined || supersedes(theirs, ours)) change.set(key, theirs);
    }
    if (options.localCas) {
      const timestampUnixNs = BigInt(options.nowUnixMs) * NS_PER_MS;
      for (const [key, ours] of this.instances) {
        if (ours.left || incoming.instances.has(key)) continue;
        change.set(key, { ...ours, left: true, timestampUnixNs });
      }
    }
    if (change.size === 0) return { value: this, change: undefined };
    const unknown = this.unknown.length > 0 ? this.unknown : incoming.unknown;
    return {
      value: new Versions(new Map([...this.instances, ...change]), unknown),
      change: new Versions(change, unknown),
    };
  }

  mergeContent(): readonly string[] {
    return [...this.instances.keys()];
  }

  removeTombstones(limitUnixMs: number | undefined): {
    readonly value: Versions;
    readonly total: number;
    readonly removed: number;
  } {
    const limit = limitUnixMs === undefined ? undefined : BigInt(limitUnixMs) * NS_PER_MS;
    let total = 0;
    const old: string[] = [];
    for (const [key, { left, timestampUnixNs }] of this.instances) {
      if (!left) continue;
      if (limit === undefined || timestampUnixNs < limit) old.push(key);
      else total += 1;
    }
    if (old.length === 0) return { value: this, total, removed: 0 };
    const rest = new Map(this.instances);
    for (const key of old) rest.delete(key);
    return { value: new Versions(rest, this.unknown), total, removed: old.length };
  }
}

function supersedes(theirs: InstanceVersion, ours: InstanceVersion): boolean {
  if (theirs.timestampUnixNs !== ours.timestampUnixNs) {
    return theirs.timestampUnixNs > ours.timestampUnixNs;
  }
  return theirs.left && !ours.left;
}

/** The codec of {@link Versions}; its id on the wire is `versions`. */
export const versionsCodec: Codec<Versions> = protobufCodec({
  id: 'versions',
  encode: encodeVersions,
  decode: decodeVersions,
});

function encodeVersions(versions: Versions): Uint8Array {
  const writer = new ProtobufWriter();
  for (const [key, instance] of versions.instances) {
    const value = new ProtobufWriter()
      .text(1, instance.id)
      .text(2, instance.addr)
      .varint(3, instance.timestampUnixNs)
      .varint(4, instance.querierApi)
      .varint(5, instance.left ? 1n : 0n)
      .raw(instance.unknown ?? NO_BYTES)
      .finish();
    writer.bytes(1, new ProtobufWriter().text(1, key).bytes(2, value).finish());
  }
  return writer.raw(versions.unknown).finish();
}

function decodeVersions(message: Uint8Array): Versions {
  const reader = new ProtobufReader(message);
  const instances = new Map<string, InstanceVersion>();
  const unknown: Uint8Array[] = [];
  while (reader.nextField()) {
    if (reader.field !== 1) {
      unknown.push(reader.skip());
      continue;
    }
    const entry = new ProtobufReader(reader.bytes());
    let key = '';
    let value: Uint8Array = NO_BYTES;
    while (entry.nextField()) {
      if (entry.field === 1) key = entry.text();
      else if (entry.field === 2) value = entry.bytes();
      else entry.skip();
    }
    instances.set(key, decodeInstance(value));
  }
  return new Versions(instances, concat(unknown));
}

function decodeInstance(message: Uint8Array): InstanceVersion {
  const reader = new ProtobufReader(message);
  let id = '';
  let addr = '';
  let timestampUnixNs = 0n;
  let querierApi = 0n;
  let left = false;
  const unknown: Uint8Array[] = [];
  while (reader.nextField()) {
    switch (reader.field) {
      case 1:
        id = reader.text();
        break;
      case 2:
        addr = reader.text();
        break;
      case 3:
        timestampUnixNs = reader.int64();
        break;
      case 4:
        querierApi = reader.uint64();
        break;
      case 5:
        left = reader.bool();
        break;
      default:
        unknown.push(reader.skip());
    }
  }
  const known = { id, addr, timestampUnixNs, querierApi, left };
  return unknown.length === 0 ? known : { ...known, unknown: concat(unknown) };
}

/** One copy of all, so that a few kept bytes do not hold a whole message in memory. */
function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
