import type { RingDesc } from '../core/desc.ts';
import type { InstanceDesc } from '../core/instance.ts';
import { varintLength } from '../core/packed-tokens.ts';
import { utf8Length, writeUtf8 } from '../core/utf8.ts';
import { int64Length, uint64Length, writeInt64, writeUint32, writeUint64 } from './proto.ts';
import {
  ADDR,
  HEARTBEAT,
  ID,
  INSTANCES,
  KEY,
  NUMBER_KEY,
  NUMBER_VALUE,
  READ_ONLY,
  READ_ONLY_UPDATED,
  REGISTERED,
  STATE,
  TOKENS,
  VALUE,
  VERSIONS,
  ZONE,
} from './ring-desc-tags.ts';

const noBytes = new Uint8Array(0);

/**
 * Writes `ring.Desc`: zero fields left out, instances in the ring's order, unknown fields of an instance kept. R-4
 * @param into where to write when it is long enough; the result is then a view of it.
 */
export function encodeRingDesc(desc: RingDesc, into: Uint8Array = noBytes): Uint8Array {
  const instances = desc.unordered;
  const lengths = new Float64Array(instances.length);
  let total = 0;
  for (let i = 0; i < instances.length; i++) {
    const instance = instances[i];
    if (instance === undefined) continue;
    const body = bodyLength(instance);
    lengths[i] = body;
    const entry = entryLength(instance, body);
    total += 1 + varintLength(entry) + entry;
  }
  const out = into.length < total ? new Uint8Array(total) : into.subarray(0, total);
  let at = 0;
  for (let i = 0; i < instances.length; i++) {
    const instance = instances[i];
    if (instance !== undefined) at = writeEntry(instance, lengths[i] ?? 0, out, at);
  }
  return out;
}

function writeEntry(instance: InstanceDesc, body: number, out: Uint8Array, from: number): number {
  let at = from;
  out[at++] = INSTANCES;
  at = writeUint32(entryLength(instance, body), out, at);
  // Both parts of an entry are always written, also when they are empty.
  out[at++] = KEY;
  at = writeUint32(utf8Length(instance.id), out, at);
  at = writeUtf8(instance.id, out, at);
  out[at++] = VALUE;
  at = writeUint32(body, out, at);
  return writeBody(instance, out, at);
}

function entryLength(instance: InstanceDesc, body: number): number {
  const id = utf8Length(instance.id);
  return 1 + varintLength(id) + id + 1 + varintLength(body) + body;
}

function bodyLength(instance: InstanceDesc): number {
  let length = stringLength(instance.addr);
  if (instance.heartbeatUnixS !== 0) length += 1 + int64Length(instance.heartbeatUnixS);
  if (instance.stateCode !== 0) length += 1 + int64Length(instance.stateCode);
  const packed = instance.tokens.packed.length;
  if (packed > 0) length += 1 + varintLength(packed) + packed;
  length += stringLength(instance.zone);
  if (instance.registeredUnixS !== 0) length += 1 + int64Length(instance.registeredUnixS);
  length += stringLength(instance.encodedId);
  if (instance.readOnlyUpdatedUnixS !== 0) length += 1 + int64Length(instance.readOnlyUpdatedUnixS);
  if (instance.readOnly) length += 2;
  if (instance.versions.size > 0) length += versionsLength(instance.versions);
  return length + instance.unknownFields.length;
}

function versionsLength(versions: ReadonlyMap<bigint, bigint>): number {
  let length = 0;
  for (const [key, value] of versions) length += 2 + versionLength(key, value);
  return length;
}

function stringLength(text: string): number {
  if (text === '') return 0;
  const length = utf8Length(text);
  return 1 + varintLength(length) + length;
}

function versionLength(key: bigint, value: bigint): number {
  return 2 + uint64Length(key) + uint64Length(value);
}

function writeBody(instance: InstanceDesc, out: Uint8Array, from: number): number {
  let at = writeString(ADDR, instance.addr, out, from);
  at = writeNumber(HEARTBEAT, instance.heartbeatUnixS, out, at);
  at = writeNumber(STATE, instance.stateCode, out, at);
  const { packed } = instance.tokens;
  if (packed.length > 0) {
    out[at++] = TOKENS;
    at = writeUint32(packed.length, out, at);
    out.set(packed, at);
    at += packed.length;
  }
  at = writeString(ZONE, instance.zone, out, at);
  at = writeNumber(REGISTERED, instance.registeredUnixS, out, at);
  at = writeString(ID, instance.encodedId, out, at);
  at = writeNumber(READ_ONLY_UPDATED, instance.readOnlyUpdatedUnixS, out, at);
  at = writeNumber(READ_ONLY, instance.readOnly ? 1 : 0, out, at);
  for (const [key, value] of instance.versions) {
    out[at++] = VERSIONS;
    at = writeUint32(versionLength(key, value), out, at);
    out[at++] = NUMBER_KEY;
    at = writeUint64(key, out, at);
    out[at++] = NUMBER_VALUE;
    at = writeUint64(value, out, at);
  }
  out.set(instance.unknownFields, at);
  return at + instance.unknownFields.length;
}

function writeNumber(tag: number, value: number, out: Uint8Array, at: number): number {
  if (value === 0) return at;
  out[at] = tag;
  return writeInt64(value, out, at + 1);
}

function writeString(tag: number, text: string, out: Uint8Array, at: number): number {
  if (text === '') return at;
  out[at] = tag;
  return writeUtf8(text, out, writeUint32(utf8Length(text), out, at + 1));
}
