import { DnsSpecError } from './errors.ts';

/** How an entry is looked up: the text before its `+`. */
export type LookupType = 'dns' | 'dnssrv' | 'dnssrvnoa';

/** One parsed join entry. */
export interface Spec {
  /** `none`: no prefix; `name` is the whole entry and is used as it is. */
  readonly type: LookupType | 'none';
  /** What is queried: without prefix, scheme, port and brackets. */
  readonly name: string;
  /** The port written in the entry; it overrides the ports of SRV records. */
  readonly port: number | undefined;
  /** Text before `//`, for instance `http:`; it is put before each address found. Empty when absent. */
  readonly scheme: string;
}

const LOOKUP_TYPES: ReadonlySet<string> = new Set<LookupType>(['dns', 'dnssrv', 'dnssrvnoa']);

/** Longest name that DNS can hold, in characters (RFC 1035 §2.3.4: 255 octets on the wire). */
const MAX_NAME_LENGTH = 254;

/** Whether an entry goes through DNS discovery: it contains a `+`. As dskit's memberlist join decides it. D-1 */
export function isDynamic(spec: string): boolean {
  return spec.includes('+');
}

/**
 * Splits an entry at its first `+`. `dns+host:port` needs its port, the SRV forms may carry one; an entry without a
 * prefix (also `+host:port`) passes through untouched. D-1 D-2 D-5 D-6 D-7 D-25
 * @throws {DnsSpecError} for an unknown prefix, a missing or bad port, an empty or overlong name.
 */
export function parseSpec(spec: string): Spec {
  const plus = spec.indexOf('+');
  if (plus <= 0) {
    return { type: 'none', name: spec.slice(plus + 1), port: undefined, scheme: '' };
  }
  const prefix = spec.slice(0, plus);
  if (!isLookupType(prefix)) {
    throw new DnsSpecError(
      spec,
      `unknown prefix ${JSON.stringify(prefix)} in ${JSON.stringify(spec)}: use dns+host:port, dnssrv+name, dnssrvnoa+name, or a plain host:port`,
    );
  }
  const rest = spec.slice(plus + 1);
  const slashes = rest.indexOf('//');
  const scheme = slashes < 0 ? '' : rest.slice(0, slashes);
  const { host, portText } = splitHostPort(slashes < 0 ? rest : rest.slice(slashes + 2));
  if (host === '' || host === '.') {
    throw new DnsSpecError(spec, `no name to look up in ${JSON.stringify(spec)}`);
  }
  if (host.length > MAX_NAME_LENGTH) {
    throw new DnsSpecError(
      spec,
      `the name in an entry that starts with ${JSON.stringify(spec.slice(0, 40))} has ${host.length} characters; DNS allows ${MAX_NAME_LENGTH}`,
    );
  }
  const port = portText === '' ? undefined : parsePort(spec, portText);
  if (prefix === 'dns' && port === undefined) {
    throw new DnsSpecError(
      spec,
      `missing port in ${JSON.stringify(spec)}: an address look-up finds no port by itself, write dns+host:port`,
    );
  }
  return { type: prefix, name: host, port, scheme };
}

/**
 * Refuses a DNS discovery prefix where it has no meaning: only join entries go through discovery.
 * `where` names the option, for instance `-memberlist.bind-addr`. D-15 D-27
 * @throws {DnsSpecError} when `value` starts with `dns+`, `dnssrv+` or `dnssrvnoa+`.
 */
export function refuseDnsPrefix(value: string, where: string): void {
  const plus = value.indexOf('+');
  const prefix = value.slice(0, Math.max(plus, 0));
  if (!isLookupType(prefix)) return;
  throw new DnsSpecError(
    value,
    `${where} is ${JSON.stringify(value)}, but DNS discovery prefixes work only in -memberlist.join: give ${where} without ${prefix}+`,
  );
}

/** `host:port`, with brackets round an IPv6 address. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function isLookupType(text: string): text is LookupType {
  return LOOKUP_TYPES.has(text);
}

/** `host:port`, `[v6]:port`, `host`, `[v6]` or a bare IPv6 address. */
function splitHostPort(text: string): { readonly host: string; readonly portText: string } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1] ?? '', portText: bracketed[2] ?? '' };
  const colon = text.lastIndexOf(':');
  if (colon < 0 || text.indexOf(':') !== colon) return { host: text, portText: '' };
  return { host: text.slice(0, colon), portText: text.slice(colon + 1) };
}

function parsePort(spec: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) {
    throw new DnsSpecError(
      spec,
      `bad port ${JSON.stringify(text)} in ${JSON.stringify(spec)}: it must be a number from 1 to 65535`,
    );
  }
  return port;
}
