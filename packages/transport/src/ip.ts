/**
 * IP addresses as text and as bytes. Bytes are 4 (IPv4) or 16 long; an IPv4 address may also come in its 16-byte
 * mapped form (`::ffff:a.b.c.d`), as Go's net.IP does. Both forms are equal here and print alike.
 */

const MAPPED_PREFIX: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** A block of addresses: the network's bytes and the number of leading bits that count. */
export interface IpNetwork {
  readonly ip: Uint8Array;
  readonly prefixBits: number;
}

/**
 * The bytes of an IP literal: 4 for dotted decimal, 16 for anything with a colon. Undefined when the text is not
 * one: host names, leading zeros ("010.0.0.1"), zones ("fe80::1%eth0") and brackets are refused. T-10
 */
export function parseIp(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** Text of an address; 16-byte mapped IPv4 prints as dotted decimal. Undefined unless 4 or 16 bytes are given. */
export function formatIp(ip: Uint8Array): string | undefined {
  const four = toIpv4(ip);
  if (four !== undefined) return four.join('.');
  return ip.length === 16 ? formatIpv6(ip) : undefined;
}

/** The 4-byte form of an IPv4 address given in either form; undefined for anything else. */
export function toIpv4(ip: Uint8Array): Uint8Array | undefined {
  if (ip.length === 4) return ip;
  if (ip.length !== 16 || !MAPPED_PREFIX.every((byte, at) => ip[at] === byte)) return undefined;
  return ip.subarray(12);
}

/** The 16-byte form; IPv4 becomes mapped. Undefined unless 4 or 16 bytes are given. */
export function toIpv6(ip: Uint8Array): Uint8Array | undefined {
  if (ip.length === 16) return ip;
  return ip.length === 4 ? Uint8Array.from([...MAPPED_PREFIX, ...ip]) : undefined;
}

/** Whether both are the same address, whatever their forms. Anything that is not an address equals nothing. */
export function sameIp(a: Uint8Array, b: Uint8Array): boolean {
  return compareIp(a, b) === 0;
}

/** Order by the 16-byte form: negative, 0 or positive; NaN when one of them is not an address. */
export function compareIp(a: Uint8Array, b: Uint8Array): number {
  const left = toIpv6(a);
  const right = toIpv6(b);
  if (left === undefined || right === undefined) return Number.NaN;
  for (let at = 0; at < 16; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Text in its one canonical spelling ("::FFFF:10.0.0.1" → "10.0.0.1"); undefined when it is not an IP literal. */
export function canonicalIp(text: string): string | undefined {
  const ip = parseIp(text);
  return ip === undefined ? undefined : formatIp(ip);
}

/** A block from its text ("10.0.0.0/8"); undefined when it is not one. */
export function parseNetwork(text: string): IpNetwork | undefined {
  const slash = text.indexOf('/');
  const ip = parseIp(text.slice(0, Math.max(slash, 0)));
  const bits = text.slice(slash + 1);
  if (ip === undefined || !/^\d{1,3}$/.test(bits) || Number(bits) > ip.length * 8) return undefined;
  return { ip, prefixBits: Number(bits) };
}

/** Whether an address lies in a block. IPv4 blocks hold IPv4 addresses of both forms, IPv6 blocks only IPv6. */
export function networkContains(network: IpNetwork, ip: Uint8Array): boolean {
  const subject = toIpv4(ip) ?? ip;
  const base = network.ip;
  if (subject.length !== base.length) return false;
  for (let at = 0, bits = network.prefixBits; bits > 0; at++, bits -= 8) {
    const mask = bits >= 8 ? 0xff : (0xff << (8 - bits)) & 0xff;
    if (((subject[at] ?? 0) & mask) !== ((base[at] ?? 0) & mask)) return false;
  }
  return true;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [at, part] of parts.entries()) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[at] = Number(part);
  }
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, head.length + missing);
  return bytes;
}

/** Bytes of colon-separated groups; the last one may be dotted decimal where `dottedAllowed`. */
function parseGroups(text: string, dottedAllowed: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [at, group] of groups.entries()) {
    if (dottedAllowed && at === groups.length - 1 && group.includes('.')) {
      const four = parseIpv4(group);
      if (four === undefined) return undefined;
      bytes.push(...four);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/** As RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups shortened. */
function formatIpv6(ip: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, at) => ((ip[2 * at] ?? 0) << 8) | (ip[2 * at + 1] ?? 0),
  );
  let start = -1;
  let length = 1;
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === 0) end++;
    if (end - at > length) {
      start = at;
      length = end - at;
    }
    at = Math.max(at, end);
  }
  const hex = groups.map((group) => group.toString(16));
  if (start < 0) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}
