import { parseIp } from '@ml/transport';
import { JoinAddressError } from './errors.ts';

/** Where to join, as written: the host may be a name that has to be resolved. */
export interface JoinAddress {
  /** The node's name if the text has one; empty otherwise. */
  readonly name: string;
  /** An IP literal without brackets, or a host name. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `[name/]host[:port]`. IPv6 addresses may stand in brackets, and must when a port follows. As memberlist's Join.
 * @throws {JoinAddressError}
 */
export function parseJoinAddress(text: string, defaultPort: number): JoinAddress {
  const slash = text.indexOf('/');
  if (slash === 0) throw new JoinAddressError(text, 'the node name before / is empty');
  const name = slash < 0 ? '' : text.slice(0, slash);
  const { host, portText } = splitPort(text, text.slice(slash + 1));
  if (host === '') throw new JoinAddressError(text, 'the host is empty');
  const port = portText === undefined ? defaultPort : parsePort(text, portText);
  return { name, host, port };
}

function splitPort(text: string, rest: string): { host: string; portText: string | undefined } {
  if (rest.startsWith('[')) {
    const end = rest.indexOf(']');
    const host = rest.slice(1, end);
    const after = rest.slice(end + 1);
    if (end < 0 || !host.includes(':') || parseIp(host) === undefined) {
      throw new JoinAddressError(text, 'write an IPv6 address between [ and ]');
    }
    if (after !== '' && !after.startsWith(':')) {
      throw new JoinAddressError(text, 'only :port may follow after ]');
    }
    return { host, portText: after === '' ? undefined : after.slice(1) };
  }
  const colon = rest.indexOf(':');
  if (colon < 0 || colon !== rest.lastIndexOf(':')) return { host: rest, portText: undefined };
  return { host: rest.slice(0, colon), portText: rest.slice(colon + 1) };
}

function parsePort(text: string, portText: string): number {
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port < 1 || port > 65_535) {
    throw new JoinAddressError(text, `${JSON.stringify(portText)} is not a port from 1 to 65535`);
  }
  return port;
}
