import { WireError } from './errors.ts';
import type { WireLimits } from './limits.ts';
import { MESSAGE_CODE, type PushPull, type PushPullRecord } from './message.ts';
import { namesOf } from './message-keys.ts';
import { MAX_PORT, MAX_UINT32, NO_BYTES } from './message-reader.ts';
import type { MsgpackReader } from './msgpack-reader.ts';
import { bytesBound, keyBytes, MsgpackWriter, nameBound } from './msgpack-writer.ts';

/** Covers header, keys and integers of a record. */
const RECORD_BOUND_BYTES = 80;
const HEADER_BOUND_BYTES = 64;

const KEY = {
  addr: keyBytes('Addr'),
  incarnation: keyBytes('Incarnation'),
  join: keyBytes('Join'),
  meta: keyBytes('Meta'),
  name: keyBytes('Name'),
  nodes: keyBytes('Nodes'),
  port: keyBytes('Port'),
  state: keyBytes('State'),
  userStateLen: keyBytes('UserStateLen'),
  vsn: keyBytes('Vsn'),
} as const;

const HEADER_KEYS = namesOf(KEY.join, KEY.nodes, KEY.userStateLen);
const RECORD_KEYS = namesOf(
  KEY.addr,
  KEY.incarnation,
  KEY.meta,
  KEY.name,
  KEY.port,
  KEY.state,
  KEY.vsn,
);

/** What leads the records of a push/pull. */
export interface PushPullHeader {
  readonly join: boolean;
  readonly nodes: number;
  readonly userStateBytes: number;
}

/** The whole exchange of one side: type byte, header, records, user state. */
export function encodePushPull(message: PushPull): Uint8Array {
  let bound = HEADER_BOUND_BYTES + message.userState.length;
  for (const record of message.records) {
    bound +=
      RECORD_BOUND_BYTES +
      nameBound(record.name) +
      bytesBound(record.addr) +
      bytesBound(record.meta) +
      bytesBound(record.versions);
  }
  const writer = new MsgpackWriter(bound);
  writer.byte(MESSAGE_CODE.pushPull);
  writeHeader(writer, {
    join: message.join,
    nodes: message.records.length,
    userStateBytes: message.userState.length,
  });
  for (const record of message.records) writeRecord(writer, record);
  writer.append(message.userState);
  return writer.finish();
}

function writeHeader(writer: MsgpackWriter, header: PushPullHeader): void {
  writer.mapHeader(3);
  writer.key(KEY.join);
  writer.bool(header.join);
  writer.key(KEY.nodes);
  writer.int(header.nodes);
  writer.key(KEY.userStateLen);
  writer.int(header.userStateBytes);
}

function writeRecord(writer: MsgpackWriter, record: PushPullRecord): void {
  writer.mapHeader(7);
  writer.key(KEY.addr);
  writer.raw(record.addr.length === 0 ? undefined : record.addr);
  writer.key(KEY.incarnation);
  writer.uint(record.incarnation);
  writer.key(KEY.meta);
  writer.raw(record.meta);
  writer.key(KEY.name);
  writer.name(record.name);
  writer.key(KEY.port);
  writer.uint(record.port);
  writer.key(KEY.state);
  writer.int(record.state);
  writer.key(KEY.vsn);
  writer.raw(record.versions.length === 0 ? undefined : record.versions);
}

/**
 * Reads the body that leads the records.
 * @throws WireError `bad_count` or `bad_length` for numbers outside the limits
 */
export function readHeader(reader: MsgpackReader, limits: WireLimits): PushPullHeader {
  let join = false;
  let nodes = 0;
  let userStateBytes = 0;
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    switch (reader.key(HEADER_KEYS, i)) {
      case 0:
        join = reader.bool();
        break;
      case 1:
        nodes = reader.int();
        break;
      case 2:
        userStateBytes = reader.int();
        break;
      default:
        reader.skip();
    }
  }
  if (nodes < 0 || nodes > limits.maxRecords) {
    const text = `push/pull: ${nodes} records announced, not within 0 and ${limits.maxRecords}`;
    throw new WireError('bad_count', text);
  }
  if (userStateBytes < 0 || userStateBytes > limits.maxUserBytes) {
    throw new WireError(
      'bad_length',
      `push/pull: ${userStateBytes} bytes of user state announced, not within 0 and ${limits.maxUserBytes}`,
    );
  }
  return { join, nodes, userStateBytes };
}

/** Reads one record; its bytes are copies. */
export function readRecord(reader: MsgpackReader, limits: WireLimits): PushPullRecord {
  let name = '';
  let addr = NO_BYTES;
  let port = 0;
  let meta: Uint8Array | undefined;
  let incarnation = 0;
  let state = 0;
  let versions = NO_BYTES;
  const entries = reader.mapHeader();
  for (let i = 0; i < entries; i += 1) {
    switch (reader.key(RECORD_KEYS, i)) {
      case 0:
        addr = reader.copy() ?? NO_BYTES;
        break;
      case 1:
        incarnation = reader.uint(MAX_UINT32);
        break;
      case 2:
        meta = reader.copy();
        break;
      case 3:
        name = reader.name(limits.maxNameBytes);
        break;
      case 4:
        port = reader.uint(MAX_PORT);
        break;
      case 5:
        state = reader.int();
        break;
      case 6:
        versions = reader.copy() ?? NO_BYTES;
        break;
      default:
        reader.skip();
    }
  }
  return { name, addr, port, meta, incarnation, state, versions };
}
