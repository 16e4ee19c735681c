import { isIP } from 'node:net';

/** What a look-up needs to know from resolv.conf(5). */
export interface ResolvConf {
  /** Servers in the order of the file. */
  readonly servers: readonly string[];
  /** Domains that are tried behind a relative name, without trailing dots. */
  readonly search: readonly string[];
  /** A name with at least this many dots is tried as it is first. */
  readonly ndots: number;
  /** Wait for one answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Rounds over all servers. */
  readonly attempts: number;
}

/** The defaults of resolv.conf(5), used for what the file does not say or when there is none. */
export const DEFAULT_RESOLV_CONF: ResolvConf = {
  servers: ['127.0.0.1', '::1'],
  search: [],
  ndots: 1,
  timeoutMs: 5000,
  attempts: 2,
};

const MAX_SERVERS = 8;
const MAX_SEARCH = 32;

/** Reads resolv.conf text. Unknown words are ignored, as every resolver does; limits are those of resolv.conf(5). */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: readonly string[] = [];
  let { ndots, timeoutMs, attempts } = DEFAULT_RESOLV_CONF;
  for (const line of text.split('\n')) {
    const [word = '', ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver') servers.push(...rest.slice(0, 1).filter((ip) => isIP(ip) !== 0));
    if (word === 'domain') search = domains(rest.slice(0, 1));
    if (word === 'search') search = domains(rest);
    if (word !== 'options') continue;
    ndots = option(rest, 'ndots', 0, 15) ?? ndots;
    const seconds = option(rest, 'timeout', 1, 30);
    if (seconds !== undefined) timeoutMs = seconds * 1000;
    attempts = option(rest, 'attempts', 1, 5) ?? attempts;
  }
  return {
    servers: servers.length === 0 ? DEFAULT_RESOLV_CONF.servers : servers.slice(0, MAX_SERVERS),
    search,
    ndots,
    timeoutMs,
    attempts,
  };
}

/** The absolute names (without trailing dot) to query for `name`, in order: the search list and ndots applied. */
export function candidateNames(name: string, conf: Pick<ResolvConf, 'search' | 'ndots'>): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const searched = conf.search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= conf.ndots ? [name, ...searched] : [...searched, name];
}

function domains(words: readonly string[]): readonly string[] {
  return words
    .map((word) => word.replace(/\.$/, ''))
    .filter((word) => word !== '')
    .slice(0, MAX_SEARCH);
}

function option(
  words: readonly string[],
  name: string,
  min: number,
  max: number,
): number | undefined {
  const word = words.findLast((each) => each.startsWith(`${name}:`));
  const value = word?.slice(name.length + 1) ?? '';
  return /^\d+$/.test(value) ? Math.min(Math.max(Number(value), min), max) : undefined;
}
