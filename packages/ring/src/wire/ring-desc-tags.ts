import { BYTES, VARINT } from './proto.ts';

/** Field numbers of an instance, with the wire type they are written with. */
export const ADDR: number = (1 << 3) | BYTES;
export const HEARTBEAT: number = (2 << 3) | VARINT;
export const STATE: number = (3 << 3) | VARINT;
export const TOKENS: number = (6 << 3) | BYTES;
export const ONE_TOKEN: number = (6 << 3) | VARINT;
export const ZONE: number = (7 << 3) | BYTES;
export const REGISTERED: number = (8 << 3) | VARINT;
export const ID: number = (9 << 3) | BYTES;
export const READ_ONLY_UPDATED: number = (10 << 3) | VARINT;
export const READ_ONLY: number = (11 << 3) | VARINT;
export const VERSIONS: number = (12 << 3) | BYTES;
export const LAST_KNOWN_FIELD: number = 12;
export const RESERVED_FIELDS: ReadonlySet<number> = new Set([4, 5]);

/** Tags inside a map entry, and of the map of instances itself. */
export const KEY: number = (1 << 3) | BYTES;
export const VALUE: number = (2 << 3) | BYTES;
export const NUMBER_KEY: number = (1 << 3) | VARINT;
export const NUMBER_VALUE: number = (2 << 3) | VARINT;
export const INSTANCES: number = (1 << 3) | BYTES;
